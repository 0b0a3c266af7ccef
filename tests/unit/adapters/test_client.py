"""What a call to a JSON service survives, and what it does not."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from datavault.adapters.aws.client import ATTEMPTS_MAX, JsonClient
from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import Credentials, CredentialSource, FixedCredentials
from datavault.adapters.aws.errors import AwsError
from datavault.domain.errors import Unavailable
from tests.unit.adapters.scripted import (
    Answer,
    Request,
    Reset,
    ScriptedServer,
    Silence,
    Step,
    Truncated,
)

KEYS = Credentials("AKID", "SECRET", "TOKEN")

type Build = Callable[..., JsonClient]


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def build(server: ScriptedServer, slept: list[float]) -> Iterator[Build]:
    clients: list[JsonClient] = []

    def built(
        *,
        credentials: CredentialSource | None = None,
        endpoint: str = server.url,
        timeouts: Timeouts | None = None,
    ) -> JsonClient:
        client = JsonClient(
            service="dynamodb",
            region="eu-west-1",
            endpoint=endpoint,
            target="DynamoDB_20120810",
            json_version="1.0",
            credentials=credentials or FixedCredentials(KEYS),
            timeouts=timeouts or Timeouts(read_s=0.3),
            sleep=slept.append,
        )
        clients.append(client)
        return client

    yield built
    for client in clients:
        client.close()


@pytest.fixture
def client(build: Build) -> JsonClient:
    return build()


def failure(status: int, code: str, message: str = "because") -> Answer:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return Answer(status, json.dumps(body).encode())


def bodies(requests: list[Request]) -> set[bytes]:
    return {request.body for request in requests}


def test_a_call_is_one_signed_request(client: JsonClient, server: ScriptedServer) -> None:
    server.script(Answer(body=b'{"Item": {}}'))
    assert client.call("GetItem", {"TableName": "t", "Blob": b"\xff\x00"}, dict) == {"Item": {}}
    (request,) = server.requests
    assert request.line == "POST / HTTP/1.1"
    assert json.loads(request.body) == {"TableName": "t", "Blob": "/wA="}
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert request.headers["x-amz-security-token"] == "TOKEN"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")


def test_calls_share_a_connection(client: JsonClient, server: ScriptedServer) -> None:
    for _ in range(5):
        client.call("GetItem", {}, dict)
    assert {request.connection for request in server.requests} == {1}


def test_an_answer_may_be_empty_or_come_in_chunks(
    client: JsonClient, server: ScriptedServer
) -> None:
    server.script(Answer(body=b""), Answer(body=b'{"n": 1}', chunked=True), Answer())
    assert client.call("GetItem", {}, dict) == {}
    assert client.call("GetItem", {}, dict) == {"n": 1}
    assert client.call("GetItem", {}, dict) == {}
    assert {request.connection for request in server.requests} == {1}


TRANSIENT: list[Step] = [
    Answer(500, b"<html>no JSON</html>"),
    Answer(502, b""),
    Answer(503, b"[]"),
    Answer(429, b"{}"),
    failure(400, "ThrottlingException"),
    failure(400, "ProvisionedThroughputExceededException"),
    failure(400, "RequestLimitExceeded"),
    failure(400, "TransactionInProgressException"),
    failure(500, "InternalServerError"),
    failure(500, "SomethingNew"),
    Answer(400, b"{}", {"x-amzn-ErrorType": "ThrottlingException:http://amazon.com/"}),
    Reset(),
    Truncated(),
    Silence(0.6),
]


@pytest.mark.parametrize("step", TRANSIENT)
def test_a_call_is_repeated_as_it_was_after(
    client: JsonClient, server: ScriptedServer, slept: list[float], step: Step
) -> None:
    server.script(step, step, Answer(body=b'{"n": 1}'))
    assert client.call("PutItem", {"token": "same"}, dict) == {"n": 1}
    assert len(server.requests) == 3
    assert bodies(server.requests) == {b'{"token":"same"}'}
    assert len(slept) == 2
    assert 0 <= slept[0] <= 0.05
    assert 0 <= slept[1] <= 0.1


@pytest.mark.parametrize("step", [Answer(500), failure(400, "ThrottlingException"), Reset()])
def test_a_call_that_keeps_failing_is_unavailable(
    client: JsonClient, server: ScriptedServer, slept: list[float], step: Step
) -> None:
    server.script(step)
    with pytest.raises(Unavailable, match="dynamodb does not answer PutItem"):
        client.call("PutItem", {}, dict)
    assert len(server.requests) == ATTEMPTS_MAX
    assert len(slept) == ATTEMPTS_MAX - 1


def test_a_call_is_not_repeated_beyond_its_time(
    build: Build, server: ScriptedServer, slept: list[float]
) -> None:
    server.script(Silence(0.5))
    with pytest.raises(Unavailable):
        build(timeouts=Timeouts(read_s=0.1, call_s=0.15)).call("PutItem", {}, dict)
    assert len(server.requests) == 2


def test_a_refused_connection_is_unavailable(build: Build, slept: list[float]) -> None:
    with pytest.raises(Unavailable):
        build(endpoint="http://127.0.0.1:1").call("PutItem", {}, dict)
    assert len(slept) == ATTEMPTS_MAX - 1


@pytest.mark.parametrize(
    "code",
    ["ValidationException", "AccessDeniedException", "ResourceNotFoundException", "SomethingNew"],
)
def test_a_refusal_is_not_repeated(client: JsonClient, server: ScriptedServer, code: str) -> None:
    server.script(failure(400, code))
    with pytest.raises(AwsError, match=f"{code}: because") as refused:
        client.call("PutItem", {}, dict)
    assert refused.value.code == code
    assert refused.value.status == 400
    assert len(server.requests) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_a_connection_that_went_stale_is_no_failure(
    client: JsonClient, server: ScriptedServer, slept: list[float], attempt: int
) -> None:
    server.script(Answer(then_closes=True))
    for _ in range(4):
        client.call("GetItem", {}, dict)
        time.sleep(0.001 * attempt)  # The farewell may have arrived, or not.
    assert slept == []
    assert len({request.connection for request in server.requests}) == 4


def test_a_connection_that_is_reset_at_its_second_use_is_no_failure(
    client: JsonClient, server: ScriptedServer, slept: list[float]
) -> None:
    server.script(Answer(), Reset(), Answer(body=b'{"n": 1}'))
    client.call("GetItem", {}, dict)
    assert client.call("GetItem", {}, dict) == {"n": 1}
    assert slept == []


def test_a_connection_is_not_used_again_after_a_failure(
    client: JsonClient, server: ScriptedServer
) -> None:
    server.script(Answer(), Silence(0.5), Answer())
    client.call("GetItem", {}, dict)
    client.call("GetItem", {}, dict)
    assert [request.connection for request in server.requests] == [1, 1, 2]


class Changing:
    """Gives ``KEYS`` until they are refused, then others."""

    def __init__(self) -> None:
        self.held = KEYS

    def get(self) -> Credentials:
        return self.held

    def discard(self, credentials: Credentials) -> None:
        assert credentials is KEYS
        self.held = Credentials("NEWID", "SECRET", None)


def test_expired_credentials_are_replaced(build: Build, server: ScriptedServer) -> None:
    server.script(failure(400, "ExpiredTokenException"), Answer())
    build(credentials=Changing()).call("GetItem", {}, dict)
    first, second = server.requests
    assert "Credential=AKID/" in first.headers["authorization"]
    assert "Credential=NEWID/" in second.headers["authorization"]
    assert "x-amz-security-token" not in second.headers


def test_a_secret_is_in_no_message(build: Build, server: ScriptedServer) -> None:
    server.script(failure(400, "ValidationException"))
    with pytest.raises(AwsError) as refused:
        build().call("GetItem", {"secret": "content"}, dict)
    assert "SECRET" not in repr(refused.value) + repr(KEYS)
    assert "content" not in str(refused.value)
