"""A dataset, and the pipeline that takes files into it; a module that needs others says so."""

import pytest

from datavault.adapters.memory.vault import MemoryVault
from tests.simulation.ingest_jobs import Pipeline
from tests.support.builders import Process, Shelf


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def shelf(vault: MemoryVault) -> Shelf:
    return Shelf.make(vault, record_key="id")


@pytest.fixture
def pipeline(vault: MemoryVault, shelf: Shelf) -> Pipeline:
    return Pipeline(shelf, lambda: Process(vault))
