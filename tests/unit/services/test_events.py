"""The publisher: every entry once or more, with one number for good, and nothing personal."""

import json
from dataclasses import replace
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.events import read, write
from datavault.domain.access import Action
from datavault.domain.deliveries import Delivery, Letter, Notice
from datavault.domain.errors import Invalid, Unavailable
from datavault.domain.ids import new_id
from datavault.domain.ledger import Entry, entry
from datavault.domain.rows import Row, Table
from datavault.services.events.numbering import NUMBERED_MAX
from datavault.services.events.publishing import publish_events
from datavault.services.events.recovery import Redriven, redrive_events, republish_events
from tests.simulation.model import rows_of
from tests.support.builders import OPERATOR, Process, Shelf, a_body, a_caller, a_dataset
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault
from tests.support.ledger import entries, is_told, of_callers

HIDDEN_S = 300


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def shelf(vault: MemoryVault) -> Shelf:
    """A dataset with some history: five entries, of which four are told."""
    made = Shelf.make(vault)
    vault.clock.advance(1)
    made.append({"a": a_body("a"), "b": a_body("b")})
    vault.clock.advance(1)
    made.create_tag("alice-2026")
    vault.clock.advance(1)
    made.commit()
    vault.clock.advance(1)
    return made


KINDS = ["datasets.created", "records.appended", "versions.tag_created", "versions.committed"]


def published(vault: MemoryVault) -> list[Any]:
    return [json.loads(notice.text) for notice in vault.bus.taken]


def publish(vault: MemoryVault, rows: list[Row] | None = None) -> tuple[int, ...]:
    return publish_events(Process(vault), entries(vault) if rows is None else rows, write=write)


def redrive(vault: MemoryVault, *, letters_max: int = 100) -> Redriven:
    return redrive_events(Process(vault), operator=OPERATOR, write=write, letters_max=letters_max)


def refusing(kind: str, delivery: Delivery) -> Any:
    return lambda notice: delivery if notice.type.endswith(kind) else Delivery.TAKEN


def strange(vault: MemoryVault, shelf: Shelf, operation: str, resource: str = "") -> Row:
    """An entry of which nobody has decided."""
    now_ms = vault.clock.now_ms()
    put = entry(shelf.caller, Action.COMMIT, operation, resource or shelf.dataset.id, now_ms)
    vault.catalog.put_many([replace(put, condition=None)])
    return Row(put.key, put.attributes)


def test_entries_become_events_in_order_with_numbers_from_one(
    vault: MemoryVault, shelf: Shelf
) -> None:
    assert publish(vault) == ()
    told = published(vault)
    assert [each["type"].removeprefix("io.llm-data-vault.") for each in told] == KINDS
    assert [int(each["sequence"]) for each in told] == [1, 2, 3, 4]
    assert {each["subject"] for each in told} == {shelf.dataset.id}
    assert told[1]["data"] | {"actor": "", "branch": ""} == {
        "actor": "",
        "branch": "",
        "records": 2,
        "bytes": sum(len(a_body(name)) for name in "ab"),
    }
    assert told[3]["data"]["commit"] == shelf.history()[0].id
    # A commit has two entries; that it was asked for stays inside.
    assert len(of_callers(vault)) == 5
    for text in vault.bus.taken:
        assert read(text.text).time.tzinfo is not None


def test_an_entry_that_comes_again_is_the_same_event_to_the_last_byte(
    vault: MemoryVault, shelf: Shelf
) -> None:
    rows = entries(vault)
    publish(vault, rows[2:])
    vault.clock.advance(40 * 24 * 3600)
    shelf.append({"c": a_body("c")})
    publish(vault, rows)
    publish(vault, rows[::-1])
    texts: dict[str, set[str]] = {}
    for notice in vault.bus.taken:
        texts.setdefault(json.loads(notice.text)["id"], set()).add(notice.text)
    assert all(len(each) == 1 for each in texts.values())
    assert len(texts) == len(KINDS)


def test_each_dataset_counts_for_itself(vault: MemoryVault, shelf: Shelf) -> None:
    a_dataset(vault, shelf.caller, name="second")
    publish(vault)
    numbers: dict[str, list[int]] = {}
    for each in published(vault):
        numbers.setdefault(each["subject"], []).append(int(each["sequence"]))
    assert sorted(numbers.values()) == [[1], [1, 2, 3, 4]]


