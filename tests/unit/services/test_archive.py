"""An archived dataset is read as before, and no write to it happens, one in flight included."""

from collections.abc import Callable

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.operations import OPERATIONS
from datavault.domain import keyspace
from datavault.domain.access import Caller, Role
from datavault.domain.datasets import Dataset, State
from datavault.domain.errors import Conflict, Denied
from datavault.domain.rows import Put, Row, Table
from datavault.services.datasets import changes
from datavault.services.ingest.stream import ingest_lines
from tests.simulation.model import rows_of
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault
from tests.unit.services.test_grants import DOES, full_shelf

# What may be done to an archived dataset although it writes.
ALLOWED = {"archive_dataset", "restore_dataset", "clone_dataset"}
WRITES = sorted(
    row.name
    for row in OPERATIONS
    if "{dataset_id}" in row.path and row.changes_something and row.name not in ALLOWED
)


def archive(shelf: Shelf) -> Dataset:
    return changes.archive_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None
    )


def restore(shelf: Shelf) -> Dataset:
    return changes.restore_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None
    )


def ingest(shelf: Shelf) -> object:
    return ingest_lines(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        branch=MAIN,
        chunks=[b'{"n":1}\n{"n":2}\n'],
        message="m",
        request=a_request("ingest"),
    )


WRITERS: dict[str, Callable[[Shelf], object]] = {name: DOES[name] for name in WRITES} | {
    "ingest_lines": ingest
}


def kept(shelf: Shelf) -> list[Row]:
    """Everything in the catalog, and what the ledger says."""
    catalog = shelf.vault.catalog
    return [*rows_of(catalog, Table.CATALOG), *rows_of(catalog, Table.LEDGER)]


@pytest.mark.parametrize("name", WRITERS)
def test_every_write_to_an_archived_dataset_is_refused(name: str) -> None:
    shelf = full_shelf()
    records = shelf.all()
    archive(shelf)
    before = kept(shelf)
    with pytest.raises(Conflict, match="is archived: restore it"):
        WRITERS[name](shelf)
    assert kept(shelf) == before
    assert shelf.all() == records
    restore(shelf)
    WRITERS[name](shelf)
    assert kept(shelf) != before


@pytest.mark.parametrize("name", WRITERS)
def test_no_write_comes_after_the_archiving_wherever_that_falls(name: str) -> None:
    """At every call of a port somebody archives: from then on nothing that is kept changes."""
    counted = full_shelf()
    chaos = ChaosVault(counted.vault)
    WRITERS[name](counted.on(chaos))
    refused = 0
    for call in range(chaos.calls):
        shelf = full_shelf()
        then: list[list[Row]] = []

        def meanwhile(shelf: Shelf = shelf, then: list[list[Row]] = then) -> None:
            archive(shelf.on(Process(shelf.vault)))
            then.append(kept(shelf))

        try:
            WRITERS[name](
                shelf.on(ChaosVault(shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile))
            )
        except Conflict:
            refused += 1
        assert kept(shelf) == then[0], f"call {call}"
    assert refused > 0


def test_archiving_again_changes_nothing() -> None:
    shelf = Shelf.make()
    once = archive(shelf)
    before = kept(shelf)
    assert (once.state, once.version) == (State.ARCHIVED, 2)
    assert archive(shelf) == once
    assert kept(shelf) == before
    assert restore(shelf).version == 3
    assert restore(shelf).version == 3


def test_archiving_costs_a_write_one_check_and_a_dataset_no_rows() -> None:
    shelf = Shelf.make()
    gates = keyspace.gates(shelf.dataset.workspace, shelf.dataset.id)
    assert shelf.vault.catalog.get_many(gates) == {}
    archive(shelf)
    assert len(shelf.vault.catalog.get_many(gates)) == keyspace.GATE_SHARDS
    restore(shelf)
    assert shelf.vault.catalog.get_many(gates) == {}


@pytest.mark.parametrize("shard", range(keyspace.GATE_SHARDS))
def test_one_shut_gate_is_met_by_writers_sooner_or_later(shard: int) -> None:
    """Each gate is drawn by somebody: none of them could be left out."""
    shelf = Shelf.make()
    gate = keyspace.gate(shelf.dataset.workspace, shelf.dataset.id, shard)
    shelf.vault.catalog.put_many([Put(gate, {})])
    with pytest.raises(Conflict, match="is archived"):
        _append_often(shelf)


def _append_often(shelf: Shelf) -> None:
    for number in range(500):
        shelf.append({"a": a_body(f"{number}")})


def test_a_request_made_before_is_answered_as_it_was() -> None:
    shelf = Shelf.make()
    receipt = shelf.append({"a": a_body("a")}, request=a_request("append"))
    made = shelf.commit(request=a_request("commit"))
    archive(shelf)
    assert shelf.append({"a": a_body("a")}, request=a_request("append")) == receipt
    assert shelf.commit(request=a_request("commit")) == made


def test_a_commit_under_way_waits_for_the_restoring() -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("a")})
    crashing = ChaosVault(
        shelf.vault, lambda _, method: Fault.CRASH_AFTER if method == "write" else Fault.NONE
    )
    with pytest.raises(Crash):
        shelf.on(crashing).commit("m", request=a_request("commit"))
    archive(shelf)
    with pytest.raises(Conflict, match="is archived"):
        shelf.commit("m", request=a_request("commit"))
    assert shelf.all() == {"a": a_body("a")}
    restore(shelf)
    assert shelf.commit("m", request=a_request("commit")).message == "m"
    assert shelf.history()[0].message == "m"


def test_who_writes_may_not_archive() -> None:
    shelf = Shelf.make(MemoryVault())
    writer = Caller("w", shelf.caller.workspace, frozenset({Role.WRITER}), "c")
    for do in (archive, restore):
        with pytest.raises(Denied):
            do(Shelf(shelf.vault, writer, shelf.dataset))
