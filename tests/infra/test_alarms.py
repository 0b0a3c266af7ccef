"""Alarms look at metrics that exist, ring when they should, and say what to do."""

import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

import pytest

from datavault.contracts.operations import TASKS
from datavault.domain.errors import Corrupt, KekUnavailable
from functions.edge import business, telemetry
from infra import metrics
from infra.stacks.capability import ROWS
from infra.stages import PRIORITIES
from tests.infra.conftest import Assembly, Json, plain

WATCHED = ("dev", "staging", "prod")
# Once for the stage; beside each are those of tasks, queues and, with canaries, of functions.
OF_THE_STAGE = {
    "api-down": "p0",
    "nothing-succeeds": "p0",
    "authorizer-failing": "p0",
    "corrupt": "p0",
    "api-errors": "p1",
    "keks-unavailable": "p2",
    "drops-refused": "p2",
    "latency-p95": "p2",
    "latency-p99": "p2",
    "api-throttled": "p2",
    "functions-throttled": "p2",
    "concurrency-near-limit": "p2",
    "tables-throttled": "p2",
}
# Namespace to the sets of dimensions under which AWS writes, and what it writes under each; from
# AWS's documentation (see `infra.metrics`), not from our code.
AWS_WRITES: Mapping[str, Mapping[frozenset[str], set[str]]] = {
    "AWS/ApiGateway": {
        frozenset({"ApiName", "Stage"}): {"Count", "4XXError", "5XXError", "Latency"},
    },
    "AWS/Lambda": {
        frozenset(): {"Throttles", "ConcurrentExecutions"},
        frozenset({"FunctionName", "Resource"}): {"Errors", "Invocations", "Duration"},
    },
    "AWS/DynamoDB": {
        frozenset({"TableName"}): {
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
        },
    },
    "AWS/SQS": {frozenset({"QueueName"}): {"ApproximateNumberOfMessagesVisible"}},
    "AWS/Usage": {frozenset({"Service", "Type", "Resource", "Class"}): {"CallCount"}},
    "AWS/WAFV2": {frozenset({"WebACL", "Region", "Rule"}): {"BlockedRequests"}},
}


