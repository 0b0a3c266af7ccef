"""What the keyring makes of KMS's refusals, and what it does not tell of them."""

import json
from collections.abc import Callable, Iterator

import pytest

from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.credentials import Credentials, FixedCredentials
from datavault.adapters.aws.keyring import KmsKeyring
from datavault.domain.errors import Corrupt, KekUnavailable, Unavailable, VaultError
from tests.unit.adapters.scripted import Answer, ScriptedServer

ACCOUNT = "111122223333"
KEK = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"

CALLS: dict[str, Callable[[KmsKeyring], object]] = {
    "generate": lambda keyring: keyring.generate(KEK, {"purpose": "dek"}),
    "unwrap": lambda keyring: keyring.unwrap(KEK, b"wrapped", {"purpose": "dek"}),
}


@pytest.fixture
def keyring(server: ScriptedServer) -> Iterator[KmsKeyring]:
    client = JsonClient(
        service="kms",
        region="eu-west-1",
        endpoint=server.url,
        target="TrentService",
        json_version="1.1",
        credentials=FixedCredentials(Credentials("AKID", "SECRET", "TOKEN")),
        sleep=lambda _: None,
    )
    yield KmsKeyring(client)
    client.close()


def refusal(code: str) -> Answer:
    """As KMS words it: with the key's ARN."""
    return Answer(400, json.dumps({"__type": code, "message": f"{KEK} {code}"}).encode())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", KekUnavailable),
        ("DisabledException", KekUnavailable),
        ("KMSInvalidStateException", KekUnavailable),
        ("NotFoundException", KekUnavailable),
        ("KMSInternalException", Unavailable),
        ("IncorrectKeyException", Corrupt),
    ],
)
def test_a_refusal_tells_neither_the_key_nor_its_account(
    keyring: KmsKeyring, server: ScriptedServer, call: str, code: str, kind: type[VaultError]
) -> None:
    server.script(refusal(code))
    with pytest.raises(kind) as raised:
        CALLS[call](keyring)
    assert ACCOUNT not in str(raised.value)
    assert "arn:" not in str(raised.value)


def test_a_key_that_cannot_be_made_to_rotate_is_not_told_either(
    keyring: KmsKeyring, server: ScriptedServer
) -> None:
    made = Answer(body=json.dumps({"KeyMetadata": {"Arn": KEK}}).encode())
    server.script(made, refusal("KMSInvalidStateException"))
    with pytest.raises(Unavailable) as raised:
        keyring.create(description="", tags={})
    assert ACCOUNT not in str(raised.value)
