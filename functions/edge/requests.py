"""An API Gateway proxy event, read strictly: each part once, each refusal naming what to mend."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, get_origin
from urllib.parse import unquote

from pydantic import BaseModel

from datavault.contracts.operations import NDJSON, Operation
from datavault.contracts.wire import Body
from datavault.domain import requests
from datavault.domain.digests import request_body_hash
from datavault.domain.errors import Invalid, Malformed, TooLarge
from datavault.domain.ids import parse_request_id
from datavault.domain.preconditions import HEADER, Precondition, parse_precondition

type Event = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def headers_of(event: Event) -> dict[str, str]:
    """The headers by lower-case name."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def path_of(event: Event) -> dict[str, str]:
    """The path parameters, percent-decoded.

    A REST API hands ``pathParameters`` over as the client wrote them: ``/x/my-id%2F100`` gives
    ``my-id%2F100`` (seen in production: aws/aws-sam-cli#3524, serverless/serverless#5037;
    recorded from AWS for ``%2B`` in localstack's ``test_apigateway_lambda.snapshot.json``).
    HTTP APIs decode before that, and we are not one. So they are decoded here, once; ``+`` is
    itself in a path. A ``%`` that escapes nothing is refused, so that a gateway which decodes
    too is noticed.
    """
    return {
        name: _decoded(name, value) for name, value in (event.get("pathParameters") or {}).items()
    }


def query_of(event: Event, model: type[BaseModel] | None) -> BaseModel | None:
    """The query as its model says; REST APIs hand its names and values over decoded."""
    given = event.get("multiValueQueryStringParameters") or {}
    for name, values in given.items():
        if model is None:
            raise Invalid("this operation has no query parameters", field=shown(name))
        if len(values) != 1 and not _is_repeatable(model, name):
            raise Invalid(f"given {len(values)} times, at most once", field=shown(name))
    if model is None:
        return None
    return model.model_validate(
        {
            name: tuple(values) if _is_repeatable(model, name) else values[0]
            for name, values in given.items()
        }
    )


def _is_repeatable(model: type[BaseModel], name: str) -> bool:
    """Whether the parameter may stand several times: its field is a tuple."""
    declared = model.model_fields.get(name)
    return declared is not None and get_origin(declared.annotation) is tuple


def content_of(event: Event, row: Operation) -> tuple[str, bytes]:
    """The body's media type, one that ``row`` accepts, and its bytes as sent.

    Without a Content-Type the body is taken for the row's first media type. The type has to be
    right otherwise: NDJSON read as JSON, or a form as either, would fail later and less clearly.

    Both are binary media types of the API and so arrive as sent, in base64. A body of no type
    arrives as text, in which the gateway has put U+FFFD for what is not UTF-8: it is refused.
    """
    limit = row.body_bytes_max
    announced = headers_of(event).get("content-type")
    media_type = row.accepts[0] if announced is None else _media_type(announced, row)
    text = event.get("body") or ""
    # Before decoding: base64 is four characters for three bytes.
    if len(text) > (limit * 4 // 3 + 4 if event.get("isBase64Encoded") else limit):
        raise TooLarge(f"a body has at most {limit} bytes, this has more", field="body")
    try:
        if event.get("isBase64Encoded"):
            content = base64.b64decode(text, validate=True)
        elif "\ufffd" in text:
            raise Malformed(
                "the body is not UTF-8, or has U+FFFD in it and no Content-Type", field="body"
            )
        else:
            content = text.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise Malformed("the body did not arrive as bytes", field="body") from None
    if len(content) > limit:
        message = f"a body has at most {limit} bytes, this has {len(content)}"
        raise TooLarge(message, field="body")
    return media_type, content


def body_of(content: bytes, model: type[BaseModel] | None) -> Body | None:
    """The JSON body as its model says."""
    if model is None:
        return None
    assert issubclass(model, Body), f"{model.__name__} is not a body"
    if not content.strip():
        raise Malformed("the body is empty; send a JSON object", field="body")
    return model.parse(content)


def idempotency_of(
    headers: Mapping[str, str],
    row: Operation,
    path: Mapping[str, str],
    query: BaseModel | None,
    content: bytes,
) -> requests.Request | None:
    """The request as an ``Idempotency-Key`` names it: all that it asks for, hashed."""
    key = headers.get("idempotency-key")
    if key is None or row.method == "GET":
        return None
    asked = [row.name, dict(path), None if query is None else query.model_dump(mode="json")]
    return requests.Request(
        parse_request_id(key),
        request_body_hash(json.dumps(asked, sort_keys=True).encode() + b"\n" + content),
    )


def precondition_of(headers: Mapping[str, str], row: Operation) -> Precondition | None:
    """What ``If-Match`` states, where the row asks for it: there it has to be stated."""
    if not row.precondition:
        return None
    stated = headers.get(HEADER.lower())
    if stated is None:
        raise Invalid(
            "is required: the ETag of the version you have seen, or * for any", field=HEADER
        )
    return parse_precondition(stated)


def wants_lines(headers: Mapping[str, str], row: Operation) -> bool:
    """Whether the reply is NDJSON: the row can and ``Accept`` names it first.

    First, because that is the one API Gateway goes by when it turns base64 back into bytes.
    """
    first = headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
    return first == NDJSON and NDJSON in row.returns


def shown(name: str) -> str:
    """A name that the client chose, if it looks like one of a field; it could hold anything."""
    return name if _NAME.fullmatch(name) else f"(a name of {len(name)} characters)"


def _decoded(name: str, value: str) -> str:
    if _STRAY_PERCENT.search(value):
        raise Malformed("a % in the path is not followed by two hex digits", field=name)
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("the path is not percent-encoded UTF-8", field=name) from None


def _media_type(announced: str, row: Operation) -> str:
    media_type, _, rest = announced.partition(";")
    charset = rest.replace(" ", "").replace('"', "").lower()
    media_type = media_type.strip().lower()
    if media_type not in row.accepts or charset not in {"", "charset=utf-8"}:
        accepted = " or ".join(row.accepts)
        raise Malformed(
            f"the Content-Type of this body has to be {accepted}, in UTF-8", field="Content-Type"
        )
    return media_type