def test_nothing_personal_is_told(vault: MemoryVault) -> None:
    made = Shelf.make(vault)
    publish(vault)
    made.append({"alice@example.com": a_body("secret")})
    made.create_tag("alice-2026", message="for alice")
    made.commit(message="for alice")
    made.create_branch("alice")
    publish(vault)
    texts = "".join(notice.text for notice in vault.bus.taken)
    assert "alice" not in texts
    assert "secret" not in texts
    assert {each["correlationid"] for each in published(vault)} != {made.caller.correlation_id}
    actors = {each["data"]["actor"] for each in published(vault)}
    assert len(actors) == 1, "one person is one actor"


def test_a_person_is_somebody_else_in_another_workspace(vault: MemoryVault) -> None:
    for caller in (a_caller(vault), a_caller(vault)):
        a_dataset(vault, caller)
    publish(vault)
    assert len({each["data"]["actor"] for each in published(vault)}) == 2


def test_a_correlation_id_that_is_a_uuid_is_told_as_it_is(vault: MemoryVault, shelf: Shelf) -> None:
    now_ms = vault.clock.now_ms()
    given = new_id("", now_ms).removeprefix("_")
    row = of_callers(vault)[0]
    telling = Row(row.key, {**row.attributes, "correlation_id": given})
    publish(vault, [telling])
    assert published(vault)[0]["correlationid"] == given


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_bus_does_not_take_now_is_to_be_given_again(
    vault: MemoryVault, shelf: Shelf, kind: str
) -> None:
    asked: list[str] = []

    def judge(notice: Notice) -> Delivery:
        asked.append(notice.type)
        return Delivery.LATER if notice.type.endswith(kind) else Delivery.TAKEN

    vault.bus.judge = judge
    rows = entries(vault)
    (place,) = publish(vault, rows)
    assert asked.count(f"io.llm-data-vault.{kind}") == 3, "a few times before"
    vault.bus.judge = lambda _: Delivery.TAKEN
    assert publish(vault, rows[place:]) == ()
    told = published(vault)
    assert {each["id"]: int(each["sequence"]) for each in told}.keys() == {
        each["id"] for each in told
    }
    assert {int(each["sequence"]) for each in told} == {1, 2, 3, 4}
    assert vault.dead_letters.kept == []


def test_behind_a_call_that_was_not_taken_nothing_is_sent(vault: MemoryVault, shelf: Shelf) -> None:
    for number in range(56):
        vault.clock.advance(1)
        shelf.append({f"r{number}": a_body("r")})
    vault.bus.judge = lambda notice: (
        Delivery.LATER if '"00000000000000000012"' in notice.text else Delivery.TAKEN
    )
    later = publish(vault)
    numbers = {int(each["sequence"]) for each in published(vault)}
    assert numbers == {*range(1, 39)} - {12}, "what went with it in three attempts, and no more"
    assert len(later) == 60 - len(numbers)
    assert list(later) == sorted(later)


def test_what_can_never_be_taken_is_a_letter_and_holds_nothing_up(
    vault: MemoryVault, shelf: Shelf
) -> None:
    vault.bus.judge = refusing("records.appended", Delivery.NEVER)
    assert publish(vault) == ()
    assert [int(each["sequence"]) for each in published(vault)] == [1, 3, 4]
    assert [letter.reason for letter in vault.dead_letters.kept] == ["refused"]
    vault.bus.judge = lambda _: Delivery.TAKEN
    assert redrive(vault) == Redriven(done=1)
    assert int(published(vault)[-1]["sequence"]) == 2
    assert vault.dead_letters.kept == []


@pytest.mark.parametrize(
    ("operation", "resource"), [("fly_to_moon", ""), ("append_records", ""), ("create_tag", "x")]
)
def test_an_entry_that_nobody_can_tell_is_a_letter_without_a_number(
    vault: MemoryVault, shelf: Shelf, operation: str, resource: str
) -> None:
    row = strange(vault, shelf, operation, resource)
    assert publish(vault, [row, *of_callers(vault)[:1]]) == ()
    assert vault.dead_letters.kept == [Letter(row.key, "invalid")]
    assert [int(each["sequence"]) for each in published(vault)] == [1]
    assert redrive(vault) == Redriven(refused=1)
    assert len(vault.dead_letters.kept) == 1


@pytest.mark.parametrize("broken", [{"action": "moon:fly"}, {"at_ms": "late"}, {"id": None}])
def test_a_row_that_is_no_entry_is_a_letter(
    vault: MemoryVault, shelf: Shelf, broken: dict[str, Any]
) -> None:
    row = entries(vault)[0]
    attributes = {
        name: value for name, value in {**row.attributes, **broken}.items() if value is not None
    }
    publish(vault, [Row(row.key, attributes)])
    assert vault.dead_letters.kept == [Letter(row.key, "corrupt")]


