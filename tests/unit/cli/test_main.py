"""The command as an operator gives it: what it needs to be told, and what it does then."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datavault import wiring
from datavault.cli.main import main
from tests.unit.adapters.scripted import Answer, ScriptedServer, scripted_server

CREATE = ["workspace", "create", "acme"]
IDENTITY = Answer(
    body=b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn>
    <UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>
    </GetCallerIdentityResponse>"""
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> Iterator[None]:
    """An operator's, but for the stage."""
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "VAULT_TABLES__CATALOG": "c",
        "VAULT_TABLES__STAGING": "s",
        "VAULT_TABLES__LEDGER": "l",
        "VAULT_USAGE__API": "a",
        "VAULT_USAGE__PLAN": "p",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VAULT_STAGE", raising=False)
    monkeypatch.setattr(sys, "argv", ["datavault", *CREATE])
    wiring.vault.cache_clear()
    yield
    wiring.vault.cache_clear()


@pytest.mark.parametrize(
    "name",
    [
        "VAULT_STAGE",
        "VAULT_TABLES__CATALOG",
        "VAULT_TABLES__STAGING",
        "VAULT_TABLES__LEDGER",
        "VAULT_USAGE__API",
        "VAULT_USAGE__PLAN",
    ],
)
def test_help_names_each_setting_without_which_no_workspace_is_made(
    name: str,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VAULT_STAGE", "staging")
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert server.requests == []
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["datavault", "workspace", "create", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("stage", [None, ""])
def test_a_workspace_is_made_for_no_stage_that_was_not_named(
    stage: str | None,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if stage is not None:
        monkeypatch.setenv("VAULT_STAGE", stage)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("datavault: VAULT_STAGE is not set")
    assert server.requests == []


def test_nothing_is_made_by_somebody_whom_aws_does_not_know(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAULT_STAGE", "staging")
    refusal = b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"
    server.script(Answer(403, refusal))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert "AWS answered InvalidClientTokenId" in capsys.readouterr().err
    (request,) = server.requests
    assert b"GetCallerIdentity" in request.body


def test_nothing_is_made_by_somebody_who_has_not_signed_in_to_aws(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("VAULT_STAGE", "staging")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith("datavault: no AWS credentials")
    assert server.requests == []


def test_the_key_of_a_workspace_is_tagged_with_the_stage_that_was_named(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VAULT_STAGE", "staging")
    refused = Answer(400, b'{"__type": "DisabledException", "message": "enough"}')
    server.script(IDENTITY, Answer(), refused)
    with pytest.raises(SystemExit) as ended:
        main()
    wiring.vault().close()
    assert ended.value.code == 6
    assert len(capsys.readouterr().err.splitlines()) == 1
    _, told, request = server.requests
    assert b"arn:aws:iam::123456789012:user/ada" in told.body, "the ledger is told who and first"
    assert request.headers["x-amz-target"] == "TrentService.CreateKey"
    tags = json.loads(request.body)["Tags"]
    assert {"TagKey": "datavault:stage", "TagValue": "staging"} in tags
