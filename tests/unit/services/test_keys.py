"""Keys in memory: how long, how often, and what it means that a KEK is disabled."""

import pytest

from datavault.adapters.memory.keyring import MemoryKeyring
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.access import Caller, Role
from datavault.domain.errors import Corrupt, Unauthenticated, Unavailable
from datavault.domain.ids import WorkspaceId
from datavault.domain.rows import Attributes, Put
from datavault.services import keys as service
from datavault.services.keys import (
    HELD_MS,
    describe_store_keys,
    open_store,
    open_workspace,
    store_context,
)
from tests.support.builders import Process, Shelf, a_body
from tests.support.chaos import ChaosVault, Fault


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("a")})
    return made


def kek_of(shelf: Shelf) -> str:
    return open_workspace(shelf.vault, shelf.caller)[0].kek


def keyring_of(shelf: Shelf) -> MemoryKeyring:
    found = shelf.vault.keyring
    assert isinstance(found, MemoryKeyring)
    return found


def test_a_disabled_kek_stops_reads_within_five_minutes(shelf: Shelf) -> None:
    fresh = shelf.on(Process(shelf.vault))
    assert fresh.get("a") == a_body("a")
    kek = kek_of(shelf)
    keyring_of(shelf).disable(kek)
    shelf.vault.clock.sleep(HELD_MS / 1000 - 0.001)
    assert fresh.get("a") == a_body("a")
    shelf.vault.clock.sleep(0.001)
    for _ in range(2):
        with pytest.raises(Unavailable):
            fresh.get("a")
        with pytest.raises(Unavailable):
            fresh.append({"b": a_body("b")})
        with pytest.raises(Unavailable):
            fresh.history()
        with pytest.raises(Unavailable):
            fresh.all(limit=1)
    keyring_of(shelf).enable(kek)
    assert fresh.get("a") == a_body("a")


def test_keys_are_unwrapped_once_and_again_after_five_minutes(shelf: Shelf) -> None:
    unwrapped = 0

    def count(port: str, method: str) -> Fault:
        nonlocal unwrapped
        unwrapped += (port, method) == ("keyring", "unwrap")
        return Fault.NONE

    fresh = shelf.on(ChaosVault(shelf.vault, count))
    for _ in range(50):
        fresh.get("a")
    assert unwrapped == 2
    shelf.vault.clock.sleep(HELD_MS / 1000)
    fresh.get("a")
    assert unwrapped == 4


def test_keys_are_unwrapped_again_after_so_many_uses(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "USES_MAX", 3)
    fresh = shelf.on(Process(shelf.vault))
    fresh.get("a")
    keyring_of(shelf).disable(kek_of(shelf))
    for _ in range(3):
        fresh.get("a")
    with pytest.raises(Unavailable):
        fresh.get("a")


def test_a_token_for_a_workspace_that_is_not_there_proves_nothing(shelf: Shelf) -> None:
    stranger = Caller("x", WorkspaceId("ws_none"), frozenset(Role), "c")
    with pytest.raises(Unauthenticated, match="does not exist"):
        open_workspace(shelf.vault, stranger)


def test_operators_see_a_stores_wrapped_keys(shelf: Shelf) -> None:
    rows = describe_store_keys(shelf.vault, shelf.dataset)
    assert [(row.text("purpose"), row.number("epoch")) for row in rows] == [("dek", 1), ("id", 0)]
    assert {row.text("kek") for row in rows} == {kek_of(shelf)}
    assert all(len(row.binary("wrapped")) > 32 for row in rows)


def test_a_second_epoch_seals_and_the_first_still_opens(shelf: Shelf) -> None:
    shelf.append({"b": a_body("b", 5000)})
    shelf.commit()
    workspace, _ = open_workspace(shelf.vault, shelf.caller)
    context = store_context(workspace.id, shelf.dataset.store, "dek", 2)
    _, wrapped = shelf.vault.keyring.generate(workspace.kek, context)
    attributes: Attributes = {
        "purpose": "dek",
        "epoch": 2,
        "kek": workspace.kek,
        "wrapped": wrapped,
    }
    key = keyspace.store_key(workspace.id, shelf.dataset.store, "dek", 2)
    shelf.vault.catalog.put_many([Put(key, attributes)])
    newer = shelf.on(Process(shelf.vault))
    assert open_store(newer.vault, shelf.dataset).epoch == 2
    assert newer.all() == {"a": a_body("a"), "b": a_body("b", 5000)}
    newer.append({"c": a_body("c", 5000)})
    newer.commit("second")
    assert newer.all() == {"a": a_body("a"), "b": a_body("b", 5000), "c": a_body("c", 5000)}
    # Who has not heard of the new epoch yet refuses rather than to guess.
    with pytest.raises(Corrupt, match="no data key of epoch 2"):
        shelf.get("c")
    shelf.vault.clock.sleep(HELD_MS / 1000)
    assert shelf.get("c") == a_body("c", 5000)


def test_workspaces_do_not_meet() -> None:
    vault = MemoryVault()
    here, there = Shelf.make(vault), Shelf.make(vault)
    assert kek_of(here) != kek_of(there)
    keyring_of(here).disable(kek_of(here))
    assert there.on(Process(vault)).all() == {}
