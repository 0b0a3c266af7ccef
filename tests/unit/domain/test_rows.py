"""Rows give back what they hold, in its type."""

import pytest

from datavault.domain import ledger
from datavault.domain.access import Action, Caller, Role
from datavault.domain.ids import WorkspaceId
from datavault.domain.rows import Absent, Key, Row, Table

ROW = Row(Key(Table.CATALOG, "p", "s"), {"t": "x", "n": 1, "b": b"y", "l": ("z",)})


def test_an_attribute_comes_back_in_its_type() -> None:
    assert (ROW.text("t"), ROW.number("n"), ROW.binary("b"), ROW.texts("l")) == (
        "x",
        1,
        b"y",
        ("z",),
    )


@pytest.mark.parametrize("read", [Row.text, Row.number, Row.binary, Row.texts])
def test_an_attribute_of_another_type_is_a_bug(read: object) -> None:
    wrong = {Row.text: "n", Row.number: "t", Row.binary: "t", Row.texts: "t"}[read]  # type: ignore[index]
    with pytest.raises(AssertionError):
        read(ROW, wrong)  # type: ignore[operator]


def test_a_ledger_entry_says_who_did_what_to_what_and_is_only_ever_added() -> None:
    caller = Caller("alice", WorkspaceId("ws_1"), frozenset(Role), "corr")
    put = ledger.entry(caller, Action.COMMIT, "create_commit", "ds_1", 90_000, added=3)
    assert put.condition == Absent()
    assert put.key.table is Table.LEDGER
    assert put.key.partition.startswith("ws_1/1/")
    assert put.attributes["id"] == put.key.sort
    assert {**put.attributes, "id": ""} == {
        "id": "",
        "workspace": "ws_1",
        "at_ms": 90_000,
        "actor": "alice",
        "action": "versions:commit",
        "operation": "create_commit",
        "resource": "ds_1",
        "correlation_id": "corr",
        "detail_added": 3,
    }
