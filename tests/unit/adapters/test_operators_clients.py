"""What operators' commands ask of AWS through boto3: as whom, and for how long they wait."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from datavault.domain.errors import Unavailable
from datavault.domain.usage import UsageLimits
from datavault.wiring import AwsVault
from tests.unit.adapters.scripted import Answer, ScriptedServer, Silence

IDENTITY = Answer(
    body=b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn>
    <UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>
    </GetCallerIdentityResponse>"""
)
KEYS = {"AccessKeyId": "CONTAINERS", "SecretAccessKey": "SECRET", "Token": "TOKEN"}
HASTY = {"VAULT_AWS__READ_S": "0.05"}
SLOW = Silence(0.5)


@pytest.fixture
def environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, str]:
    """Of a process whose container has credentials, where boto3 finds a profile first."""
    file = tmp_path / "credentials"
    file.write_text("[mine]\naws_access_key_id = PROFILES\naws_secret_access_key = SECRET\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "eu-west-1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/credentials",
        "VAULT_USAGE__API": "a",
        "VAULT_USAGE__PLAN": "p",
    }


def test_the_operator_is_whoever_all_else_is_signed_by(
    server: ScriptedServer, environment: dict[str, str]
) -> None:
    server.script(Answer(body=json.dumps(KEYS).encode()), IDENTITY)
    vault = AwsVault(environment)
    assert vault.operator.identity == "arn:aws:iam::123456789012:user/ada"
    vault.close()
    _, asked = server.requests
    assert "Credential=CONTAINERS/" in asked.headers["authorization"]


def test_the_gateway_is_changed_by_the_same(
    server: ScriptedServer, environment: dict[str, str]
) -> None:
    refusal = Answer(400, b'{"message": "enough"}', {"x-amzn-errortype": "BadRequestException"})
    server.script(Answer(body=json.dumps(KEYS).encode()), refusal)
    vault = AwsVault(environment)
    with pytest.raises(ValueError, match="API Gateway refuses"):
        vault.usage_plans.admit("ws", "k" * 20, UsageLimits(1, 1))
    vault.close()
    _, asked = server.requests
    assert "Credential=CONTAINERS/" in asked.headers["authorization"]


@pytest.mark.parametrize(
    "ask",
    [lambda vault: vault.operator, lambda vault: vault.usage_plans.admit("ws", "k" * 20, None)],
    ids=["sts", "gateway"],
)
def test_they_may_take_as_long_as_the_settings_say(
    ask: Callable[[AwsVault], object], server: ScriptedServer, environment: dict[str, str]
) -> None:
    server.script(Answer(body=json.dumps(KEYS).encode()), SLOW)
    vault = AwsVault(environment | HASTY)
    with pytest.raises(Unavailable) as raised:
        ask(vault)
    vault.close()
    assert isinstance(raised.value.__cause__, ReadTimeoutError)
