"""What every operation does alike: who asks, how it is named, what is said of it."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest

from datavault.adapters.aws.errors import AwsError
from datavault.contracts.operations import OPERATIONS, operation
from datavault.domain import errors
from datavault.domain.errors import VaultError
from functions.datasets import create, describe
from functions.datasets import list as list_datasets
from functions.edge import telemetry
from functions.edge.http import Endpoint
from functions.edge.problems import STATUSES
from functions.edge.responses import RESPONSE_BYTES_MAX, Answer
from functions.health import live
from tests.functions.events import CANARY, Client


@contextmanager
def written() -> Iterator[io.StringIO]:
    """What is written meanwhile; the log goes to what was standard output at import."""
    text = io.StringIO()
    with redirect_stdout(text), pytest.MonkeyPatch.context() as patch:
        for handler in telemetry._logger.handlers:
            patch.setattr(handler, "stream", text)
        yield text


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def log_and_metrics(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one log line and the one line of metrics."""
    lines = lines_of(text)
    (log,) = [line for line in lines if "_aws" not in line]
    (metrics,) = [line for line in lines if "_aws" in line]
    return log, metrics


def failing(error: Exception) -> Endpoint[Any, Any]:
    def handle(_vault: object, _request: object) -> None:
        raise error

    return Endpoint(operation("check_live"), handle)


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_an_error_becomes_a_problem_document(client: Client, kind: type[VaultError]) -> None:
    reply = client(failing(kind("what is wrong", field="where")))
    assert reply.status == STATUSES[kind]
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json == {
        "type": "about:blank",
        "title": STATUSES[kind].phrase,
        "status": reply.status,
        "code": kind.code,
        "detail": "what is wrong",
        "correlation_id": "gateway-request-1",
        "errors": [{"field": "where", "message": "what is wrong"}],
    }


@pytest.mark.parametrize("kind", [errors.Throttled, errors.Unavailable])
def test_what_passes_says_when_to_retry(client: Client, kind: type[VaultError]) -> None:
    assert int(client(failing(kind("later"))).headers["Retry-After"]) > 0


def test_an_unexpected_error_leaks_nothing_and_is_traced(client: Client) -> None:
    cause = AwsError("AccessDenied", status=403, message=CANARY)
    error = KeyError(CANARY)
    error.__cause__ = cause
    with written() as text:
        reply = client(failing(error))
    assert (reply.status, reply.json["code"], reply.json["errors"]) == (500, "error", [])
    assert CANARY not in reply.body.decode() + text.getvalue()
    log, metrics = log_and_metrics(text.getvalue())
    first, second = log["failure"]
    assert (first["type"], "code" in first) == ("builtins.KeyError", False)
    assert second["type"].endswith(".AwsError")
    assert second["code"] == "AccessDenied"
    assert any("test_edge.py" in frame for frame in first["frames"])
    assert (log["level"], metrics["errors"], metrics["refusals"]) == ("ERROR", [1.0], [0.0])


def test_one_line_says_how_it_went_and_not_what_it_carried(client: Client) -> None:
    with written() as text:
        client(
            create.handler,
            json_body={"name": CANARY, "description": CANARY},
            headers={"Authorization": f"Bearer {CANARY}", "X-Correlation-ID": "mine-1"},
        )
        client(list_datasets.handler, query={"cursor": CANARY})
    assert CANARY not in text.getvalue()
    log, metrics = log_and_metrics("\n".join(text.getvalue().splitlines()[:2]))
    assert log["operation"] == "create_dataset"
    assert (log["status"], log["code"], log["correlation_id"]) == (201, "ok", "mine-1")
    assert log["request_bytes"] > 0
    assert log["response_bytes"] > 0
    assert log["latency_ms"] > 0
    assert metrics["operation"] == "create_dataset"
    assert metrics["errors"] == [0.0]


def test_a_refusal_is_counted_as_one(client: Client) -> None:
    with written() as text:
        client(create.handler, json_body={})
    log, metrics = log_and_metrics(text.getvalue())
    assert (log["level"], log["code"]) == ("INFO", "invalid")
    assert (metrics["errors"], metrics["refusals"]) == ([0.0], [1.0])


def test_a_correlation_id_goes_in_and_out(client: Client) -> None:
    reply = client(live.handler, headers={"x-correlation-id": "mine-1"})
    assert reply.headers["X-Correlation-ID"] == "mine-1"
    refusal = client(create.handler, json_body={}, headers={"X-CORRELATION-ID": "mine-2"})
    assert refusal.headers["X-Correlation-ID"] == "mine-2" == refusal.json["correlation_id"]


