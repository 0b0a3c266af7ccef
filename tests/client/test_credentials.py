"""Where endpoint and credentials come from, and tokens by the client-credentials flow."""

import threading
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from datavault.client import ClientCredentials, StaticToken, Vault, errors
from datavault.client.profiles import connection, read_profiles
from tests.support.in_process import InProcessApi

SECRET = "secret-canary+/="

FILE = """
[default]
endpoint = "https://vault.example/"
token = "token-of-default"

[flow]
endpoint = "https://flow.example"
token_url = "https://login.example/token"
client_id = "pipeline"
client_secret = "secret-canary"
scope = "vault"

[nameless]
token = "token-for-anywhere"
"""


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.toml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


@pytest.fixture
def environment(profiles: Path) -> dict[str, str]:
    return {"DATAVAULT_PROFILES": str(profiles)}


def told(found: object) -> str:
    assert isinstance(found, StaticToken)
    return found.value


def test_arguments_beat_the_environment_and_that_beats_the_file(
    environment: dict[str, str],
) -> None:
    found = connection(environment=environment)
    assert found.endpoint == "https://vault.example"
    assert told(found.credentials) == "token-of-default"
    environment |= {"DATAVAULT_ENDPOINT": "http://here.example", "DATAVAULT_TOKEN": "told"}
    found = connection(environment=environment)
    assert (found.endpoint, told(found.credentials)) == ("http://here.example", "told")
    given = StaticToken("given")
    found = connection(endpoint="http://a.example", credentials=given, environment=environment)
    assert (found.endpoint, told(found.credentials)) == ("http://a.example", "given")


def test_a_profile_is_named_by_argument_or_environment(environment: dict[str, str]) -> None:
    environment["DATAVAULT_PROFILE"] = "flow"
    found = connection(environment=environment)
    assert found.endpoint == "https://flow.example"
    assert isinstance(found.credentials, ClientCredentials)
    environment["DATAVAULT_TOKEN"] = "told"
    found = connection(profile="default", environment=environment)
    assert told(found.credentials) == "token-of-default"
    with pytest.raises(errors.NotConfigured, match="no profile 'other'"):
        connection(profile="other", environment=environment)


def test_a_profiles_credentials_go_to_its_own_endpoint_only(environment: dict[str, str]) -> None:
    assert connection(endpoint="https://else.example", environment=environment).credentials is None
    own = connection(endpoint="https://vault.example", environment=environment)
    assert told(own.credentials) == "token-of-default"
    environment["DATAVAULT_ENDPOINT"] = "https://else.example"
    assert connection(environment=environment).credentials is None
    anywhere = connection(
        endpoint="https://else.example", profile="nameless", environment=environment
    )
    assert told(anywhere.credentials) == "token-for-anywhere"


def test_without_an_endpoint_it_says_where_one_may_stand(tmp_path: Path) -> None:
    nowhere = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(errors.NotConfigured) as raised:
        connection(environment=nowhere)
    for place in ("give one", "DATAVAULT_ENDPOINT", str(tmp_path / "datavault/profiles.toml")):
        assert place in str(raised.value)
    with pytest.raises(errors.NotConfigured, match="https://"):
        connection(endpoint="vault.example", environment=nowhere)
    with pytest.raises(errors.NotConfigured, match="client_secret"):
        connection(
            environment=nowhere
            | {"DATAVAULT_TOKEN_URL": "https://login.example", "DATAVAULT_CLIENT_ID": "me"}
        )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(profiles: Path, mode: int) -> None:
    profiles.chmod(mode)
    with pytest.raises(errors.NotConfigured, match="chmod 600"):
        read_profiles(profiles)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[default]\ntoken = secret-canary", "is not TOML"),
        ('[default]\ntokn = "secret-canary"', "unknown settings: tokn"),
        ("[default]\ntoken = 5", "token of profile 'default' is not a text"),
        ('token = "secret-canary"', "stands outside a profile"),
    ],
)
def test_a_file_with_a_mistake_is_refused_without_its_secrets(
    profiles: Path, text: str, said: str
) -> None:
    profiles.write_text(text)
    with pytest.raises(errors.NotConfigured, match=said) as raised:
        read_profiles(profiles)
    assert "canary" not in str(raised.value)
    assert raised.value.__context__ is None


