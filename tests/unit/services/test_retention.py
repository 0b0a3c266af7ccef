"""The sweep: nothing early, everything in the end, and a crash only delays it."""

from typing import Any, cast

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.ids import BranchName
from datavault.domain.rows import Table
from datavault.domain.staging import KEPT_AFTER_COMMIT_MS
from datavault.ports import Vault
from datavault.services.retention import Swept, sweep_staging
from tests.simulation.model import rows_of
from tests.support.builders import MAIN, Process, Shelf, a_body
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault

HOUR_S = KEPT_AFTER_COMMIT_MS / 1000
DEV = BranchName("dev")


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("a"), "b": a_body("b", 5000)})
    made.append({f"r{number:03d}": a_body("r") for number in range(130)})
    return made


def staged_rows(shelf: Shelf) -> int:
    return len(rows_of(shelf.vault.catalog, Table.STAGING))


def staged_objects(shelf: Shelf) -> int:
    return sum("/staged/" in key for key in shelf.vault.objects.keys(""))


def queue(shelf: Shelf) -> int:
    rows = rows_of(shelf.vault.catalog, Table.CATALOG)
    return sum(row.key.partition.startswith("sweep/") for row in rows)


def test_nothing_is_swept_before_its_hour(shelf: Shelf) -> None:
    expected = shelf.all()
    shelf.vault.clock.sleep(10 * HOUR_S)
    assert sweep_staging(shelf.vault) == Swept(0, 0, 0)
    shelf.commit()
    shelf.vault.clock.sleep(HOUR_S - 0.001)
    assert sweep_staging(shelf.vault) == Swept(0, 0, 0)
    assert staged_rows(shelf) > 130
    assert shelf.all() == expected


def test_a_committed_generation_is_swept_after_its_hour(shelf: Shelf) -> None:
    expected = shelf.all()
    shelf.commit()
    shelf.vault.clock.sleep(HOUR_S)
    # 132 changes, three batch rows (the second batch needs two), one object of large bodies.
    assert sweep_staging(shelf.vault) == Swept(1, 132 + 3, 1)
    assert (staged_rows(shelf), staged_objects(shelf), queue(shelf)) == (0, 0, 0)
    assert shelf.on(Process(shelf.vault)).all() == expected
    assert sweep_staging(shelf.vault) == Swept(0, 0, 0)


def test_what_was_staged_since_is_not_swept(shelf: Shelf) -> None:
    shelf.commit()
    shelf.append({"later": a_body("later", 6000)})
    expected = shelf.all()
    shelf.vault.clock.sleep(HOUR_S)
    assert sweep_staging(shelf.vault).generations == 1
    assert shelf.all() == expected
    shelf.commit("second")
    assert shelf.all() == expected


def test_a_deleted_branch_is_swept(shelf: Shelf) -> None:
    shelf.create_branch("dev")
    shelf.append({"x": a_body("x", 7000)}, branch=DEV)
    before = staged_rows(shelf)
    shelf.delete_branch("dev")
    expected = shelf.all()
    assert sweep_staging(shelf.vault) == Swept(0, 0, 0)
    shelf.vault.clock.sleep(HOUR_S)
    assert sweep_staging(shelf.vault) == Swept(1, 2, 1)
    assert staged_rows(shelf) == before - 2
    assert shelf.all() == expected


def test_what_a_lost_race_left_is_swept_with_its_generation(shelf: Shelf) -> None:
    """Rows of a large batch whose transaction never happened."""
    calls = 0

    def crash_before_the_transaction(port: str, method: str) -> Fault:
        nonlocal calls
        calls += 1
        return Fault.CRASH_BEFORE if method == "write" else Fault.NONE

    crashing = ChaosVault(shelf.vault, crash_before_the_transaction)
    with pytest.raises(Crash):
        shelf.on(crashing).append({f"lost{number}": a_body("x") for number in range(130)})
    assert len(shelf.all()) == 132
    shelf.commit()
    assert len(shelf.all()) == 132
    shelf.vault.clock.sleep(HOUR_S)
    sweep_staging(shelf.vault)
    assert staged_rows(shelf) == 0


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER], ids=lambda f: f.name)
def test_a_sweep_that_ends_in_the_middle_is_gone_on_with(fault: Fault) -> None:
    shelf = Shelf.make()
    shelf.append({f"r{number:03d}": a_body("r", 4100 * (number % 2)) for number in range(95)})
    expected = shelf.all()
    shelf.commit()
    shelf.vault.clock.sleep(HOUR_S)
    crashed = 0
    for call in range(0, 200, 3):
        chaos = ChaosVault(shelf.vault, AtCall(call, fault))
        try:
            sweep_staging(chaos)
        except Crash:
            crashed += 1
        assert shelf.on(Process(shelf.vault)).all() == expected
        if queue(shelf) == 0:
            break
        assert staged_rows(shelf) + staged_objects(shelf) + queue(shelf) > 0
    sweep_staging(shelf.vault)
    assert (staged_rows(shelf), staged_objects(shelf), queue(shelf)) == (0, 0, 0)
    assert crashed > 5


class Hurrying:
    """A vault whose clock goes on by three minutes each time somebody looks at it."""

    def __init__(self, vault: MemoryVault) -> None:
        self._vault = vault
        self.clock = self

    def now_ms(self) -> int:
        self._vault.clock.advance(180)
        return self._vault.clock.now_ms()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)


def test_a_run_ends_in_time_and_the_next_takes_the_rest() -> None:
    shelf = Shelf.make()
    for number in range(10):
        shelf.append({"a": a_body(f"{number}")})
        shelf.commit(f"{number}")
        shelf.vault.clock.sleep(1)
    shelf.vault.clock.sleep(HOUR_S)

    assert 0 < sweep_staging(cast(Vault, Hurrying(cast(MemoryVault, shelf.vault)))).generations < 10
    sweep_staging(shelf.vault)
    assert (staged_rows(shelf), queue(shelf)) == (0, 0)
    assert shelf.all() == {"a": a_body("9")}


def test_a_generation_of_many_pages_is_swept_whole() -> None:
    shelf = Shelf.make()
    for batch in range(5):
        shelf.append({f"{batch}/{number}": a_body("x", 3900) for number in range(1000)})
    shelf.commit()
    shelf.vault.clock.sleep(HOUR_S)
    assert sweep_staging(shelf.vault).rows == 5000 + 5 * 8
    assert staged_rows(shelf) == 0
    assert len(shelf.all(limit=1000)) == 5000
    assert MAIN == "main"
