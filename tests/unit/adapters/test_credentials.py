"""Where credentials come from and when they are asked for again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datavault.adapters.aws.credentials import (
    Credentials,
    ExpiringCredentials,
    FixedCredentials,
    SessionCredentials,
    credential_source,
)
from datavault.domain.errors import Unauthenticated, Unavailable
from tests.unit.adapters.scripted import Answer, Reset, ScriptedServer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def answer(key_id: str, expires_at: datetime | None = NOON + timedelta(hours=1)) -> Answer:
    body = {"AccessKeyId": key_id, "SecretAccessKey": "SECRET", "Token": "TOKEN"}
    if expires_at:
        body["Expiration"] = expires_at.isoformat().replace("+00:00", "Z")
    return Answer(body=json.dumps(body).encode())


def test_the_environment_comes_first() -> None:
    source = credential_source(
        {
            "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "SECRET",
            "AWS_SESSION_TOKEN": "TOKEN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        }
    )
    assert isinstance(source, FixedCredentials)
    assert source.get() == Credentials("AKID", "SECRET", "TOKEN")


def test_the_container_is_asked_with_its_token(server: ScriptedServer) -> None:
    server.script(answer("AKID", expires_at=datetime.now(UTC) + timedelta(hours=1)))
    source = credential_source(
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/2021-08-23/credentials?x=1",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in",
        }
    )
    for _ in range(3):
        held = source.get()
        assert (held.access_key_id, held.secret_access_key, held.token) == (
            "AKID",
            "SECRET",
            "TOKEN",
        )
    (request,) = server.requests
    assert request.line == "GET /2021-08-23/credentials?x=1 HTTP/1.1"
    assert request.headers["authorization"] == "let me in"


def test_the_containers_token_may_be_in_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    server.script(answer("AKID", expires_at=None))
    (tmp_path / "token").write_text("from a file\n")
    source = credential_source(
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        }
    )
    assert source.get().expires_at is None
    assert server.requests[0].headers["authorization"] == "from a file"


@pytest.mark.parametrize("step", [Answer(500), Reset()])
def test_a_container_that_does_not_answer_is_unavailable(
    server: ScriptedServer, step: Answer | Reset
) -> None:
    server.script(step)
    source = credential_source({"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url})
    with pytest.raises(Unavailable, match="credentials endpoint"):
        source.get()


@pytest.mark.parametrize("host", ["example.org", "169.254.169.254", "10.0.0.1", "127.0.0.1.x.org"])
def test_credentials_are_not_asked_of_strangers_in_clear_text(host: str) -> None:
    with pytest.raises(ValueError, match="clear text"):
        credential_source({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{host}/"})


def test_without_either_a_session_is_asked() -> None:
    assert isinstance(credential_source({}), SessionCredentials)


def test_a_session_finds_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[mine]\naws_access_key_id = AKID\naws_secret_access_key = SECRET\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert SessionCredentials().get() == Credentials("AKID", "SECRET", None)


def test_a_session_whose_sign_on_is_over_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    file.write_text(
        "[profile mine]\nsso_session = ours\nsso_account_id = 123456789012\n"
        "sso_role_name = operator\nregion = eu-west-1\n[sso-session ours]\n"
        "sso_region = eu-west-1\nsso_start_url = http://127.0.0.1:9/start\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with pytest.raises(Unauthenticated, match="sign in to AWS"):
        SessionCredentials().get()


def test_a_profile_that_is_not_there_is_no_sign_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(Unauthenticated, match="ProfileNotFound"):
        SessionCredentials().get()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def script(*credentials: Credentials | Unavailable) -> Callable[[], Credentials]:
    left = list(credentials)

    def read() -> Credentials:
        found = left.pop(0)
        if isinstance(found, Unavailable):
            raise found
        return found

    return read


FIRST = Credentials("FIRST", "SECRET", "TOKEN", NOON + timedelta(hours=1))
SECOND = Credentials("SECOND", "SECRET", "TOKEN", NOON + timedelta(hours=2))


def test_credentials_are_read_anew_before_they_expire() -> None:
    clock = Clock()
    source = ExpiringCredentials(script(FIRST, SECOND), now=clock)
    assert source.get() is FIRST
    clock.now = NOON + timedelta(minutes=54)
    assert source.get() is FIRST
    clock.now = NOON + timedelta(minutes=55, seconds=1)
    assert source.get() is SECOND


def test_the_old_ones_serve_while_reading_fails_and_until_they_expire() -> None:
    clock = Clock()
    failure = Unavailable("no answer")
    source = ExpiringCredentials(script(FIRST, failure, failure, SECOND), now=clock)
    source.get()
    clock.now = NOON + timedelta(minutes=59)
    assert source.get() is FIRST
    clock.now = NOON + timedelta(minutes=60)
    with pytest.raises(Unavailable):
        source.get()
    assert source.get() is SECOND


def test_refused_credentials_are_read_anew() -> None:
    source = ExpiringCredentials(script(FIRST, SECOND), now=Clock())
    source.discard(source.get())
    assert source.get() is SECOND
    source.discard(FIRST)  # By a slower thread.
    assert source.get() is SECOND
