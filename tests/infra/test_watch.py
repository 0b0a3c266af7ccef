"""Topics, dashboard, budget, sampling, tags, masking and outputs."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App

from infra import dashboard
from infra.grants import WORKSPACE_KEY_TAG
from infra.stacks.capability import ROWS
from infra.stacks.watch import WatchStack
from infra.stages import PRIORITIES
from tests.infra.conftest import Assembly, Json, plain
from tests.infra.test_alarms import WATCHED


@pytest.fixture(params=WATCHED)
def watched(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    return assemblies[request.param]


def body_of(assembly: Assembly) -> Json:
    (found,) = assembly.resources("AWS::CloudWatch::Dashboard").values()
    body: Json = json.loads(plain(found["Properties"]["DashboardBody"]))
    return body


def graphs(assembly: Assembly) -> list[Json]:
    """The graphs, their metrics written out: CloudWatch's ``.`` repeats what stands above it."""
    made = []
    for widget in body_of(assembly)["widgets"]:
        if widget["type"] != "metric":
            continue
        metrics: list[list[str]] = []
        for row in widget["properties"]["metrics"]:
            if isinstance(row[0], dict):
                continue
            named = [each for each in row if isinstance(each, str)]
            above = metrics[-1] if metrics else []
            metrics.append([above[i] if each == "." else each for i, each in enumerate(named)])
        made.append(widget["properties"] | {"metrics": metrics, "shown": widget})
    return made


def test_a_topic_for_each_priority_is_encrypted_and_tls_only(watched: Assembly) -> None:
    topics = watched.resources("AWS::SNS::Topic").values()
    assert {each["Properties"]["TopicName"] for each in topics} == {
        f"datavault-{watched.stage.name}-{priority}" for priority in PRIORITIES
    }
    (key,) = (name for name in watched.resources("AWS::KMS::Key", "Watch"))
    for each in topics:
        assert key.removeprefix("Watch/") in plain(each["Properties"]["KmsMasterKeyId"])
    policies = watched.resources("AWS::SNS::TopicPolicy").values()
    assert len(policies) == len(PRIORITIES)
    for each in policies:
        statements = each["Properties"]["PolicyDocument"]["Statement"]
        (denied,) = (s for s in statements if s["Effect"] == "Deny")
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        (allowed,) = (s for s in statements if s["Effect"] == "Allow")
        assert allowed["Action"] == "sns:Publish"
        assert plain(allowed["Condition"]) == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}
        }


def test_who_sends_alarms_may_use_the_topics_key(watched: Assembly) -> None:
    (key,) = watched.resources("AWS::KMS::Key", "Watch").values()
    (senders,) = (
        each
        for each in key["Properties"]["KeyPolicy"]["Statement"]
        if each.get("Sid") == "SendersOfAlarms"
    )
    # Without it CloudWatch publishes nothing, and says so only in the alarm's history.
    assert set(senders["Principal"]["Service"]) == {
        "cloudwatch.amazonaws.com",
        "budgets.amazonaws.com",
    }
    assert set(senders["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_who_listens_is_the_stages_data(
    assemblies: Mapping[str, Assembly], given: Mapping[str, object]
) -> None:
    stage = assemblies["prod"].stage
    assert stage.alarms is not None
    heard: dict[str, tuple[str, ...]] = {
        "p0": ("ops@example.com", "https://pager.example.com/hook"),
        "p1": ("ops@example.com",),
        "p2": (),
    }
    alarms = replace(stage.alarms, subscribers=heard)
    app = App(context=dict(given))
    WatchStack(app, stage=stage, alarms=alarms)
    template = app.synth().get_stack_by_name("DataVault-prod-Watch").template
    made = Counter(
        (each["Properties"]["Protocol"], each["Properties"]["Endpoint"])
        for each in template["Resources"].values()
        if each["Type"] == "AWS::SNS::Subscription"
    )
    assert made == {
        ("email", "ops@example.com"): 2,
        ("https", "https://pager.example.com/hook"): 1,
    }


def test_the_dashboard_shows_rate_errors_and_duration_of_every_operation(
    watched: Assembly,
) -> None:
    shown: set[tuple[str, str]] = set()
    for graph in graphs(watched):
        for metric in graph["metrics"]:
            if "operation" in metric:
                shown.add((metric[metric.index("operation") + 1], metric[1]))
    assert shown == {(row.name, name) for row in ROWS for name in ("latency", "errors", "refusals")}


def test_duration_is_shown_in_percentiles_and_rate_in_samples(watched: Assembly) -> None:
    titled = {graph["title"]: graph["shown"]["properties"]["metrics"] for graph in graphs(watched)}

    def statistics(title: str) -> set[Any]:
        return {row[-1].get("stat", "Average") for row in titled[title]}

    assert statistics("duration") == {"p50", "p95", "p99"}
    assert statistics("latency") == {"p50", "p95", "p99"}
    assert statistics("rate") == {"SampleCount"}
    assert statistics("errors (5xx) and refusals (4xx)") == {"Sum"}


def test_the_dashboard_shows_business_limits_and_what_costs(watched: Assembly) -> None:
    names = {metric[1] for graph in graphs(watched) for metric in graph["metrics"]}
    assert {
        "records_appended",
        "records_deleted",
        "commits_made",
        "bytes_in",
        "corrupt",
        "keks_unavailable",
        "throttled",
        "BlockedRequests",
        "ConcurrentExecutions",
        "ConsumedWriteCapacityUnits",
        "CallCount",
        "Duration",
    } <= names


def test_the_dashboard_has_room_for_three_times_as_many_operations(watched: Assembly) -> None:
    sizes = [len(graph["metrics"]) for graph in graphs(watched)]
    assert max(sizes) * 3 < dashboard.METRICS_PER_WIDGET_MAX
    assert sum(sizes) * 3 < dashboard.METRICS_MAX


def test_a_budget_tells_when_it_is_nearly_spent_or_will_be(watched: Assembly) -> None:
    (found,) = watched.resources("AWS::Budgets::Budget").values()
    budget = found["Properties"]["Budget"]
    stage = watched.stage
    assert stage.budget is not None
    assert budget["BudgetLimit"] == {"Amount": stage.budget.monthly_usd, "Unit": "USD"}
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:application$datavault-{stage.name}"]}
    told = {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in found["Properties"]["NotificationsWithSubscribers"]
    }
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}
    for each in found["Properties"]["NotificationsWithSubscribers"]:
        (subscriber,) = each["Subscribers"]
        assert plain(subscriber["Address"]).endswith(f":datavault-{stage.name}-p2")


