"""Replies as API Gateway proxy responses, within what Lambda can return."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datavault.contracts.operations import JSON, NDJSON, PROBLEM
from datavault.contracts.wire import Problem, Reply
from datavault.domain.errors import TooLarge

type Response = dict[str, Any]

# Lambda returns 6 MB at most, the body as a JSON string in it; headers and braces get 32 KB.
RESPONSE_BYTES_MAX = 6 * 10**6 - 32 * 10**3


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that is more than a reply model: ready bytes, or a status of its own."""

    body: bytes
    media_type: str = JSON
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether Lambda can return it: certainly what is half as long, for nothing more than
        doubles when it is escaped or encoded.
        """
        if 2 * len(self.body) <= RESPONSE_BYTES_MAX:
            return True
        return _returned_bytes(self) <= RESPONSE_BYTES_MAX


def tagged(reply: Reply, etag: str) -> Answer:
    """A reply with the entity tag of what it shows, for ``If-Match``."""
    body = reply.model_dump_json(by_alias=True).encode()
    return Answer(body, headers={"ETag": f'"{etag}"'})


type Outcome = Reply | Answer | None


def respond(outcome: Outcome, status: int, correlation_id: str) -> Response:
    """The response for what a handler gave, ``status`` being its row's.

    Raises:
        TooLarge: Lambda cannot return it.
    """
    match outcome:
        case None:
            answer = Answer(b"")
        case Reply():
            answer = Answer(outcome.model_dump_json(by_alias=True).encode())
        case Answer():
            answer = outcome
    if not answer.fits:
        raise TooLarge(
            f"a reply of {len(answer.body)} bytes does not fit; ask for {NDJSON} or for less"
        )
    return _response(answer, answer.status or status, correlation_id)


def refuse(problem: Problem, headers: Mapping[str, str]) -> Response:
    """The response for a problem."""
    body = problem.model_dump_json().encode()
    answer = Answer(body, PROBLEM, problem.status, headers)
    return _response(answer, problem.status, problem.correlation_id)


def _response(answer: Answer, status: int, correlation_id: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Correlation-ID": correlation_id,
    }
    if answer.body:
        headers["Content-Type"] = answer.media_type
    binary = _is_binary(answer)
    return {
        "statusCode": status,
        "headers": headers | dict(answer.headers),
        "body": (base64.b64encode(answer.body) if binary else answer.body).decode(),
        "isBase64Encoded": binary,
    }


def _is_binary(answer: Answer) -> bool:
    """NDJSON is one of the API's binary media types; all else goes as text."""
    return answer.media_type == NDJSON


def _returned_bytes(answer: Answer) -> int:
    """The body's bytes within Lambda's JSON: base64, or a string with its escapes."""
    body = answer.body
    if _is_binary(answer):
        return (len(body) + 2) // 3 * 4
    escaped = sum(map(body.count, (b'"', b"\\", b"\n", b"\r", b"\t")))
    # The runtime writes U+2028 and U+2029 as \u escapes: six bytes for three.
    separators = body.count("\u2028".encode()) + body.count("\u2029".encode())
    return len(body) + escaped + 3 * separators