def test_secrets_are_in_no_repr(environment: dict[str, str]) -> None:
    found = [connection(profile=name, environment=environment) for name in ("default", "flow")]
    shown = repr(found) + repr(read_profiles(Path(environment["DATAVAULT_PROFILES"])))
    assert "token-of-default" not in shown
    assert "canary" not in shown


def test_a_token_or_credentials_but_not_both() -> None:
    with pytest.raises(ValueError, match="not both"):
        Vault(endpoint="http://a.example", token="a", credentials=StaticToken("b"))


class Login:
    """A token URL."""

    def __init__(self, **reply: object) -> None:
        self.reply: dict[str, object] = {"token_type": "Bearer", "expires_in": 900, **reply}
        self.status = 200
        self.requests: list[httpx.Request] = []
        self.now_s = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        token = f"token-{len(self.requests)}"
        return httpx.Response(self.status, json={"access_token": token, **self.reply})

    def credentials(self, *, scope: str | None = None) -> ClientCredentials:
        return ClientCredentials(
            "https://login.example/token",
            "the pipeline",
            SECRET,
            scope=scope,
            transport=httpx.MockTransport(self),
            clock=lambda: self.now_s,
        )


def test_a_token_is_asked_for_as_the_rfc_says() -> None:
    login = Login()
    assert login.credentials(scope="vault").token() == "token-1"
    (request,) = login.requests
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["vault"],
    }
    scheme, _, basic = request.headers["Authorization"].partition(" ")
    assert (scheme, b64decode(basic)) == ("Basic", b"the+pipeline:secret-canary%2B%2F%3D")


def test_a_token_is_kept_until_shortly_before_it_ends() -> None:
    login = Login()
    credentials = login.credentials()
    for now_s, token in [(0.0, "token-1"), (839.0, "token-1"), (841.0, "token-2")]:
        login.now_s = now_s
        assert credentials.token() == token
    brief = Login(expires_in=10)
    credentials = brief.credentials()
    for now_s, token in [(0.0, "token-1"), (4.9, "token-1"), (5.0, "token-2")]:
        brief.now_s = now_s
        assert credentials.token() == token


def test_a_refused_token_is_fetched_anew_once_for_all_threads() -> None:
    login = Login()
    credentials = login.credentials()
    first = credentials.token()
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(credentials.replace(first))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["token-2"] * 8


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (401, {"error": "invalid_client", "error_description": SECRET}),
        (200, {"access_token": None}),
        (200, {"access_token": ""}),
        (200, {"access_token": ["token-x"]}),
    ],
)
def test_no_token_is_an_error_without_secrets(status: int, reply: dict[str, object]) -> None:
    login = Login(**reply)
    login.status = status
    with pytest.raises(errors.SignInFailed, match=str(status)) as raised:
        login.credentials().token()
    assert "canary" not in repr(raised.value)
    assert raised.value.__context__ is None


def test_a_token_url_that_does_not_answer_is_an_error_without_secrets() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"refused: {request.headers['Authorization']}")

    credentials = ClientCredentials(
        "https://login.example/token", "me", SECRET, transport=httpx.MockTransport(refuse)
    )
    with pytest.raises(errors.SignInFailed, match="ConnectError") as raised:
        credentials.token()
    assert "Basic" not in repr(raised.value)
    assert raised.value.__context__ is None


def test_an_expired_token_is_replaced_on_the_way(
    api: InProcessApi, token_of: Callable[..., str]
) -> None:
    tokens = [token_of(lifetime_s=-1), token_of()]

    def login(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": tokens.pop(0), "expires_in": 900})

    credentials = ClientCredentials(
        "https://login.example/token", "me", SECRET, transport=httpx.MockTransport(login)
    )
    with Vault(endpoint="http://vault.test", credentials=credentials, transport=api) as vault:
        assert vault.list_datasets().data == []
        assert vault.list_datasets().data == []
    assert len(api.requests) == 3
