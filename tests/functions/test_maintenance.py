"""Read-only mode, as callers meet it: every change is refused with the reason, reads go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.domain.errors import Invalid
from datavault.domain.maintenance import REASON_CHARS_MAX
from datavault.services import maintenance
from datavault.services.workspaces import create_workspace
from functions.datasets import create, describe
from functions.edge.http import Endpoint
from functions.health import live, ready
from tests.functions.events import Client
from tests.support.builders import OPERATOR

CHANGING = [row for row in OPERATIONS if row.changes_something]
REASON = "moving to another region; back at 18:00 UTC"


@contextmanager
def read_only(vault: MemoryVault, workspace: Any = None) -> Iterator[None]:
    maintenance.set_read_only(vault, operator=OPERATOR, workspace=workspace, reason=REASON)
    vault.clock.sleep(maintenance.HELD_MS / 1000)
    yield
    maintenance.clear_read_only(vault, operator=OPERATOR, workspace=workspace)
    vault.clock.sleep(maintenance.HELD_MS / 1000)


def names(client: Client) -> int:
    """The status of creating a dataset."""
    return client(create.handler, json_body={"name": f"d{client.vault.clock.now_ms()}"}).status


def test_what_changes_something_is_what_is_not_a_get_and_needs_a_token() -> None:
    """A POST that only reads may come; then it has to be named here."""
    reading_posts = {"batch_get_records"}
    assert {row.name for row in CHANGING} == {
        row.name for row in OPERATIONS if row.method != "GET" and row.action is not None
    } - reading_posts


@pytest.mark.parametrize("row", CHANGING, ids=lambda row: row.name)
def test_a_change_is_refused_before_its_service_is_called(
    row: Operation, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler: Endpoint[Any, Any] = import_module(row.function).handler

    def called(*_: object) -> None:
        raise AssertionError("the service was reached")

    monkeypatch.setattr(handler, "_handle", called)
    parsed = type("Parsed", (), {"caller": None})
    monkeypatch.setattr(handler, "_parse", lambda *_: parsed)
    monkeypatch.setattr(parsed, "caller", _caller(client))
    with read_only(client.vault):
        reply = client(handler)
        assert (reply.status, reply.json["code"]) == (503, "read_only")
        assert REASON in reply.json["detail"]
        assert int(reply.headers["Retry-After"]) > 0
    reply = client(handler)
    assert reply.status == 500  # The service was reached.


def _caller(client: Client) -> Any:
    from functions.edge.caller import caller_of

    return caller_of(client.event(), "c", now_ms=client.vault.clock.now_ms())


def test_reads_go_on(client: Client, dataset_id: str) -> None:
    with read_only(client.vault):
        assert names(client) == 503
        reply = client(describe.handler, path={"dataset_id": dataset_id})
        assert (reply.status, reply.json["name"]) == (200, "chats")


def test_a_workspace_alone_can_be_read_only(client: Client, vault: MemoryVault) -> None:
    other = Client(vault, create_workspace(vault, operator=OPERATOR, name="other", stage="test").id)
    with read_only(vault, client.workspace):
        assert (names(client), names(other)) == (503, 201)
    assert (names(client), names(other)) == (201, 201)


def test_it_holds_within_seconds_and_ends_within_seconds(client: Client) -> None:
    assert names(client) == 201
    maintenance.set_read_only(client.vault, operator=OPERATOR, workspace=None, reason=REASON)
    client.vault.clock.sleep(maintenance.HELD_MS / 1000 - 0.001)
    assert names(client) == 201
    client.vault.clock.sleep(0.001)
    assert names(client) == 503
    maintenance.clear_read_only(client.vault, operator=OPERATOR, workspace=None)
    client.vault.clock.sleep(maintenance.HELD_MS / 1000)
    assert names(client) == 201


def test_a_busy_process_asks_once_in_a_while(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = client.vault.catalog.get_many

    def get_many(keys: Any) -> Any:
        asked.append(keys)
        return ask(keys)

    monkeypatch.setattr(client.vault.catalog, "get_many", get_many)
    caller = _caller(client)
    for _ in range(100):
        maintenance.require_writable(client.vault, caller)
    assert len(asked) == 1


def test_readiness_says_it_and_liveness_does_not(client: Client) -> None:
    with read_only(client.vault):
        reply = client(ready.handler)
        assert (reply.status, reply.json["status"]) == (200, "degraded")
        (check,) = (each for each in reply.json["checks"] if each["name"] == "writes")
        assert (check["status"], REASON in check["message"]) == ("degraded", True)
        assert client(live.handler).json["status"] == "healthy"
    assert client(ready.handler).json["status"] == "healthy"


@pytest.mark.parametrize("reason", ["", "x" * (REASON_CHARS_MAX + 1), "two\nlines", "\x1b[31mred"])
def test_a_reason_that_is_not_a_short_line_is_refused(reason: str, vault: MemoryVault) -> None:
    with pytest.raises(Invalid) as refused:
        maintenance.set_read_only(vault, operator=OPERATOR, workspace=None, reason=reason)
    assert refused.value.field == "reason"
    assert maintenance.find_read_only(vault, None) is None
