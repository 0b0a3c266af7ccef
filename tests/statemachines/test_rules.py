"""What every state machine file keeps."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from datavault.contracts.operations import TASKS
from infra.workflows import FOLDER
from tests.support.asl import states_of

FILES = sorted(FOLDER.glob("*.asl.json"))
by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
TIMEOUTS = {
    "".join(word.capitalize() for word in task.name.split("_")): task.timeout_s for task in TASKS
}


def tasks(path: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in states_of(json.loads(path.read_text())):
        if state["Type"] == "Task":
            yield name, state


def test_there_are_files() -> None:
    assert FILES


@by_file
def test_a_state_is_named_as_its_function(path: Any) -> None:
    for name, state in tasks(path):
        assert state["Arguments"]["FunctionName"] == f"${{{name}FunctionArn}}"
        assert name in TIMEOUTS


@by_file
def test_a_task_outlasts_its_function_and_no_more(path: Any) -> None:
    for name, state in tasks(path):
        assert TIMEOUTS[name] < state["TimeoutSeconds"] <= TIMEOUTS[name] + 60, name


@by_file
def test_retries_are_bounded_jittered_and_by_name(path: Any) -> None:
    for name, state in tasks(path):
        assert state["Retry"], name
        for rule in state["Retry"]:
            assert "States.ALL" not in rule["ErrorEquals"], name
            assert (rule["IntervalSeconds"], rule["MaxDelaySeconds"]) == (1, 32), name
            assert (rule["BackoffRate"], rule["JitterStrategy"]) == (2, "FULL"), name
            assert 1 <= rule["MaxAttempts"] <= 6, name


@by_file
def test_every_way_ends(path: Any) -> None:
    machine = json.loads(path.read_text())
    reached, upcoming = set(), [machine["StartAt"]]
    while upcoming:
        name = upcoming.pop()
        if name in reached:
            continue
        reached.add(name)
        state = machine["States"][name]
        upcoming += [rule["Next"] for rule in (*state.get("Choices", ()), *state.get("Catch", ()))]
        upcoming += [state[way] for way in ("Next", "Default") if way in state]
        assert state["Type"] in {"Succeed", "Fail"} or "Next" in state or "Default" in state, name
    assert reached == machine["States"].keys()


@by_file
def test_what_fails_is_cleaned_up(path: Any) -> None:
    """Once a job is known, every failure leads to the step that ends it."""
    machine = json.loads(path.read_text())
    unknown = {"OpenDrop", "AbortIngest"}
    for name, state in machine["States"].items():
        if state["Type"] in {"Task", "Map"} and name not in unknown:
            (rule,) = state["Catch"]
            assert rule["ErrorEquals"] == ["States.ALL"], name
            assert rule["Next"] in {"AbortIngest", "Done"}, name