@pytest.fixture(params=WATCHED)
def watched(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    return assemblies[request.param]


def alarms(assembly: Assembly) -> dict[str, Json]:
    """The properties of each alarm, by name without the stage."""
    prefix = f"datavault-{assembly.stage.name}-"
    found = {
        each["Properties"]["AlarmName"].removeprefix(prefix): each["Properties"]
        for each in assembly.resources("AWS::CloudWatch::Alarm").values()
    }
    assert len(found) == len(assembly.resources("AWS::CloudWatch::Alarm"))
    return found


def looked_at(alarm: Json) -> Iterator[tuple[str, str, frozenset[tuple[str, str]]]]:
    """Namespace, name and dimensions of each metric of an alarm."""
    single = [alarm] if "MetricName" in alarm else []
    for each in [*single, *(m["MetricStat"]["Metric"] for m in math_of(alarm).values())]:
        dimensions = frozenset((d["Name"], plain(d["Value"])) for d in each.get("Dimensions", []))
        yield each["Namespace"], each["MetricName"], dimensions


def math_of(alarm: Json) -> dict[str, Json]:
    return {each["Id"]: each for each in alarm.get("Metrics", []) if "MetricStat" in each}


def emitted() -> dict[str, set[frozenset[str]]]:
    """What functions write: the sets of dimensions' names by metric, from their own output."""
    written = io.StringIO()
    with redirect_stdout(written), pytest.MonkeyPatch.context() as patch:
        patch.setattr(telemetry._metrics.provider, "service", "datavault-test")
        for failure in (Corrupt("x"), KekUnavailable("x")):
            telemetry.Observation("any", "any").report(
                "any",
                status=500,
                failure=failure,
                counts=dict.fromkeys((*business.COUNTS, business.DROPS_REFUSED), 1),
            )
    found: dict[str, set[frozenset[str]]] = {}
    for line in written.getvalue().splitlines():
        for directive in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "DataVault"
            for metric in directive["Metrics"]:
                sets = found.setdefault(metric["Name"], set())
                sets.update(map(frozenset, directive["Dimensions"]))
    return found


def assert_exists(
    assembly: Assembly, namespace: str, name: str, dimensions: frozenset[tuple[str, str]]
) -> None:
    """That somebody writes this metric, under these dimensions, of this stage."""
    keys = frozenset(key for key, _ in dimensions)
    values = dict(dimensions)
    if namespace == "DataVault":
        written = emitted() | {"throttled": {frozenset({"service"})}}  # The access log's filter.
        assert keys in written[name], name
        assert values["service"] == f"datavault-{assembly.stage.name}"
        if "operation" in values:
            assert values["operation"] in {row.name for row in ROWS}
    else:
        assert name in AWS_WRITES[namespace][keys], (namespace, name, keys)


def test_the_local_stage_has_no_metrics_to_watch(assemblies: Mapping[str, Assembly]) -> None:
    assert not alarms(assemblies["local"])
    assert "Watch" not in assemblies["local"].stacks()


def test_a_stage_is_watched_as_a_whole(watched: Assembly) -> None:
    found = alarms(watched)
    for name, priority in OF_THE_STAGE.items():
        topic = plain(found[name]["AlarmActions"])
        assert topic[0].endswith(f":datavault-{watched.stage.name}-{priority}"), name
    scheduled = {task.name.replace("_", "-") for task in TASKS if task.every_minutes}
    assert {f"{name}-idle" for name in scheduled} <= set(found)
    assert "retention-dead-letters" in found


def test_what_could_not_be_published_rings_until_it_is_redriven(watched: Assembly) -> None:
    found = alarms(watched)["events-dead-letters"]
    assert (found["Threshold"], found["EvaluationPeriods"]) == (1, 1)
    assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert "datavault events redrive" in found["AlarmDescription"]
    (queue,) = [
        logical_id
        for logical_id, each in watched.resources("AWS::SQS::Queue").items()
        if each["Properties"].get("QueueName") == f"datavault-{watched.stage.name}-unpublished"
    ]
    assert queue.rpartition("/")[2] in str(found["Dimensions"])


def test_every_metric_of_every_alarm_is_one_that_somebody_writes(watched: Assembly) -> None:
    for alarm in alarms(watched).values():
        for namespace, name, dimensions in looked_at(alarm):
            assert_exists(watched, namespace, name, dimensions)


def test_every_metric_of_the_dashboard_is_one_that_somebody_writes(watched: Assembly) -> None:
    from tests.infra.test_watch import graphs

    for graph in graphs(watched):
        for namespace, name, *pairs in graph["metrics"]:
            dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            assert_exists(watched, namespace, name, dimensions)


def test_names_of_metrics_are_those_of_functions() -> None:
    assert metrics.BUSINESS == business.COUNTS
    assert {
        metrics.LATENCY,
        metrics.ERRORS,
        metrics.REFUSALS,
        metrics.CORRUPT,
        metrics.KEKS_UNAVAILABLE,
        metrics.TURNED_AWAY,
        metrics.DROPS_REFUSED,
        *metrics.BUSINESS,
    } == set(emitted())


def test_metrics_of_the_api_are_under_its_very_name(watched: Assembly) -> None:
    (rest,) = watched.resources("AWS::ApiGateway::RestApi").values()
    (deployed,) = watched.resources("AWS::ApiGateway::Stage").values()
    for alarm in alarms(watched).values():
        for namespace, _, dimensions in looked_at(alarm):
            if namespace == "AWS/ApiGateway":
                assert dict(dimensions) == {
                    "ApiName": rest["Properties"]["Name"],
                    "Stage": deployed["Properties"]["StageName"],
                }


def test_429s_are_counted_from_the_access_log(assembly: Assembly) -> None:
    (found,) = assembly.resources("AWS::Logs::MetricFilter").values()
    assert found["Properties"]["FilterPattern"] == '{ $.status = "429" }'
    (transformation,) = found["Properties"]["MetricTransformations"]
    assert transformation["MetricNamespace"] == "DataVault"
    assert transformation["MetricName"] == metrics.THROTTLED
    assert transformation["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
    (deployed,) = assembly.resources("AWS::ApiGateway::Stage").values()
    line = json.loads(deployed["Properties"]["AccessLogSetting"]["Format"])
    assert line["service"] == f"datavault-{assembly.stage.name}"
    assert line["status"] == "$context.status"


def test_an_alarm_tells_its_topic_when_it_begins_and_ends_and_what_to_do(
    watched: Assembly,
) -> None:
    for name, alarm in alarms(watched).items():
        assert alarm["AlarmActions"] == alarm["OKActions"], name
        priority = plain(alarm["AlarmActions"])[0].rpartition("-")[2]
        assert priority in PRIORITIES
        runbook = alarm["AlarmDescription"]
        assert runbook.startswith(f"{priority.upper()}: "), name
        assert 60 < len(runbook) <= 1024, name


def test_missing_data_is_an_alarm_only_where_something_must_run_by_itself(
    watched: Assembly,
) -> None:
    for name, alarm in alarms(watched).items():
        expected = "breaching" if name.endswith("-idle") else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name


def test_no_alarm_is_one_that_cloudwatch_refuses(watched: Assembly) -> None:
    for name, alarm in alarms(watched).items():
        period = alarm.get("Period") or max(
            each["MetricStat"]["Period"] for each in math_of(alarm).values()
        )
        # A day at most, and ten metrics in an expression.
        assert period * alarm["EvaluationPeriods"] <= 86_400, name
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"], name
        assert len(math_of(alarm)) <= 10, name


class Minute(dict[str, float]):
    """One minute's data as an expression sees them."""

    def judge(self, alarm: Json) -> bool:
        (expression,) = (each["Expression"] for each in alarm["Metrics"] if "Expression" in each)
        functions: dict[str, Any] = {
            "IF": lambda condition, then, other: then if condition else other,
            "FILL": lambda value, instead: instead if math.isnan(value) else value,
        }
        known = {name: self.get(name, math.nan) for name in math_of(alarm)}
        value = eval(expression, {"__builtins__": {}}, functions | known)
        if math.isnan(value):
            return False
        threshold = alarm["Threshold"]
        return bool(
            {
                "GreaterThanThreshold": value > threshold,
                "GreaterThanOrEqualToThreshold": value >= threshold,
                "LessThanThreshold": value < threshold,
            }[alarm["ComparisonOperator"]]
        )


@pytest.mark.parametrize(
    ("name", "data", "rings"),
    [
        ("api-down", {"requests": 8, "failed": 2}, True),
        ("api-down", {"requests": 9, "failed": 2}, False),
        ("api-down", {"requests": 4, "failed": 4}, False),  # Too few to tell.
        ("api-down", {"requests": 1000}, False),
        ("api-down", {}, False),
        ("api-errors", {"requests": 1000, "failed": 11}, True),
        ("api-errors", {"requests": 1000, "failed": 10}, False),  # Over 1 %, not at it.
        ("api-errors", {"requests": 99, "failed": 50}, False),
        # Read-only mode, or a workspace's disabled KEK; and what fails beside it.
        ("api-down", {"requests": 100, "failed": 90, "turned_away": 90}, False),
        ("api-down", {"requests": 100, "failed": 90, "turned_away": 65}, True),
        ("api-errors", {"requests": 1000, "failed": 500, "turned_away": 500}, False),
        ("api-errors", {"requests": 1000, "failed": 511, "turned_away": 500}, True),
        ("api-errors", {"requests": 1000, "turned_away": 3}, False),
        ("nothing-succeeds", {"requests": 30, "refused": 30}, True),
        ("nothing-succeeds", {"requests": 30, "refused": 10, "failed": 20}, True),
        ("nothing-succeeds", {"requests": 30, "refused": 29}, False),
        ("nothing-succeeds", {"requests": 19, "refused": 19}, False),
        ("nothing-succeeds", {}, False),
        ("tables-throttled", {"catalog_write": 6, "ledger_write": 4}, True),
        ("tables-throttled", {"catalog_write": 9}, False),
        ("tables-throttled", {}, False),
    ],
)
def test_an_alarm_rings_when_it_should(
    name: str, data: Mapping[str, float], rings: bool, prod: Assembly
) -> None:
    assert Minute(data).judge(alarms(prod)[name]) is rings


@pytest.mark.parametrize(
    ("data", "rings"),
    [
        ({"runs": 30, "answered": 3}, True),  # A broken version at a tenth of the traffic.
        ({"runs": 30, "raised": 3}, True),
        ({"runs": 100, "answered": 5}, False),
        ({"runs": 2, "answered": 2}, False),
        ({"runs": 30}, False),
        ({}, False),
    ],
)
def test_a_function_that_fails_at_a_tenth_of_its_traffic_rings(
    data: Mapping[str, float], rings: bool, prod: Assembly
) -> None:
    assert Minute(data).judge(alarms(prod)["append-records-failing"]) is rings


def test_tokens_that_the_authorizer_refuses_are_no_failures_of_it(prod: Assembly) -> None:
    # It refuses by raising, which Lambda counts as an error.
    named = set(math_of(alarms(prod)["authorize-failing"]))
    assert named == {"answered", "runs"}
    assert set(math_of(alarms(prod)["append-records-failing"])) == {"answered", "raised", "runs"}


def test_latency_and_concurrency_are_what_the_stage_says(watched: Assembly) -> None:
    given, found = watched.stage.alarms, alarms(watched)
    assert given is not None
    assert found["latency-p95"]["Threshold"] == given.latency_p95_ms
    assert found["latency-p95"]["ExtendedStatistic"] == "p95"
    assert found["latency-p99"]["Threshold"] == given.latency_p99_ms
    assert found["latency-p99"]["ExtendedStatistic"] == "p99"
    assert found["concurrency-near-limit"]["Threshold"] == given.concurrency_max * 8 // 10
