"""What ``ports.Workflows`` promises."""

import time
from collections.abc import Callable

import pytest

from datavault.adapters.memory.workflows import MemoryWorkflows
from datavault.ports import Execution, Workflows

type Settle = Callable[[str, str], Execution | None]
ENDS = {"succeeds": Execution.SUCCEEDED, "fails": Execution.FAILED}


@pytest.fixture
def settle(workflows: Workflows) -> Settle:
    """How an execution stands once its machine has had time to end."""

    def wait(machine: str, name: str) -> Execution | None:
        if isinstance(workflows, MemoryWorkflows):
            workflows.end(machine, name, ENDS[machine])
        for _ in range(200):
            found = workflows.find(machine, name)
            if found is not Execution.RUNNING:
                return found
            time.sleep(0.05)
        return Execution.RUNNING

    return wait


def test_what_was_never_started_is_not_found(workflows: Workflows, name: str) -> None:
    assert workflows.find("waits", name) is None
    workflows.stop("waits", name, reason="it never was")
    assert workflows.find("waits", name) is None


def test_what_was_started_runs_until_it_is_stopped(workflows: Workflows, name: str) -> None:
    workflows.start("waits", name, {"job": name})
    assert workflows.find("waits", name) is Execution.RUNNING
    for _ in range(2):
        workflows.stop("waits", name, reason="a test's")
        assert workflows.find("waits", name) is Execution.FAILED


def test_starting_twice_starts_once(workflows: Workflows, name: str) -> None:
    for _ in range(3):
        workflows.start("waits", name, {"job": name})
    assert workflows.find("waits", name) is Execution.RUNNING
    workflows.stop("waits", name, reason="a test's")
    workflows.start("waits", name, {"job": name})
    assert workflows.find("waits", name) is Execution.FAILED


@pytest.mark.parametrize(("machine", "end"), ENDS.items())
def test_an_execution_says_how_it_ended(
    workflows: Workflows, name: str, settle: Settle, machine: str, end: Execution
) -> None:
    workflows.start(machine, name, {})
    assert settle(machine, name) is end
    workflows.start(machine, name, {})
    workflows.stop(machine, name, reason="it is over")
    assert workflows.find(machine, name) is end


def test_machines_have_names_of_their_own(workflows: Workflows, name: str) -> None:
    workflows.start("waits", name, {})
    assert workflows.find("succeeds", name) is None
    workflows.stop("waits", name, reason="a test's")
