"""Calls as HTTP requests: paths, queries, and JSON bodies in which records stay verbatim.

In a body, ``bytes`` are a JSON text (a record's data) and go in as they are, once they have been
checked to be one JSON text: nobody's record can reach out of its place.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
from pydantic import BaseModel

from datavault.client.messages import Request
from datavault.client.routes import Arguments, ChangeOptions, Route
from datavault.contracts.links import encoded

_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_JSON_TEXT = msgspec.json.Decoder(msgspec.Raw)
_VISIBLE = re.compile(r"[!-~]{1,128}")


def request_of(route: Route[object], arguments: Arguments, options: ChangeOptions) -> Request:
    """The request of a call.

    Raises:
        ValueError: an argument that no request could carry.
    """
    values = iter(arguments.path)
    path = _PLACEHOLDER.sub(lambda _: encoded(_segment(next(values))), route.path)
    query = [(name, each) for name, value in arguments.query.items() for each in _texts(value)]
    target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
    headers = {
        "Accept": f"{route.returns}, application/problem+json;q=0.9",
        "X-Correlation-ID": _visible("correlation_id", options.get("correlation_id")),
    }
    if route.method != "GET":
        headers["Idempotency-Key"] = _visible("idempotency_key", options.get("idempotency_key"))
    if arguments.if_match is not None:
        headers["If-Match"] = _entity_tags(arguments.if_match)
    content = None
    if arguments.lines is not None:
        content, headers["Content-Type"] = arguments.lines, "application/x-ndjson"
    elif arguments.body is not None:
        given = {name: value for name, value in arguments.body.items() if value is not None}
        content, headers["Content-Type"] = json_text(given), "application/json"
    return Request(route.method, target, headers, content, route.authorized)


def json_text(value: object) -> bytes:
    """``value`` as JSON in UTF-8; models by the fields that were set, ``bytes`` verbatim.

    Raises:
        ValueError: NaN, infinity, a lone surrogate, or ``bytes`` that are no JSON text.
        TypeError: something that JSON has no word for.
    """
    match value:
        case bytes():
            return _verbatim(value)
        case BaseModel():
            fields = type(value).model_fields
            return json_text(
                {
                    fields[name].serialization_alias or name: getattr(value, name)
                    for name in fields
                    if name in value.model_fields_set
                }
            )
        case datetime():
            return json_text(_instant(value))
        case Mapping():
            members = (
                json_text(str(name)) + b":" + json_text(each) for name, each in value.items()
            )
            return b"{" + b",".join(members) + b"}"
        case Sequence() if not isinstance(value, str):
            return b"[" + b",".join(map(json_text, value)) + b"]"
        case _:
            return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _verbatim(text: bytes) -> bytes:
    failed_at: str | None = None
    try:
        _JSON_TEXT.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        failed_at = f"{len(text)} bytes that are to be JSON are not"
    if failed_at is not None:
        # Outside the ``except``: the parser's error may quote the record.
        raise ValueError(failed_at)
    return text


def _segment(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("an id or a name in a path is a text, and not an empty one")
    return value


def _texts(value: object) -> Iterator[str]:
    """A query parameter's values: none, one, or one for each in a sequence."""
    match value:
        case None:
            return
        case bool():
            yield "true" if value else "false"
        case datetime():
            yield _instant(value)
        case Sequence() if not isinstance(value, str):
            for each in value:
                yield from _texts(each)
        case _:
            yield str(value)


def _instant(value: datetime) -> str:
    """RFC 3339, which has no local times."""
    if value.tzinfo is None:
        raise ValueError("a time needs its offset from UTC: datetime(..., tzinfo=UTC)")
    return value.isoformat()


def _entity_tags(given: str | int) -> str:
    """``If-Match`` for ``*``, tags as ``ETag`` has them, or what stands in a tag's quotes."""
    text = str(given)
    return text if text == "*" or '"' in text else f'"{text}"'


def _visible(name: str, value: str | None) -> str:
    if value is None:
        return str(uuid4())
    if not _VISIBLE.fullmatch(value):
        raise ValueError(f"{name} has 1 to 128 visible ASCII characters, this has {len(value)}")
    return value
