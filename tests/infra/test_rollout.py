"""New versions: a tenth for ten minutes and back on alarms where people rely on it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import App

from datavault.contracts.operations import OPERATIONS, Operation
from infra import app as entry
from infra.stacks import capability
from infra.stacks.capability import ROWS, CapabilityStack
from infra.stages import Stage, StageError
from tests.infra.conftest import Assembly, plain, stand_ins

GROUP = "AWS::CodeDeploy::DeploymentGroup"
OPERATIONS_AT_ONCE = 45


@pytest.mark.parametrize("name", ["local", "dev"])
def test_all_callers_move_at_once_where_nobody_relies_on_it(
    name: str, assemblies: Mapping[str, Assembly]
) -> None:
    assert not assemblies[name].resources(GROUP)
    for alias in assemblies[name].resources("AWS::Lambda::Alias").values():
        assert "UpdatePolicy" not in alias


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_tenth_of_the_callers_moves_ten_minutes_earlier(
    name: str, assemblies: Mapping[str, Assembly]
) -> None:
    assembly = assemblies[name]
    groups = {
        each["Properties"]["DeploymentGroupName"]: each["Properties"]
        for each in assembly.resources(GROUP).values()
    }
    assert set(groups) == {f"datavault-{name}-{row.name.replace('_', '-')}" for row in ROWS}
    for group in groups.values():
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent10Minutes"
        assert group["DeploymentStyle"] == {
            "DeploymentOption": "WITH_TRAFFIC_CONTROL",
            "DeploymentType": "BLUE_GREEN",
        }


def test_every_alias_is_moved_by_its_own_group(prod: Assembly) -> None:
    aliases = prod.resources("AWS::Lambda::Alias")
    assert len(aliases) == len(ROWS)
    groups = prod.resources(GROUP)
    moved = []
    for name, alias in aliases.items():
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        stack = name.partition("/")[0]
        group = groups[f"{stack}/{update['DeploymentGroupName']['Ref']}"]
        moved.append(group["Properties"]["DeploymentGroupName"])
    assert len(set(moved)) == len(ROWS)


def test_an_alarm_of_the_function_or_the_api_takes_it_back(prod: Assembly) -> None:
    own = {
        name: each["Properties"]["AlarmName"]
        for name, each in prod.resources("AWS::CloudWatch::Alarm").items()
    }
    for name, group in prod.resources(GROUP).items():
        properties = group["Properties"]
        assert properties["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": [
                "DEPLOYMENT_FAILURE",
                "DEPLOYMENT_STOP_ON_REQUEST",
                "DEPLOYMENT_STOP_ON_ALARM",
            ],
        }
        alarms = properties["AlarmConfiguration"]
        assert alarms["Enabled"] is True
        assert alarms["IgnorePollAlarmFailure"] is False
        stack = name.partition("/")[0]
        named = {
            own[f"{stack}/{each['Name']['Ref']}"] if "Ref" in each["Name"] else plain(each["Name"])
            for each in alarms["Alarms"]
        }
        assert named == {
            f"{properties['DeploymentGroupName']}-failing",
            "datavault-prod-api-down",
            "datavault-prod-api-errors",
        }


def test_one_role_of_a_stack_moves_its_aliases(prod: Assembly) -> None:
    for stack in {name.partition("/")[0] for name in prod.resources(GROUP)}:
        roles = {
            plain(each["Properties"]["ServiceRoleArn"])
            for each in prod.resources(GROUP, stack).values()
        }
        assert len(roles) == 1


def test_a_fix_can_be_deployed_while_an_alarm_rings(given: Mapping[str, object]) -> None:
    assert entry.stage_of(given, "prod").deployment == "canary"
    hurried = entry.stage_of({**given, "deployment": "all_at_once"}, "prod")
    assert hurried == replace(entry.stage_of(given, "prod"), deployment="all_at_once")
    with pytest.raises(StageError, match="deployment is one of all_at_once, canary"):
        entry.stage_of({**given, "deployment": "yolo"}, "prod")


def test_a_canary_without_alarms_is_none(given: Mapping[str, object]) -> None:
    prod = entry.stages(given)["prod"]
    with pytest.raises(StageError, match="a canary needs alarms"):
        Stage.named("prod", {"prod": {**prod, "alarms": None, "budget": None}})


def test_a_stack_has_room_for_forty_five_operations(
    monkeypatch: pytest.MonkeyPatch,
    given: Mapping[str, object],
    prod: Assembly,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """All in one capability, with a canary each: the worst that there can be."""

    def row(number: int) -> Operation:
        like = OPERATIONS[0]
        copy = {name: getattr(like, name) for name in Operation.__slots__}
        return Operation(**{**copy, "name": f"operation_{number}", "capability": "all"})

    monkeypatch.setattr(capability, "ROWS", tuple(map(row, range(OPERATIONS_AT_ONCE))))
    app = App(context=dict(given))
    stack = CapabilityStack(
        app,
        stage=prod.stage,
        capability="all",
        archives=stand_ins(tmp_path_factory.mktemp("archives")),
        data_key_arn="arn:aws:kms:eu-central-1:111122223333:key/0",
        ledger_stream_arn="arn:aws:dynamodb:eu-central-1:111122223333:table/ledger/stream/0",
    )
    made = app.synth().get_stack_by_name(stack.stack_name)
    template = made.template
    assert len(template["Resources"]) < 400
    # CloudFormation takes a megabyte.
    assert Path(made.template_full_path).stat().st_size < 600_000
    assert (
        sum(each["Type"] == GROUP for each in template["Resources"].values()) == OPERATIONS_AT_ONCE
    )