@pytest.mark.parametrize(
    "given", ["", "two words", "x" * 129, "line\nbreak", "ü", "ada@example.com"]
)
def test_a_correlation_id_of_another_form_is_replaced(client: Client, given: str) -> None:
    reply = client(live.handler, headers={"X-Correlation-ID": given})
    assert reply.headers["X-Correlation-ID"] == "gateway-request-1"


def test_a_correlation_id_is_made_where_none_is(client: Client) -> None:
    made = {live.handler.answer(client.vault, {})["headers"]["X-Correlation-ID"] for _ in range(2)}
    assert len(made) == 2
    assert all(len(each) == 36 for each in made)


@pytest.mark.parametrize("row", [row for row in OPERATIONS if row.action], ids=lambda row: row.name)
@pytest.mark.parametrize(
    "context",
    [None, {}, {"authorizer": None}, {"authorizer": {"subject": "ada", "roles": "admin"}}],
)
def test_without_the_authorizers_word_nobody_is_anybody(
    client: Client, row: Any, context: Mapping[str, Any] | None
) -> None:
    def handle(_vault: object, _request: object) -> None:
        raise AssertionError("the handler was called")

    response = Endpoint(row, handle).answer(client.vault, {"requestContext": context})
    assert response["statusCode"] == 401
    assert response["headers"]["WWW-Authenticate"] == "Bearer"
    assert json.loads(response["body"])["code"] == "unauthenticated"


@pytest.mark.parametrize("row", [row for row in OPERATIONS if row.action], ids=lambda row: row.name)
@pytest.mark.parametrize("expires_s", [None, "", "soon", "1e12", "nan", "-1", "0", "x" * 5000])
def test_an_authorizers_word_without_an_end_is_none(
    client: Client, row: Any, expires_s: str | None
) -> None:
    def handle(_vault: object, _request: object) -> None:
        raise AssertionError("the handler was called")

    event = client.event()
    event["requestContext"]["authorizer"]["expires_s"] = expires_s
    response = Endpoint(row, handle).answer(client.vault, event)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (
        401,
        "unauthenticated",
    )


def test_a_token_ends_when_it_says_although_the_gateway_remembers_it(client: Client) -> None:
    event = client.event()
    assert list_datasets.handler.answer(client.vault, event)["statusCode"] == 200
    client.vault.clock.advance(899.999)
    assert list_datasets.handler.answer(client.vault, event)["statusCode"] == 200
    client.vault.clock.advance(0.001)
    response = list_datasets.handler.answer(client.vault, event)
    assert response["statusCode"] == 401
    assert response["headers"]["WWW-Authenticate"] == "Bearer"
    assert json.loads(response["body"])["detail"] == "the access token has expired"


@pytest.mark.parametrize("roles", ["", "emperor", "reader", "auditor", "Admin"])
def test_a_role_that_does_not_permit_it_is_denied(client: Client, roles: str) -> None:
    reader = Client(client.vault, client.workspace, roles=roles)
    reply = reader(create.handler, json_body={"name": "a"})
    assert (reply.status, reply.json["code"]) == (403, "denied")


def test_another_workspace_sees_nothing(client: Client, dataset_id: str) -> None:
    other = Client(client.vault, "ws_019b76da-a800-726a-9e3a-53ce41d29686")
    reply = other(describe.handler, path={"dataset_id": dataset_id})
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def test_a_reply_that_lambda_cannot_return_is_too_large(client: Client) -> None:
    # Half of it is quotes, each of which takes two bytes within Lambda's JSON.
    body = b'"x' * (RESPONSE_BYTES_MAX // 3 + 1)
    reply = client(Endpoint(operation("check_live"), lambda _vault, _request: Answer(body)))
    assert (reply.status, reply.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", ['"', "\\", "\n", "\t", "\u2028", "ü", "x"])
def test_what_a_reply_takes_within_lambdas_json_is_foreseen(body: str) -> None:
    many = body * 1000
    size = len(json.dumps(many, ensure_ascii=False).replace("\u2028", "\\u2028").encode()) - 2
    room = RESPONSE_BYTES_MAX - size
    assert Answer((many + "x" * room).encode()).fits
    assert not Answer((many + "x" * (room + 1)).encode()).fits
