"""The API as an OpenAPI 3.1 document, derived from the operations table and the wire shapes."""

import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from datavault.contracts import examples
from datavault.contracts.operations import HTML, NDJSON, OPERATIONS, PROBLEM, Operation
from datavault.contracts.version import VERSION
from datavault.contracts.wire import Problem
from datavault.domain.access import PERMITTED
from datavault.domain.ids import BRANCH_NAME_CHARS_MAX, RECORD_ID_BYTES_MAX

type Document = dict[str, Any]

OPENAPI = "3.1.0"
SECURITY = "bearer"
SCHEMAS = "#/components/schemas/{model}"

ABOUT = """\
Sealed, deduplicated, versioned storage for the data of language models.

**Access.** Send `Authorization: Bearer <token>`: a JWT of the configured OpenID Connect issuer
with the claims `sub`, `workspace` and `roles`.

**Bodies.** JSON in UTF-8; records may be NDJSON (`application/x-ndjson`), one record a line. A
record is kept as its own text: what comes back is byte for byte what was sent as a line. A body
without a `Content-Type` is taken for JSON. Unknown fields and unknown, repeated or malformed
query parameters are refused.

**Records in JSON or as lines.** Ask with `Accept: application/x-ndjson` as the first media type
to get records alone, one a line; the next page is then in the headers `Link` and `X-Next-Cursor`.

**Pages.** `pagination.next_cursor` goes into `cursor` of the same query. A page may be shorter
than `limit` although there is more.

**Refs.** A branch, a tag, a commit id, or a unique prefix of one (8 characters at least).

**Repeating a request.** With an `Idempotency-Key`, a request that changes something is carried
out once in 24 hours, and its repetition is answered as the first was.

**Changing what others may change.** Where `If-Match` is asked for, send the `ETag` you have seen.

**Problems** are `application/problem+json` (RFC 9457). `code` tells them apart, `errors` names
what to mend, `correlation_id` finds the request in logs and ledger.

**Links** in `_links` are relative to the API's root URL, where this document is.
"""

# Code: status, and what the caller should do next.
PROBLEMS: dict[str, tuple[int, str]] = {
    "malformed": (400, "The bytes are not in the format announced."),
    "unauthenticated": (401, "No credentials, or none that hold."),
    "denied": (403, "No role of the caller permits this."),
    "not_found": (404, "There is no such thing in the caller's workspace."),
    "conflict": (
        409,
        "The world moved on: read again and retry. `staging_full`: commit first.",
    ),
    "precondition_failed": (412, "What you expected does not hold: read again and decide."),
    "too_large": (413, "Over a written-down limit."),
    "invalid": (422, "Well-formed, but not acceptable; `errors` names the fields."),
    "throttled": (429, "Over the workspace's share of the API; wait for `Retry-After` seconds."),
    "error": (500, "Our fault: a defect, or stored bytes that fail verification (`corrupt`)."),
    "unavailable": (
        503,
        "No answer, or no changes (`read_only`): retry later. `kek_unavailable`: ask its owner.",
    ),
}


# What a path parameter looks like; any other is a name of something.
PATH_SHAPES: dict[str, Document] = {
    "dataset_id": {"pattern": "^ds_[0-9a-f-]{36}$", "maxLength": 39},
    "commit_id": {"minLength": 8, "maxLength": 64},
    "record_id": {"minLength": 1, "maxLength": RECORD_ID_BYTES_MAX},
}
_SEGMENT: Document = {"minLength": 1, "maxLength": BRANCH_NAME_CHARS_MAX}


# Also those that a status of ``PROBLEMS`` stands for among others.
PROBLEM_CODES = frozenset(
    {
        *PROBLEMS,
        "cancelled",
        "corrupt",
        "erased",
        "kek_unavailable",
        "merge_conflicts",
        "nothing_staged",
        "read_only",
        "staging_full",
    }
)


@cache
def document() -> Document:
    """The whole document. It is one object for all callers: not to be changed."""
    paths: Document = {}
    for row in OPERATIONS:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    capabilities = dict.fromkeys(row.capability for row in OPERATIONS)
    return {
        "openapi": OPENAPI,
        "info": {"title": "LLM Data Vault", "version": VERSION, "description": ABOUT},
        "servers": [{"url": ".", "description": "Where this document is."}],
        "tags": [{"name": capability} for capability in capabilities],
        "security": [{SECURITY: []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {
                code: _problem_response(code, status, text)
                for code, (status, text) in PROBLEMS.items()
            },
            "parameters": {
                "correlation_id": {
                    "name": "X-Correlation-ID",
                    "in": "header",
                    "description": "Stays in logs and ledger: no personal data. Made if absent.",
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,128}$"},
                },
                "if_match": {
                    "name": "If-Match",
                    "in": "header",
                    "required": True,
                    "description": "The `ETag` of the version to be changed, or `*` for any.",
                    "schema": {"type": "string"},
                    "example": '"3"',
                },
                "idempotency_key": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "Makes repeating this request safe, for 24 hours.",
                    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
                },
            },
            "headers": {
                "correlation_id": {
                    "description": "The request's name in logs and ledger.",
                    "schema": {"type": "string"},
                },
                "etag": {
                    "description": "The version, for `If-Match`.",
                    "schema": {"type": "string"},
                },
                "retry_after": {
                    "description": "Seconds to wait.",
                    "schema": {"type": "integer"},
                },
            },
            "securitySchemes": {
                SECURITY: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(row: Operation) -> Document:
    described: Document = {
        "operationId": row.name,
        "tags": [row.capability],
        "summary": row.summary,
        "description": _needs(row),
        "parameters": _parameters(row),
        "responses": {str(row.status): _reply(row)} | _problems(row),
    }
    if row.action is None:
        described["security"] = []
    if row.body is not None:
        described["requestBody"] = {
            "required": True,
            "description": f"At most {row.body_bytes_max} bytes; more is `too_large`.",
            "content": {media_type: _body(row, media_type) for media_type in row.accepts},
        }
    return described


def _needs(row: Operation) -> str:
    if row.action is None:
        return "Needs no credentials."
    roles = " or ".join(role for role, actions in PERMITTED.items() if row.action in actions)
    return f"Needs the permission `{row.action}`, which the role {roles} gives."


def _parameters(row: Operation) -> list[Document]:
    parameters: list[Document] = []
    for name in re.findall(r"{(\w+)}", row.path):
        text, example = examples.PATH_PARAMETERS[name]
        parameters.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": text,
                "schema": {"type": "string", **PATH_SHAPES.get(name, _SEGMENT)},
                "example": example,
            }
        )
    if row.query is not None:
        for name, schema in row.query.model_json_schema()["properties"].items():
            parameters.append(_query_parameter(name, schema))
    if row.action is not None and row.method != "GET":
        parameters.append({"$ref": "#/components/parameters/idempotency_key"})
    if row.precondition:
        parameters.append({"$ref": "#/components/parameters/if_match"})
    parameters.append({"$ref": "#/components/parameters/correlation_id"})
    return parameters


