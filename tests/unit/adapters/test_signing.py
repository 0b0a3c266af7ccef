"""Our signatures are botocore's."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from datavault.adapters.aws.credentials import Credentials
from datavault.adapters.aws.signing import Signer

NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def botocores(
    url: str, headers: dict[str, str], body: bytes, *, credentials: Credentials, service: str
) -> dict[str, str]:
    """The headers that botocore adds."""
    request = AWSRequest("POST", url, headers=headers, data=body)
    keys = BotocoreCredentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.token
    )
    botocore.auth.SigV4Auth(keys, service, "eu-central-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore asks the clock itself."""
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *_, **__: NOW.replace(tzinfo=None)
    )


def ours(url: str, headers: dict[str, str], body: bytes, **kwargs: object) -> dict[str, str]:
    parts = urlsplit(url)
    signer = Signer(str(kwargs["service"]), "eu-central-1")
    credentials = kwargs["credentials"]
    assert isinstance(credentials, Credentials)
    return signer.sign(
        parts.path or "/",
        {"host": parts.netloc, **headers},
        body,
        credentials=credentials,
        now_s=NOW.timestamp(),
    )


@pytest.mark.parametrize("service", ["dynamodb", "kms"])
@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdz//+=="])
@pytest.mark.parametrize("body", [b"", b"{}", "{é\U0001f512}".encode(), bytes(range(256))])
@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.eu-central-1.amazonaws.com/",
        "http://127.0.0.1:4566/",
        "http://localhost:4566/a path/with%20percent/~tilde/(paren)/é",
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.Get"},
        {"x-amz-spaces": "  a   b  c  ", "x-amz-empty": "", "x-amz-signs": "a=b;c:d,e\"f'"},
    ],
)
def test_a_signature_is_botocores(
    url: str, headers: dict[str, str], body: bytes, token: str | None, service: str
) -> None:
    credentials = Credentials(KEYS.access_key_id, KEYS.secret_access_key, token)
    expected = botocores(url, dict(headers), body, credentials=credentials, service=service)
    signed = ours(url, headers, body, credentials=credentials, service=service)
    assert signed["authorization"] == expected["authorization"]
    assert signed["x-amz-date"] == expected["x-amz-date"]
    assert signed.get("x-amz-security-token") == expected.get("x-amz-security-token")


@given(
    body=st.binary(max_size=64),
    secret=st.text("abcXYZ/+=", min_size=1, max_size=40),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)
def test_any_signature_is_botocores(body: bytes, secret: str, value: str) -> None:
    credentials = Credentials("AKID", secret)
    url, headers = "https://kms.eu-central-1.amazonaws.com/", {"x-amz-value": value}
    expected = botocores(url, dict(headers), body, credentials=credentials, service="kms")
    signed = ours(url, headers, body, credentials=credentials, service="kms")
    assert signed["authorization"] == expected["authorization"]


def test_a_day_and_a_secret_have_keys_of_their_own() -> None:
    signer = Signer("kms", "eu-central-1")

    def signature(secret: str, now_s: float) -> str:
        signed = signer.sign(
            "/", {"host": "h"}, b"", credentials=Credentials("A", secret), now_s=now_s
        )
        return signed["authorization"]

    day = 86_400.0
    first = [signature("one", 0), signature("two", 0), signature("one", day), signature("one", 0)]
    assert first[0] == first[3]
    assert len(set(first)) == 3
