"""Jobs that were started on a memory vault, run from the state machine that ships."""

from typing import Any

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import VaultError
from datavault.ports import Execution
from tests.simulation.ingest_jobs import FILE, FUNCTIONS
from tests.support.asl import ExecutionFailed, Machine


def run_started(vault: MemoryVault) -> int:
    """Run what was started and has not been run; how many jobs that were."""
    ran = 0
    for started in vault.workflows.started:
        if vault.workflows.find(started.machine, started.name) is not Execution.RUNNING:
            continue
        ran += 1
        try:
            Machine.load(FILE, lambda name, given: _step(vault, name, given)).run(
                dict(started.payload)
            )
            outcome = Execution.SUCCEEDED
        except ExecutionFailed:
            outcome = Execution.FAILED
        vault.workflows.end(started.machine, started.name, outcome)
    return ran


def _step(vault: MemoryVault, name: str, given: Any) -> Any:
    try:
        return FUNCTIONS[name].run(vault, given)
    except VaultError as error:
        raise ExecutionFailed(type(error).__name__) from error
