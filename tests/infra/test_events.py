"""Events: what feeds the publisher, where it writes, and who may listen from other accounts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from infra import app as entry
from infra.stages import Events, EventSubscription, Stage, StageError
from infra.stream import AGE_HOURS_MAX, BATCH_ROWS_MAX
from tests.infra.conftest import Assembly, plain, stand_ins

ACCOUNT, ORGANIZATION = "222233334444", "o-a1b2c3d4e5"
THEIR_BUS = f"arn:aws:events:eu-central-1:{ACCOUNT}:event-bus/analytics"
SUBSCRIPTION = EventSubscription("analytics", THEIR_BUS, ("records.", "versions.committed"))


@pytest.fixture(scope="module")
def subscribed(given: Mapping[str, object], tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The dev stage with subscribers of every sort."""
    stage = replace(
        Stage.named("dev", entry.stages(given)),
        events=Events((ACCOUNT,), ORGANIZATION, (SUBSCRIPTION,)),
    )
    out: Path = tmp_path_factory.mktemp("subscribed")
    archives = stand_ins(tmp_path_factory.mktemp("subscribed-archives"))
    entry.app(stage, archives=archives, given=given, out=out).synth()
    return Assembly(stage, out)


def test_the_publisher_is_fed_by_the_ledger_and_nothing_is_dropped(assembly: Assembly) -> None:
    (mapping,) = assembly.resources("AWS::Lambda::EventSourceMapping").values()
    said = plain(mapping["Properties"])
    assert "Ledger" in said["EventSourceArn"]
    assert said["FunctionName"].startswith("<PublishEventsLive")
    assert said["StartingPosition"] == "TRIM_HORIZON"
    assert said["BatchSize"] == BATCH_ROWS_MAX
    assert said["MaximumBatchingWindowInSeconds"] == 1
    assert said["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert said["BisectBatchOnFunctionError"] is True
    assert said["MaximumRetryAttempts"] == 100
    # Lambda gives up while the stream still remembers what it gave up on.
    assert said["MaximumRecordAgeInSeconds"] == AGE_HOURS_MAX * 3600 <= 12 * 3600
    assert said["DestinationConfig"]["OnFailure"]["Destination"].endswith(
        f":datavault-{assembly.stage.name}-unpublished"
    )
    (pattern,) = said["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"eventName": ["INSERT"]}


def test_the_mapping_waits_for_the_role_it_reads_with(assembly: Assembly) -> None:
    (mapping,) = assembly.resources("AWS::Lambda::EventSourceMapping").values()
    assert any("Role" in name for name in mapping["DependsOn"])


def test_letters_outlive_the_functions(assembly: Assembly) -> None:
    queues = assembly.resources("AWS::SQS::Queue", "Stateful").values()
    names = {queue["Properties"]["QueueName"] for queue in queues}
    assert names == {f"datavault-{assembly.stage.name}-unpublished"}


def test_without_subscribers_nobody_else_is_let_in(assembly: Assembly) -> None:
    assert not assembly.resources("AWS::Events::EventBusPolicy")
    assert not assembly.resources("AWS::Events::Rule", "Stateful")


def test_named_accounts_and_the_organization_may_keep_rules_of_their_own(
    subscribed: Assembly,
) -> None:
    policies = subscribed.resources("AWS::Events::EventBusPolicy").values()
    statements = {
        each["Properties"]["StatementId"]: plain(each["Properties"]["Statement"])
        for each in policies
    }
    assert set(statements) == {f"Account{ACCOUNT}", "Organization"}
    own = {"events:creatorAccount": "${aws:PrincipalAccount}"}
    for statement in statements.values():
        assert statement["Effect"] == "Allow"
        assert "events:PutEvents" not in statement["Action"], "nobody else speaks for the vault"
        assert statement["Resource"].endswith(":rule/datavault-dev/*")
        assert statement["Condition"]["StringEqualsIfExists"] == own
    account, organization = statements[f"Account{ACCOUNT}"], statements["Organization"]
    assert account["Principal"]["AWS"].endswith(f":iam::{ACCOUNT}:root")
    assert organization["Principal"] == {"AWS": "*"}
    assert organization["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": ORGANIZATION}


def test_a_subscription_sends_its_kinds_to_the_other_accounts_bus(subscribed: Assembly) -> None:
    (rule,) = subscribed.resources("AWS::Events::Rule", "Stateful").values()
    said = plain(rule["Properties"])
    assert said["EventPattern"] == {
        "source": ["io.llm-data-vault"],
        "detail-type": [
            {"prefix": "io.llm-data-vault.records."},
            {"prefix": "io.llm-data-vault.versions.committed"},
        ],
    }
    (target,) = said["Targets"]
    assert target["Arn"] == THEIR_BUS
    assert target["DeadLetterConfig"]["Arn"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 24 * 3600
    (role,) = subscribed.resources("AWS::IAM::Role", "Stateful").values()
    (policy,) = role["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"] == THEIR_BUS
    assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "events.amazonaws.com"
    }


def test_only_the_rule_may_write_to_its_dead_letters(subscribed: Assembly) -> None:
    allowed = [
        statement
        for policy in subscribed.resources("AWS::SQS::QueuePolicy", "Stateful").values()
        for statement in plain(policy["Properties"]["PolicyDocument"]["Statement"])
        if statement["Effect"] == "Allow"
    ]
    (statement,) = allowed
    assert statement["Action"] == "sqs:SendMessage"
    assert "Rule" in statement["Condition"]["ArnEquals"]["aws:SourceArn"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounts": []},
        {"accounts": [], "organization": None, "subscriptions": [{"name": "x"}]},
    ],
)
def test_a_stage_says_all_of_its_subscribers(
    wrong: dict[str, Any], given: Mapping[str, object]
) -> None:
    stages = entry.stages(given)
    data = {**cast("dict[str, Any]", stages["dev"]), "events": wrong}
    with pytest.raises(StageError):
        Stage.named("dev", {"dev": data})
