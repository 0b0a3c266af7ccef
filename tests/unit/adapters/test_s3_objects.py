"""What the objects do with answers that a healthy S3 seldom gives."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from obstore.exceptions import PermissionDeniedError

from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import (
    Credentials,
    CredentialSource,
    ExpiringCredentials,
    FixedCredentials,
)
from datavault.adapters.aws.objects import Bucket, S3Objects
from datavault.domain.errors import Conflict, NotFound, Unavailable, VaultError
from tests.unit.adapters.scripted import Answer, Reset, ScriptedServer, Silence

FIXED = FixedCredentials(Credentials("AKID", "SECRET", "TOKEN"))
GET_HEADERS = {
    "etag": '"x"',
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    "content-type": "x/y",
}


CALLS: dict[str, Callable[[S3Objects], object]] = {
    "put": lambda objects: objects.put("canary/key", [b"own"]),
    "get": lambda objects: objects.get("canary/key"),
    "get_range": lambda objects: objects.get_range("canary/key", 0, 1),
    "get_ranges": lambda objects: objects.get_ranges("canary/key", [(0, 1), (1 << 30, 1)]),
    "keys": lambda objects: list(objects.keys("canary/key")),
    "delete": lambda objects: objects.delete("canary/key"),
}


def objects_at(url: str, credentials: CredentialSource = FIXED) -> S3Objects:
    return S3Objects(
        Bucket("bucket", "eu-west-1", url),
        credentials=credentials,
        timeouts=Timeouts(read_s=0.3),
        sleep=lambda _: None,
    )


@pytest.fixture
def objects(server: ScriptedServer) -> S3Objects:
    return objects_at(server.url)


def found(body: bytes) -> Answer:
    return Answer(body=body, headers=GET_HEADERS)


def written() -> Answer:
    return Answer(body=b"", headers={"etag": '"x"'})


def error(status: int, code: str) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code></Error>".encode())


def test_a_put_is_one_conditional_request_that_is_signed(
    objects: S3Objects, server: ScriptedServer
) -> None:
    server.script(written())
    objects.put("a/b c", [b"one", b"two"])
    (request,) = server.requests
    assert request.line == "PUT /bucket/a/b%20c HTTP/1.1"
    assert request.body == b"onetwo"
    assert request.headers["if-none-match"] == "*"
    assert request.headers["x-amz-security-token"] == "TOKEN"
    assert "Credential=AKID/" in request.headers["authorization"]


def test_an_object_of_many_mebibytes_is_one_put(objects: S3Objects, server: ScriptedServer) -> None:
    server.script(written())
    objects.put("large", [bytes(1 << 20)] * 20)
    (request,) = server.requests
    assert len(request.body) == 20 << 20


def test_two_writers_at_once_look_again(objects: S3Objects, server: ScriptedServer) -> None:
    server.script(error(409, "ConditionalRequestConflict"), written())
    objects.put("key", [b"own"])
    assert len(server.requests) == 2
    server.script(
        error(409, "ConditionalRequestConflict"),
        error(412, "PreconditionFailed"),
        found(b"another's"),
    )
    with pytest.raises(Conflict):
        objects.put("key", [b"own"])


@pytest.mark.parametrize(
    "step", [error(503, "SlowDown"), error(500, "InternalError"), Reset(), Silence(0.5)]
)
def test_a_put_that_failed_may_have_happened(
    objects: S3Objects, server: ScriptedServer, step: Answer | Reset | Silence
) -> None:
    server.script(step, error(412, "PreconditionFailed"), found(b"own"))
    objects.put("key", [b"own"])
    assert [request.line.split()[0] for request in server.requests] == ["PUT", "PUT", "GET"]


def test_refused_access_propagates(objects: S3Objects, server: ScriptedServer) -> None:
    server.script(error(403, "AccessDenied"))
    with pytest.raises(PermissionDeniedError):
        objects.put("key", [b""])
    with pytest.raises(PermissionDeniedError):
        objects.get("key")
    with pytest.raises(Unavailable):
        objects.ping()


@pytest.mark.parametrize(
    ("call", "answer", "kind"),
    [
        *((call, error(503, "SlowDown"), Unavailable) for call in CALLS),
        *((call, error(404, "NoSuchKey"), NotFound) for call in ("get", "get_range", "get_ranges")),
        ("put", error(412, "PreconditionFailed"), Conflict),
    ],
)
def test_an_error_does_not_name_the_object(
    objects: S3Objects, server: ScriptedServer, call: str, answer: Answer, kind: type[VaultError]
) -> None:
    server.script(answer)
    with pytest.raises(kind) as raised:
        CALLS[call](objects)
    assert "canary" not in str(raised.value)


def test_a_bucket_that_does_not_exist_is_not_an_absent_object(
    objects: S3Objects, server: ScriptedServer
) -> None:
    server.script(error(404, "NoSuchBucket"))
    with pytest.raises(Unavailable, match="bucket"):
        objects.get("key")
    with pytest.raises(Unavailable, match="bucket"):
        objects.delete("key")


def test_credentials_that_expire_are_asked_for_anew(server: ScriptedServer) -> None:
    first = Credentials("FIRST", "SECRET", "TOKEN", datetime.now(UTC) + timedelta(seconds=1))
    later = Credentials("LATER", "SECRET", "TOKEN", datetime.now(UTC) + timedelta(hours=1))
    left = [first, later]
    objects = objects_at(server.url, ExpiringCredentials(lambda: left.pop(0)))
    server.script(found(b"x"))
    for _ in range(3):
        objects.get("key")
        time.sleep(0.2)  # obstore asks no more than ten times a second.
    used = [request.headers["authorization"].split("/")[0] for request in server.requests]
    assert used[0].endswith("=FIRST")
    assert used[2].endswith("=LATER")
    assert not left


def test_clear_text_is_for_this_machine_only() -> None:
    with pytest.raises(ValueError, match="clear text"):
        objects_at("http://example.org").ping()
