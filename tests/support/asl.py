"""Runs a state machine file in process, so that a workflow is tested as it is shipped.

Covers the part of Amazon States Language that our files use, in JSONata: Task, Map, Choice, Pass,
Succeed and Fail, with Retry, Catch, Assign and Output. Anything else raises, so that a file cannot
quietly use what is not simulated. What is passed on goes through JSON, as it does on AWS.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonata.jsonata import Jsonata

STATE_BYTES_MAX = 256 * 1024
STEPS_MAX = 10_000
_KNOWN = {
    "Task": {"Resource", "Arguments", "TimeoutSeconds"},
    "Map": {"Items", "ItemSelector", "MaxConcurrency", "ToleratedFailureCount", "ItemProcessor"},
    "Choice": {"Choices", "Default"},
    "Pass": set(),
    "Succeed": set(),
    "Fail": {"Error", "Cause"},
}
_COMMON = {"Type", "Comment", "Next", "End", "Output", "Assign", "Retry", "Catch"}

type Json = Any
type Call = Callable[[str, Json], Json]


class ExecutionFailed(Exception):
    """The execution ended in a Fail state, or with an error that nothing caught."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass
class Machine:
    """A file, and who calls its functions: ``call(state, payload)`` by the state's name."""

    definition: Mapping[str, Json]
    call: Call
    shuffle: Callable[[list[Json]], list[Json]] = lambda items: items
    trail: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path, call: Call) -> "Machine":
        return cls(json.loads(path.read_text()), call)

    def run(self, payload: Json) -> Json:
        """The output of one execution."""
        assert self.definition["QueryLanguage"] == "JSONata"
        return self._run(self.definition, payload)

    def _run(self, machine: Mapping[str, Json], data: Json) -> Json:
        variables: dict[str, Json] = {}
        name: str | None = machine["StartAt"]
        for _ in range(STEPS_MAX):
            assert name is not None
            state = machine["States"][name]
            unknown = set(state) - _COMMON - _KNOWN[state["Type"]]
            assert not unknown, f"{name} has what is not simulated: {unknown}"
            self.trail.append(name)
            name, data = self._step(name, state, _passed_on(data), variables)
            if name is None:
                return data
        raise ExecutionFailed("States.Runtime")

    def _step(
        self, name: str, state: Mapping[str, Json], data: Json, variables: dict[str, Json]
    ) -> tuple[str | None, Json]:
        match state["Type"]:
            case "Succeed":
                return None, data
            case "Fail":
                raise ExecutionFailed(state["Error"])
            case "Choice":
                for choice in state["Choices"]:
                    if evaluate(choice["Condition"], {"input": data}, variables):
                        return choice["Next"], data
                return state["Default"], data
            case "Pass":
                return self._leave(state, {"input": data}, variables, data)
        try:
            result = self._attempts(name, state, data, variables)
        except ExecutionFailed as failed:
            for rule in state.get("Catch", ()):
                if _matches(rule, failed.error):
                    said = {"Error": failed.error, "Cause": ""}
                    scope = {"input": data, "errorOutput": said}
                    return rule["Next"], evaluate(rule.get("Output", said), scope, variables)
            raise
        return self._leave(state, {"input": data, "result": result}, variables, result)

    def _attempts(
        self, name: str, state: Mapping[str, Json], data: Json, variables: dict[str, Json]
    ) -> Json:
        tries: dict[int, int] = {}
        while True:
            try:
                return self._once(name, state, data, variables)
            except ExecutionFailed as failed:
                for index, rule in enumerate(state.get("Retry", ())):
                    if _matches(rule, failed.error):
                        tries[index] = tries.get(index, 0) + 1
                        if tries[index] > rule["MaxAttempts"]:
                            raise
                        break
                else:
                    raise

    def _once(
        self, name: str, state: Mapping[str, Json], data: Json, variables: dict[str, Json]
    ) -> Json:
        if state["Type"] == "Map":
            return self._map(state, data, variables)
        payload = evaluate(state["Arguments"]["Payload"], {"input": data}, variables)
        return {"Payload": _passed_on(self.call(name, _passed_on(payload)))}

    def _map(self, state: Mapping[str, Json], data: Json, variables: dict[str, Json]) -> Json:
        items = _listed(evaluate(state["Items"], {"input": data}, variables))
        payloads = []
        for index, item in enumerate(items):
            context = {"Map": {"Item": {"Index": index, "Value": item}}}
            scope = {"input": data, "context": context}
            payloads.append(evaluate(state["ItemSelector"], scope, variables))
        done: dict[int, Json] = {}
        for index, payload in self.shuffle(list(enumerate(payloads))):
            try:
                done[index] = self._run(state["ItemProcessor"], payload)
            except ExecutionFailed:
                raise ExecutionFailed("States.ExceedToleratedFailureThreshold") from None
        return _passed_on([done[index] for index in range(len(payloads))])

    def _leave(
        self,
        state: Mapping[str, Json],
        scope: Mapping[str, Json],
        variables: dict[str, Json],
        default: Json,
    ) -> tuple[str | None, Json]:
        output = evaluate(state["Output"], scope, variables) if "Output" in state else default
        assigned = evaluate(state.get("Assign", {}), scope, variables)
        variables.update(assigned)
        return None if state.get("End") else state["Next"], output


def evaluate(template: Json, states: Mapping[str, Json], variables: Mapping[str, Json]) -> Json:
    """A template with its JSONata expressions evaluated."""
    match template:
        case dict():
            return {key: evaluate(each, states, variables) for key, each in template.items()}
        case list():
            return [evaluate(each, states, variables) for each in template]
        case str() if template.startswith("{%"):
            return _parsed(template).evaluate(None, {"states": states, **variables})
        case _:
            return template


def states_of(machine: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Every state of a machine, those within a Map too."""
    for name, state in machine["States"].items():
        yield name, state
        if state["Type"] == "Map":
            yield from states_of(state["ItemProcessor"])


@cache
def _parsed(template: str) -> Jsonata:
    """Parsing takes longer than evaluating, and a simulation evaluates each a thousand times."""
    return Jsonata(template.removeprefix("{%").removesuffix("%}").strip())


def _matches(rule: Mapping[str, Json], error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _listed(items: Json) -> list[Json]:
    # JSONata makes one of a list of one.
    return list(items) if isinstance(items, list) else [] if items is None else [items]


def _passed_on(data: Json) -> Json:
    text = json.dumps(data)
    if len(text.encode()) > STATE_BYTES_MAX:
        raise ExecutionFailed("States.DataLimitExceeded")
    return json.loads(text)