def _query_parameter(name: str, schema: Document) -> Document:
    """An optional parameter is absent rather than null, so null is no value of it."""
    shape = {key: value for key, value in schema.items() if key not in {"title", "anyOf"}}
    text = shape.pop("description", None)
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            inner = dict(choice)
            text = text or inner.get("description")
            inner.pop("description", None)
            shape = {key: value for key, value in shape.items() if key != "default"} | inner
    described: Document = {"name": name, "in": "query", "schema": shape}
    return described if text is None else described | {"description": text}


def _body(row: Operation, media_type: str) -> Document:
    if media_type == NDJSON:
        shape = _lines_schema() | {"maxLength": row.body_bytes_max}
        return {"schema": shape, "example": examples.LINES}
    assert row.body is not None, row.name
    return {"schema": _reference(row.body), "example": examples.REQUESTS[row.name]}


def _reply(row: Operation) -> Document:
    headers: Document = {"X-Correlation-ID": {"$ref": "#/components/headers/correlation_id"}}
    if row.tagged:
        headers["ETag"] = {"$ref": "#/components/headers/etag"}
    reply: Document = {"description": row.summary, "headers": headers}
    content: Document = {}
    for media_type in row.returns if row.status != 204 else ():
        match media_type:
            case _ if media_type == NDJSON:
                content[media_type] = {"schema": _lines_schema(), "example": examples.LINES}
            case _ if media_type == HTML:
                content[media_type] = {"schema": {"type": "string"}}
            case _ if row.reply is None:
                content[media_type] = {"schema": {"type": "object"}}
            case _:
                schema = _reference(row.reply)
                content[media_type] = {"schema": schema, "example": examples.REPLIES[row.name]}
    return reply | {"content": content} if content else reply


def _problems(row: Operation) -> Document:
    """The problems that the row can answer with, by status."""
    codes = {"malformed", "invalid", "throttled", "error", "unavailable"}
    if row.action is not None:
        codes |= {"unauthenticated", "denied"}
    if "{" in row.path:
        codes.add("not_found")
    compares = row.query is not None and "base" in row.query.model_fields
    if row.method != "GET" or compares:
        codes.add("conflict")
    if row.body is not None or NDJSON in row.returns:
        codes.add("too_large")
    if row.precondition or _states_expectations(row):
        codes.add("precondition_failed")
    responses = {
        str(status): {"$ref": f"#/components/responses/{code}"}
        for code, (status, _) in PROBLEMS.items()
        if code in codes
    }
    if row.name == "check_ready":
        # The same document whether or not all is well.
        unhealthy = _reply(row) | {"description": "The catalog does not answer."}
        responses["503"] = unhealthy
    return responses


def _states_expectations(row: Operation) -> bool:
    """Whether a request can say what it expects to find, in a field named ``expected_...``."""
    asked = [model.model_json_schema() for model in (row.query, row.body) if model is not None]
    return '"expected_' in json.dumps(asked)


def _problem_response(code: str, status: int, text: str) -> Document:
    headers = {"X-Correlation-ID": {"$ref": "#/components/headers/correlation_id"}}
    if status in {429, 503}:
        headers["Retry-After"] = {"$ref": "#/components/headers/retry_after"}
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": text,
        "correlation_id": "8c1f0c2e-6a5d-4f0e-9a37-1f4b6c2d7e90",
        "errors": [],
    }
    content = {PROBLEM: {"schema": _reference(Problem), "example": example}}
    return {"description": text, "headers": headers, "content": content}


def _schemas() -> Document:
    bodies = [row.body for row in OPERATIONS if row.body is not None]
    replies: list[type[BaseModel]] = [row.reply for row in OPERATIONS if row.reply is not None]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    wanted.extend((model, "validation") for model in dict.fromkeys(bodies))
    wanted.extend((model, "serialization") for model in dict.fromkeys(replies))
    wanted.append((Problem, "serialization"))
    _, generated = models_json_schema(wanted, by_alias=True, ref_template=SCHEMAS)
    schemas: Document = generated["$defs"]
    schemas[Problem.__name__]["properties"]["code"]["enum"] = sorted(PROBLEM_CODES)
    return schemas


def _reference(model: type[BaseModel]) -> Document:
    return {"$ref": SCHEMAS.format(model=model.__name__)}


def _lines_schema() -> Document:
    return {"type": "string", "description": "One record a line, each any JSON object."}
