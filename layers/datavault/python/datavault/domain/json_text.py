"""One JSON text, held to RFC 8259 and to the vault's own bounds on top of it.

The grammar is msgspec's, which is strict (numbers, escapes, surrogates, control characters), and
what it does not look at is checked here: UTF-8, depth, NUL, keys that stand twice. Errors name
sizes and positions, never content, neither in the message nor in the chain: they are raised
outside the ``except`` that saw the foreign error, whose ``object`` may hold the text.
"""

import json
import re
from collections.abc import Callable

import msgspec
import numpy as np

from datavault.domain.errors import Invalid, Malformed

NESTING_MAX = 100

# Decoding to Raw is msgspec's skipping parser: the whole grammar, lone surrogates included;
# not UTF-8, depth, NUL and duplicate keys.
GRAMMAR = msgspec.json.Decoder(msgspec.Raw)
# What msgspec raises for a text it refuses; RecursionError beyond some 10,000 levels.
REFUSALS = (msgspec.MsgspecError, UnicodeError, RecursionError)

# A string, closed or not, so that one pass over any text is linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u0000|.)", re.DOTALL)
_ESCAPE_OR_HALF = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?=.)(?!\\u)|.)", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_SPACE = b" \t\r\n"
_POSITION = re.compile(r"\(byte (\d+)\)")


class Digits(str):
    """An integer as written; so told apart from a string of digits."""

    __slots__ = ()


def require_utf8(body: bytes, field: str) -> None:
    """Refuse what is not UTF-8 (``Malformed``), without a byte of it in the error's causes."""
    bad_at: int | None = None
    try:
        body.decode()
    except UnicodeDecodeError as error:
        bad_at = error.start
    if bad_at is not None:
        raise Malformed(f"not UTF-8 at byte {bad_at} of {len(body)}", field=field)


def require_json(body: bytes, field: str) -> None:
    """Refuse what is not one JSON text in UTF-8 (``Malformed``)."""
    require_utf8(body, field)
    refusal: str | None = None
    try:
        GRAMMAR.decode(body)
    except RecursionError:
        refusal = "deep"
    except msgspec.MsgspecError as error:
        found = _POSITION.search(str(error))
        refusal = f"at byte {found[1]}" if found else _unplaced(body)
    if refusal == "deep":
        raise Invalid(f"nested deeper than {NESTING_MAX}", field=field)
    if refusal is not None:
        raise Malformed(f"not JSON (RFC 8259) of {len(body)} bytes, {refusal}", field=field)


def _unplaced(body: bytes) -> str:
    """Where a text is refused of which msgspec says that it ends too early.

    It says so too of half of a pair of surrogates at the end of a string.
    """
    halves = (each.start() for each in _ESCAPE_OR_HALF.finditer(body) if len(each[0]) > 2)
    at = next(halves, None)
    return "at its end: it is cut short" if at is None else f"at byte {at}: half a character"


def require_shallow(body: bytes, field: str) -> None:
    """Refuse valid JSON of more than ``NESTING_MAX`` levels of objects and arrays (``Invalid``)."""
    if body.count(b"{") + body.count(b"[") <= NESTING_MAX:
        return
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    steps = 1 - (np.frombuffer(brackets, np.uint8) & 4).astype(np.int8) // 2
    depth = int(np.cumsum(steps, dtype=np.int64).max())
    if depth > NESTING_MAX:
        raise Invalid(f"nested at most {NESTING_MAX} deep, this is {depth}", field=field)


def require_no_nul(body: bytes, field: str) -> None:
    """Refuse valid JSON with an escaped NUL in a key or a string (``Invalid``)."""
    if b"\\u0000" not in body:
        return
    for escape in _ESCAPE.finditer(body):
        if escape.end() - escape.start() > 2:
            raise Invalid(f"a string holds NUL, at byte {escape.start()}", field=field)


def unique_fields(body: bytes, field: str) -> list[tuple[str, object]]:
    """The fields of the object in ``body`` (valid JSON); at no depth does a key stand twice.

    Integers come as ``Digits``, objects as their own fields, other numbers as ``None``.
    """
    twice = ""
    try:
        # What ``decode`` adds to it is a look at white space, as dear as a small record.
        pairs: list[tuple[str, object]] = _FIELDS.raw_decode(body.strip(_SPACE).decode())[0]
    except _KeyTwice as found:
        twice = str(found)
    if twice:
        raise Invalid(f"a key stands twice in one object: {twice}", field=field)
    return pairs


def raw_fields(text: bytes, field: str) -> dict[str, msgspec.Raw] | object:
    """The fields of the object in ``text`` (compact JSON), unparsed; or its plain value.

    That no key stands twice is seen from the length: compact fields put together again are as
    long as ``text``. Keys spelled with escapes break the sum, and are then compared one by one.
    """
    if not text.startswith(b"{"):
        return plain(text, field)
    fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    names = sum(map(len, map(msgspec.json.encode, fields)))
    # A colon and a comma a field but for the last comma, and the braces.
    if names + sum(map(len, map(bytes, fields.values()))) + 2 * len(fields) + 1 != len(text):
        keys = [name for name, _ in _ANY_FIELDS.decode(text.decode())]
        if len(set(keys)) != len(keys):
            raise Invalid(f"a key stands twice in one object: {_first_repeat(keys)}", field=field)
    return fields


def plain(text: bytes | msgspec.Raw, field: str) -> object:
    """The value of a valid JSON text in ordinary Python; ``Invalid`` if it has no room there."""
    try:
        return msgspec.json.decode(text)
    except REFUSALS:
        pass  # And raise outside, so that the refusal is not in the chain.
    raise Invalid("a number out of range, or nesting too deep", field=field)


class _KeyTwice(Exception):
    """Which of an object's fields have the same key, and no word of it."""


def _each_once(own: list[tuple[str, object]]) -> list[tuple[str, object]]:
    if len(dict(own)) != len(own):
        raise _KeyTwice(_first_repeat([name for name, _ in own]))
    return own


def _first_repeat(names: list[str]) -> str:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        first = seen.setdefault(name, index)
        if first != index:
            return f"fields {first + 1} and {index + 1} of {len(names)}"
    raise AssertionError("no name stands twice")


def _fields_decoder(
    see: Callable[[list[tuple[str, object]]], list[tuple[str, object]]],
) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=see, parse_int=Digits, parse_float=lambda _: None)


# Made once: making one takes as long as decoding a record does.
_FIELDS = _fields_decoder(_each_once)
_ANY_FIELDS = _fields_decoder(list)
