"""``@endpoint``: a handler of one row of ``OPERATIONS`` as a Lambda function behind the API.

The event becomes a ``Request`` (caller, path, query, body), the handler makes one service call
of it, and what it gives or raises becomes a response. Whatever happens, the response carries the
correlation id and one line is logged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from datavault import wiring
from datavault.contracts.operations import NDJSON, Operation, operation_of
from datavault.contracts.wire import Problem
from datavault.domain import requests
from datavault.domain.access import Caller
from datavault.domain.errors import Unauthenticated
from datavault.domain.ids import DatasetId, parse_dataset_id
from datavault.domain.preconditions import Precondition
from datavault.ports import Clock, Vault
from datavault.services.maintenance import require_writable
from functions.edge.business import counts_of
from functions.edge.caller import caller_of
from functions.edge.problems import HEADERS, problem_of
from functions.edge.requests import (
    Event,
    body_of,
    content_of,
    headers_of,
    idempotency_of,
    path_of,
    precondition_of,
    query_of,
    wants_lines,
)
from functions.edge.responses import Outcome, Response, refuse, respond
from functions.edge.telemetry import Observation, correlation_id_of


@dataclass(frozen=True, slots=True)
class Request[Query, Body]:
    """What is asked, parsed: ``query`` and ``body`` are of the row's models, or ``None``.

    ``lines`` is the body instead, as sent, when it is NDJSON. ``once`` is there when the caller
    named the request with an ``Idempotency-Key``; ``if_match`` when the row asks for one.
    """

    identity: Caller | None
    path: Mapping[str, str]
    query: Query
    body: Body
    lines: bytes | None
    wants_lines: bool
    once: requests.Request | None
    if_match: Precondition | None

    @property
    def caller(self) -> Caller:
        """Who asks; there for every row with an action."""
        if self.identity is None:
            raise Unauthenticated("this operation needs an access token")
        return self.identity

    @property
    def precondition(self) -> Precondition:
        """What has to hold of the thing to be changed; there for every row that asks for it."""
        assert self.if_match is not None, "the row asks for no If-Match"
        return self.if_match

    @property
    def dataset_id(self) -> DatasetId:
        """The dataset that the path names."""
        return parse_dataset_id(self.path["dataset_id"])


class Endpoint[Query, Body]:
    """The Lambda handler of one row: call it with an event, or ``answer`` on a given vault."""

    def __init__(
        self, row: Operation, handle: Callable[[Vault, Request[Query, Body]], Outcome]
    ) -> None:
        self.row = row
        self._handle = handle
        # Built while the function starts, on a whole CPU, and kept in its snapshot: 25 ms that
        # the first request would pay.
        for model in (row.query, row.body, row.reply, Problem):
            if model is not None:
                model.model_rebuild()

    def __call__(self, event: Event, _context: object) -> Response:
        """Answer on this process's vault."""
        return self._respond(wiring.vault, event)

    def answer(self, vault: Vault, event: Event) -> Response:
        """Answer on ``vault``."""
        return self._respond(lambda: vault, event)

    def _respond(self, vault: Callable[[], Vault], event: Event) -> Response:
        headers = headers_of(event)
        gateway_id = (event.get("requestContext") or {}).get("requestId")
        correlation_id = correlation_id_of(headers.get("x-correlation-id"), gateway_id)
        observed = Observation(self.row.name, correlation_id)
        code, failure = "ok", cast(Exception | None, None)
        counts: Mapping[str, int] = {}
        try:
            opened = vault()
            request = self._parse(opened.clock, event, headers, correlation_id)
            if self.row.changes_something:
                require_writable(opened, request.caller)
            outcome = self._handle(opened, request)
            response = respond(outcome, self.row.status, correlation_id)
            counts = counts_of(self.row.name, event, outcome)
        except Exception as error:  # noqa: BLE001  # Nothing above us could still answer.
            failure = error
            problem = problem_of(error, correlation_id)
            code = problem.code
            response = refuse(problem, HEADERS.get(HTTPStatus(problem.status), {}))
        observed.report(
            code,
            status=response["statusCode"],
            failure=failure,
            counts=counts,
            request_bytes=len(event.get("body") or ""),
            response_bytes=len(response["body"]),
        )
        return response

    def _parse(
        self, clock: Clock, event: Event, headers: Mapping[str, str], correlation_id: str
    ) -> Request[Query, Body]:
        row = self.row
        identity = None
        if row.action is not None:
            identity = caller_of(event, correlation_id, now_ms=clock.now_ms())
        path = path_of(event)
        query = query_of(event, row.query)
        media_type, content = row.accepts[0], b""
        if row.body is not None:
            media_type, content = content_of(event, row)
        is_lines = media_type == NDJSON
        return Request(
            identity=identity,
            path=path,
            query=cast(Query, query),
            body=cast(Body, None if is_lines else body_of(content, row.body)),
            lines=content if is_lines else None,
            wants_lines=wants_lines(headers, row),
            once=idempotency_of(headers, row, path, query, content),
            if_match=precondition_of(headers, row),
        )


def endpoint[Query, Body](
    name: str,
) -> Callable[[Callable[[Vault, Request[Query, Body]], Outcome]], Endpoint[Query, Body]]:
    """Make a handler the Lambda function of the row of that name, in its folder's capability."""

    def decorate(
        handle: Callable[[Vault, Request[Query, Body]], Outcome],
    ) -> Endpoint[Query, Body]:
        return Endpoint(operation_of(handle.__module__.split(".")[1], name), handle)

    return decorate