def test_a_key_that_its_owner_withdrew_holds_up_nobody_else(
    vault: MemoryVault, shelf: Shelf
) -> None:
    other = Shelf.make(vault)
    rows = entries(vault)
    (workspace,) = [
        row
        for row in rows_of(vault.catalog, Table.CATALOG)
        if row.key.partition == f"workspace/{shelf.caller.workspace}"
        and row.key.sort == "workspace"
    ]
    vault.keyring.disable(workspace.text("kek"))
    assert publish(vault, rows) == ()
    assert {each["workspace"] for each in published(vault)} == {other.caller.workspace}
    assert {letter.reason for letter in vault.dead_letters.kept} == {"kek_unavailable"}
    assert redrive(vault).refused == 4
    vault.keyring.enable(workspace.text("kek"))
    vault.clock.advance(HIDDEN_S)
    assert redrive(vault) == Redriven(done=4)
    mine = [each for each in published(vault) if each["subject"] == shelf.dataset.id]
    assert sorted(int(each["sequence"]) for each in mine) == [1, 2, 3, 4]


def test_keys_that_do_not_answer_let_everything_come_again(
    vault: MemoryVault, shelf: Shelf
) -> None:
    down = ChaosVault(vault, lambda port, _: Fault.BEFORE if port == "keyring" else Fault.NONE)
    with pytest.raises(Unavailable):
        publish_events(down, entries(vault), write=write)
    assert published(vault) == []
    assert vault.dead_letters.kept == []


def test_a_batch_of_many_is_numbered_without_gaps(vault: MemoryVault, shelf: Shelf) -> None:
    for number in range(NUMBERED_MAX + 30):
        vault.clock.advance(1)
        shelf.append({f"r{number}": a_body("r")})
    publish(vault)
    numbers = [int(each["sequence"]) for each in published(vault)]
    assert numbers == list(range(1, NUMBERED_MAX + 30 + len(KINDS) + 1))


def test_a_crash_anywhere_loses_nothing_and_changes_no_number(
    vault: MemoryVault, shelf: Shelf
) -> None:
    rows = entries(vault)
    crashed = 0
    for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.BEFORE, Fault.AFTER):
        for call in range(20):
            chaos = ChaosVault(vault, AtCall(call, fault))
            try:
                publish_events(chaos, rows, write=write)
            except (Crash, Unavailable):
                crashed += 1
    assert crashed > 10
    publish(vault, rows)
    assert {(each["id"], int(each["sequence"])) for each in published(vault)} == {
        (row.text("id"), number) for number, row in enumerate(filter(is_told, rows), 1)
    }


def test_a_letter_of_which_nobody_knows_the_entries_stays(vault: MemoryVault, shelf: Shelf) -> None:
    vault.dead_letters.lose_track()
    assert redrive(vault) == Redriven(unknown=1)
    vault.clock.advance(HIDDEN_S)
    assert redrive(vault) == Redriven(unknown=1)


def test_no_more_letters_are_taken_than_asked_for(vault: MemoryVault, shelf: Shelf) -> None:
    vault.dead_letters.put([Letter(row.key, "refused") for row in entries(vault)[:3]])
    assert redrive(vault, letters_max=2) == Redriven(done=2)
    assert redrive(vault) == Redriven(done=1)


def test_a_time_is_told_again_from_the_ledger(vault: MemoryVault, shelf: Shelf) -> None:
    publish(vault)
    before = published(vault)
    start_ms, end_ms = vault.clock.now_ms() - 60_000, vault.clock.now_ms()
    vault.clock.advance(3600)
    done = republish_events(
        vault,
        shelf.caller.workspace,
        operator=OPERATOR,
        start_ms=start_ms,
        end_ms=end_ms,
        write=write,
    )
    assert done == (len(before), 0)
    assert published(vault)[len(before) :] == before


@pytest.mark.parametrize("span_ms", [0, -1, 24 * 3600 * 1000 + 1])
def test_a_time_has_a_length_and_an_end(vault: MemoryVault, shelf: Shelf, span_ms: int) -> None:
    with pytest.raises(Invalid):
        republish_events(
            vault,
            shelf.caller.workspace,
            operator=OPERATOR,
            start_ms=1000,
            end_ms=1000 + span_ms,
            write=write,
        )


def test_an_entry_is_read_as_it_was_written(vault: MemoryVault, shelf: Shelf) -> None:
    for row in entries(vault):
        put = Entry.of(row).put()
        assert Row(put.key, put.attributes) == row
