"""The faults themselves: no world is worse than the one they stand for."""

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.rows import Key, Put, Row, Table
from tests.support.chaos import AtCall, ChaosVault, Fault

KEY = Key(Table.STAGING, "partition", "sort")


def test_a_row_is_torn_for_no_longer_than_a_patient_reader_waits() -> None:
    """Seed 3278: a list that needed nothing but torn rows read them ten times, for a second."""
    vault = MemoryVault()

    def somebody() -> dict[Key, Row | None]:
        vault.catalog.put_many([Put(KEY, {"sealed": b"row"})])
        return {KEY: None}

    torn = ChaosVault(vault, AtCall(0, Fault.TORN), somebody)
    found = []
    for read in range(10):
        torn.clock.sleep(0.02 * read)
        found.append(KEY in torn.catalog.get_many([KEY]))
    assert not found[0]
    assert found[-1]
