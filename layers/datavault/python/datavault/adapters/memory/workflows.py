"""Executions in memory: what was started, and how a test says that it went."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from datavault.ports import Execution

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
# Step Functions takes 256 KiB of input.
_PAYLOAD_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Started:
    """One execution."""

    machine: str
    name: str
    payload: Mapping[str, str]


class MemoryWorkflows:
    """Keeps ``ports.Workflows``. Nothing runs by itself: ``started`` is what somebody is to run,
    and ``end`` says how it went.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._executions: dict[tuple[str, str], tuple[Started, Execution]] = {}

    @property
    def started(self) -> list[Started]:
        """Every execution, in the order in which they were started."""
        with self._lock:
            return [started for started, _ in self._executions.values()]

    def end(self, machine: str, name: str, outcome: Execution) -> None:
        """Let an execution be over."""
        with self._lock:
            started, _ = self._executions[machine, name]
            self._executions[machine, name] = started, outcome

    def start(self, machine: str, name: str, payload: Mapping[str, str]) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"an execution's name of {len(name)} characters is not one")
        if len(json.dumps(dict(payload))) > _PAYLOAD_BYTES_MAX:
            raise ValueError("a payload is too large")
        with self._lock:
            began = Started(machine, name, dict(payload)), Execution.RUNNING
            self._executions.setdefault((machine, name), began)

    def find(self, machine: str, name: str) -> Execution | None:
        with self._lock:
            found = self._executions.get((machine, name))
            return None if found is None else found[1]

    def stop(self, machine: str, name: str, *, reason: str) -> None:
        with self._lock:
            found = self._executions.get((machine, name))
            if found is not None and found[1] is Execution.RUNNING:
                self._executions[machine, name] = found[0], Execution.FAILED
