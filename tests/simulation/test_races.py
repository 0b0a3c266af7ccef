"""Threads: eight writers and two committers on one branch."""

import sys
from collections.abc import Iterator

import pytest

from datavault.adapters.memory.vault import MemoryVault
from tests.support.races import race


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Let threads take turns a thousand times more often than usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("frequent_switches")
def test_writers_and_committers_neither_lose_nor_double_anything() -> None:
    raced = race(MemoryVault())
    assert raced.batches == 8 * 12
    assert raced.commits >= 1


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("times", range(3))
def test_many_committers_agree(times: int) -> None:
    raced = race(MemoryVault(), writers=3, committers=5, batches=8, sizes=(1, 2))
    assert raced.batches == 24
