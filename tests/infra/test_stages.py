"""Stages are data, complete and known."""

import json
from collections.abc import Mapping
from typing import cast

import pytest

from infra import app as entry
from infra.stages import Stage, StageError
from tests.infra.conftest import STAGES


def test_the_stages_are_these_four(given: Mapping[str, object]) -> None:
    assert set(entry.stages(given)) == set(STAGES)


def test_an_unknown_stage_is_one_line_that_names_the_known_ones_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert entry.main(["--stage", "productoin"]) == 2
    assert capsys.readouterr().err == (
        "unknown stage 'productoin'; known are dev, local, prod, staging\n"
    )


def test_the_stage_comes_from_the_cdk_commands_context(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDK_CONTEXT_JSON", json.dumps({"stage": "nowhere", "stages": {}}))
    assert entry.main([]) == 2
    assert "unknown stage 'nowhere'" in capsys.readouterr().err


def test_a_missing_and_an_unknown_field_are_refused(given: Mapping[str, object]) -> None:
    stages = entry.stages(given)
    lacking = {name: value for name, value in stages["dev"].items() if name != "tracing"}
    with pytest.raises(StageError, match="stage dev lacks tracing"):
        Stage.named("dev", {"dev": lacking})
    with pytest.raises(StageError, match="stage dev has unknown colour"):
        Stage.named("dev", {"dev": {**stages["dev"], "colour": "red"}})
    with pytest.raises(StageError, match=r"stage dev: .*unexpected keyword"):
        Stage.named("dev", {"dev": {**stages["dev"], "throttle": {"speed": 1}}})


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_what_people_rely_on_is_kept_and_protected(name: str, given: Mapping[str, object]) -> None:
    stage = Stage.named(name, entry.stages(given))
    assert stage.removal == "retain"
    assert stage.deletion_protection
    assert stage.architecture == "arm64"
    assert stage.slim_layers
    assert stage.tracing
    assert stage.issuer.lifetime_s_max == 900


def test_no_deployed_stage_trusts_an_issuer_that_exists_by_default(
    given: Mapping[str, object],
) -> None:
    # RFC 6761: nothing is ever named .invalid, so without parameters no token is accepted.
    for name in set(STAGES) - {"local"}:
        issuer = Stage.named(name, entry.stages(given)).issuer
        assert issuer.url.startswith("https://issuer.invalid/"), name
        assert issuer.jwks_url.startswith("https://issuer.invalid/"), name


def test_what_a_stage_does_without_is_said_and_not_forgotten(given: Mapping[str, object]) -> None:
    local = Stage.named("local", entry.stages(given))
    assert (local.alarms, local.budget, local.firewall, local.domain, local.sampling) == (None,) * 5
    data = entry.stages(given)["local"]
    for section in ("alarms", "budget", "firewall", "domain", "sampling"):
        lacking = {name: value for name, value in data.items() if name != section}
        with pytest.raises(StageError, match=f"stage local lacks {section}"):
            Stage.named("local", {"local": lacking})


def test_who_is_told_is_an_address_or_an_endpoint(given: Mapping[str, object]) -> None:
    dev = entry.stages(given)["dev"]
    alarms = cast("dict[str, object]", dev["alarms"])

    def named(subscribers: object) -> Stage:
        return Stage.named(
            "dev", {"dev": {**dev, "alarms": {**alarms, "subscribers": subscribers}}}
        )

    told = {"p0": ["ops@example.com"], "p1": ["https://pager.example.com/hook"], "p2": []}
    made = named(told).alarms
    assert made is not None
    assert made.subscribers["p0"] == ("ops@example.com",)
    with pytest.raises(StageError, match="an e-mail address or an https:// endpoint"):
        named(told | {"p2": ["http://pager.example.com/hook"]})
    with pytest.raises(StageError, match="subscribers of p0, p1, p2"):
        named({"p0": []})


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_what_people_rely_on_is_watched_and_moved_with_care(
    name: str, given: Mapping[str, object]
) -> None:
    stage = Stage.named(name, entry.stages(given))
    assert stage.deployment == "canary"
    assert stage.mask_logs
    assert None not in (stage.alarms, stage.budget, stage.firewall, stage.sampling)