def test_requests_are_sampled_as_the_stage_says(assembly: Assembly) -> None:
    sampling = assembly.stage.sampling
    rules = assembly.resources("AWS::XRay::SamplingRule")
    if sampling is None:
        assert not rules
        return
    (found,) = rules.values()
    rule = found["Properties"]["SamplingRule"]
    assert (rule["ReservoirSize"], rule["FixedRate"]) == (sampling.reservoir, sampling.rate)
    assert rule["ServiceName"] == f"datavault-{assembly.stage.name}/live"
    assert rule["ServiceType"] == "AWS::ApiGateway::Stage"
    assert len(rule["RuleName"]) <= 32


def test_prod_traces_a_share_and_dev_all(assemblies: Mapping[str, Assembly]) -> None:
    prod, dev = (assemblies[name].stage.sampling for name in ("prod", "dev"))
    assert prod is not None
    assert dev is not None
    assert prod.rate <= 0.1
    assert dev.rate == 1


def tags_of(resource: Json) -> dict[str, str]:
    given = resource.get("Properties", {}).get("Tags", {})
    return (
        {each["Key"]: each["Value"] for each in given} if isinstance(given, list) else dict(given)
    )


def test_what_costs_is_tagged_with_its_stage_and_capability(assembly: Assembly) -> None:
    kinds = (
        "AWS::Lambda::Function",
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::ApiGateway::Stage",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::CloudWatch::Alarm",
        "AWS::WAFv2::WebACL",
    )
    stage = assembly.stage.name
    for kind in kinds:
        for name, resource in assembly.resources(kind).items():
            tags = tags_of(resource)
            assert tags["application"] == f"datavault-{stage}", name
            assert tags["environment"] == stage, name
            assert tags["cost-center"], name
            if kind == "AWS::Lambda::Function":
                assert tags["capability"] == name.partition("/")[0].lower()


def test_nothing_of_ours_has_the_tag_of_workspace_keys(assembly: Assembly) -> None:
    # A key with it would be a workspace's, which functions may unwrap with.
    for template in assembly.stacks().values():
        for name, resource in template["Resources"].items():
            assert WORKSPACE_KEY_TAG not in tags_of(resource), name


@pytest.mark.parametrize(
    ("name", "masked"), [("local", 0), ("dev", 0), ("staging", 1), ("prod", 1)]
)
def test_logs_of_stages_that_people_use_are_masked_all_of_them(
    name: str, masked: int, assemblies: Mapping[str, Assembly]
) -> None:
    groups = assemblies[name].resources("AWS::Logs::LogGroup")
    assert groups
    for each in groups.values():
        policy = each["Properties"].get("DataProtectionPolicy")
        assert (policy is not None) == bool(masked)
        if policy is not None:
            audit, deidentify = policy["Statement"]
            assert audit["DataIdentifier"] == deidentify["DataIdentifier"]
            assert "MaskConfig" in deidentify["Operation"]["Deidentify"]
            named = plain(deidentify["DataIdentifier"])
            assert {"EmailAddress", "CreditCardNumber", "AwsSecretKey"} <= {
                each.rpartition("/")[2] for each in named
            }
            (custom,) = policy["Configuration"]["CustomDataIdentifier"]
            assert custom["Name"] == "BearerToken"
            assert custom["Name"] in named


def test_the_stack_tells_where_to_look(watched: Assembly) -> None:
    outputs = watched.stacks()["Watch"]["Outputs"]
    assert set(outputs) == {"DashboardUrl", "P0TopicArn", "P1TopicArn", "P2TopicArn"}
    (board,) = watched.resources("AWS::CloudWatch::Dashboard").values()
    assert plain(outputs["DashboardUrl"]["Value"]).endswith(
        f"#dashboards/dashboard/{board['Properties']['DashboardName']}"
    )


def test_what_watches_is_there_before_what_is_watched(assemblies: Mapping[str, Assembly]) -> None:
    manifest = json.loads((assemblies["prod"].folder / "manifest.json").read_text())
    for name in ("Records", "Versions", "Access"):
        needed = manifest["artifacts"][f"DataVault-prod-{name}"]["dependencies"]
        assert "DataVault-prod-Watch" in needed
