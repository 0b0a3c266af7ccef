"""What is counted and under which names; and that nothing but counts gets out.

Alarms and dashboard look for these very names: `tests/infra` compares.
"""

import base64
from typing import Any

import pytest

from datavault.contracts.operations import OPERATIONS, operation
from datavault.domain.errors import Corrupt, KekUnavailable, NotFound, Unavailable
from functions.edge import business, telemetry
from functions.edge.http import Endpoint
from functions.edge.task import Task
from functions.records import append, delete
from functions.versions import create_commit
from tests.functions.events import CANARY, Client
from tests.functions.test_edge import lines_of, written

TRACE_ID = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Powertools finds it in a deployed function's environment."""
    monkeypatch.setattr(telemetry._metrics.provider, "service", "datavault-test")


def metrics_of(text: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(text) if "_aws" in line]


def failing(error: Exception) -> Endpoint[Any, Any]:
    def handle(_vault: object, _request: object) -> None:
        raise error

    return Endpoint(operation("check_live"), handle)


@pytest.mark.usefixtures("_named")
def test_a_metric_is_there_for_the_operation_and_for_the_stage(client: Client) -> None:
    with written() as text:
        client(failing(Corrupt("a pack does not verify")))
    (line,) = metrics_of(text.getvalue())
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DataVault"
    assert list(map(set, directive["Dimensions"])) == [{"operation", "service"}, {"service"}]
    assert (line["operation"], line["service"]) == ("check_live", "datavault-test")
    assert {each["Name"]: each["Unit"] for each in directive["Metrics"]} == {
        "latency": "Milliseconds",
        "errors": "Count",
        "refusals": "Count",
        "corrupt": "Count",
    }


@pytest.mark.usefixtures("_named")
def test_dimensions_of_one_run_are_not_left_for_the_next(client: Client) -> None:
    with written() as text:
        client(failing(NotFound("no such thing")))
        client(failing(NotFound("no such thing")))
    for line in metrics_of(text.getvalue()):
        assert len(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == 2


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (Corrupt("a pack does not verify"), {"corrupt": [1.0]}),
        (KekUnavailable("the KEK is disabled"), {"keks_unavailable": [1.0]}),
        (Unavailable("the catalog does not answer"), {}),
        (NotFound("no such record"), {}),
        (RuntimeError("a bug"), {}),
    ],
)
def test_corruption_and_refused_keys_are_counted_apart(
    client: Client, error: Exception, counted: dict[str, list[float]]
) -> None:
    with written() as text:
        client(failing(error))
    (line,) = metrics_of(text.getvalue())
    found = {name: line[name] for name in ("corrupt", "keks_unavailable") if name in line}
    assert found == counted


def test_a_task_that_meets_corruption_counts_it_too() -> None:
    def handle(_vault: object, _payload: object) -> dict[str, Any]:
        raise Corrupt("a node does not verify")

    with written() as text, pytest.raises(Corrupt):
        Task("sweep_staging", handle).run(None, {})  # type: ignore[arg-type]
    (line,) = metrics_of(text.getvalue())
    assert (line["corrupt"], line["errors"]) == ([1.0], [1.0])


def test_business_is_counted_where_it_is_done(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    records = [{"id": name, "data": {"text": "hello"}} for name in ("a", "b", "c")]
    with written() as text:
        client(append.handler, path=path, json_body={"records": records})
        client(delete.handler, path=path | {"record_id": "a"})
        client(create_commit.handler, path=path, json_body={"message": "three"})
        client(create_commit.handler, path=path, json_body={"message": 3})
    appended, deleted, committed, refused = metrics_of(text.getvalue())
    assert appended["records_appended"] == [3.0]
    assert appended["bytes_in"][0] > 0
    assert deleted["records_deleted"] == [1.0]
    assert "bytes_in" not in deleted
    assert committed["commits_made"] == [1.0]
    assert not {"records_appended", "records_deleted", "commits_made", "bytes_in"} & set(refused)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1000])
def test_bytes_in_are_those_sent_and_not_their_base64(size: int) -> None:
    content = b"x" * size
    event = {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
    assert business.counts_of("list_records", event, None) == {"bytes_in": size}


def test_what_is_counted_is_an_operation_of_the_table() -> None:
    assert set(business._COUNTS) <= {row.name for row in OPERATIONS}


def test_a_log_line_names_its_trace(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Which joins a correlation id to its trace without an X-Ray SDK in any function.
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1")
    with written() as text:
        client(failing(NotFound("no such thing")), headers={"X-Correlation-ID": "mine-1"})
    (log,) = [line for line in lines_of(text.getvalue()) if "_aws" not in line]
    assert (log["xray_trace_id"], log["correlation_id"]) == (TRACE_ID, "mine-1")


ALLOWED = {
    "code",
    "correlation_id",
    "failure",
    "latency_ms",
    "level",
    "location",
    "message",
    "operation",
    "request_bytes",
    "response_bytes",
    "service",
    "status",
    "timestamp",
    "xray_trace_id",
}


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
@pytest.mark.parametrize("error", [None, KeyError(CANARY), Corrupt(CANARY), NotFound(CANARY)])
def test_nothing_that_a_request_carries_is_logged_for_any_operation(
    client: Client, row: Any, error: Exception | None
) -> None:
    def handle(_vault: object, _request: object) -> None:
        if error is not None:
            raise error

    event = client.event(
        path={"dataset_id": CANARY, "record_id": CANARY, "branch": CANARY},
        query={CANARY: CANARY},
        headers={"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, CANARY: CANARY},
        json_body={CANARY: CANARY},
    )
    with written() as text:
        Endpoint(row, handle).answer(client.vault, event)
    assert CANARY not in text.getvalue()
    (log,) = [line for line in lines_of(text.getvalue()) if "_aws" not in line]
    assert set(log) <= ALLOWED | set(business.COUNTS)
