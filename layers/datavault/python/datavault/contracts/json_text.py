"""JSON text: of requests, read strictly, and of replies that are written around records' own.

What other parsers read differently is refused.
"""

import json
from typing import Any, NoReturn

from datavault.domain.errors import Invalid, Malformed

type JsonObject = dict[str, Any]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def parse_object(text: bytes) -> JsonObject:
    """The object in a UTF-8 JSON text.

    Raises:
        Malformed: not UTF-8, not JSON (``NaN`` is not), too deep for the parser, no object.
        Invalid: a key stands twice in one object, which other programs read otherwise; or a
            string holds NUL, at which other programs end it.
    """
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        # Its ``msg`` is one of the parser's own phrases; its ``doc`` would be the body.
        message = f"the body is not JSON at line {error.lineno} column {error.colno}: {error.msg}"
        raise Malformed(message) from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError:
        # An integer of more digits than Python converts (4300).
        raise Malformed("the body holds a number of too many digits") from None
    if not isinstance(value, dict):
        raise Malformed("the body is not a JSON object")
    if b"\\u0000" in text:
        # Imported here: numpy, for what hardly ever comes.
        from datavault.domain.json_text import require_no_nul

        require_no_nul(text, "body")
    return value


def encode(value: object) -> bytes:
    """A value as JSON in UTF-8, as short as it can be."""
    return _ENCODER.encode(value).encode()


def _without_duplicates(members: list[tuple[str, Any]]) -> JsonObject:
    value = dict(members)
    if len(value) != len(members):
        raise Invalid("a key stands twice in one object of the body", field="body")
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("the body holds NaN or Infinity, which is not JSON")
