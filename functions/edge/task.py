"""``@task``: a Lambda function that no route reaches: schedules, state machines, the authorizer.

A ``VaultError`` propagates, and its class name is what ``ErrorEquals`` matches. Of any other
failure only the type does, as ``Failed``: Lambda logs the message of what a function raises, and
messages of others may quote the data they choked on. This module
imports no wire shapes, so that the authorizer starts without pydantic; a test compares the names
with ``TASKS``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from datavault import wiring
from datavault.domain.errors import VaultError
from datavault.ports import Vault
from functions.edge.telemetry import Observation, correlation_id_of

type Payload = Mapping[str, Any]
type Result = dict[str, Any]
type Handle = Callable[[Vault, Payload], Result]

# What a failure counts as in metrics: our fault, or the payload's.
_OK, _REFUSED, _FAILED = 200, 400, 500
_FAULTS = frozenset({"corrupt", "unavailable", VaultError.code})


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a task that did not fail: a code, and what it counted."""

    code: str = "ok"
    counts: Mapping[str, int] = field(default_factory=dict)


class Failed(Exception):
    """Something that is no ``VaultError`` went wrong; its type, and the log line has the rest."""


class Task:
    """The Lambda handler of one task: call it with a payload, or ``run`` it on a given vault."""

    def __init__(
        self, name: str, handle: Handle, *, told: Callable[[Result], Told] = lambda _: Told()
    ) -> None:
        """``told`` reads from an answer what is said of it."""
        self.name = name
        self._handle = handle
        self._told = told

    def __call__(self, payload: Payload, context: object) -> Result:
        """Run on this process's vault."""
        return self._run(wiring.vault, payload, getattr(context, "aws_request_id", None))

    def run(self, vault: Vault, payload: Payload) -> Result:
        """Run on ``vault``."""
        return self._run(lambda: vault, payload, None)

    def _run(self, vault: Callable[[], Vault], payload: Payload, request_id: str | None) -> Result:
        correlation_id = correlation_id_of(payload.get("correlation_id"), request_id)
        observed = Observation(self.name, correlation_id)
        try:
            result = self._handle(vault(), payload)
        except VaultError as error:
            status = _FAILED if error.code in _FAULTS else _REFUSED
            observed.report(error.code, status=status, failure=error)
            raise
        except Exception as error:  # noqa: BLE001  # It goes on, as `Failed`.
            observed.report(VaultError.code, status=_FAILED, failure=error)
            raise Failed(type(error).__qualname__) from None
        told = self._told(result)
        observed.report(told.code, status=_OK, counts=told.counts)
        return result


def task(
    name: str, *, told: Callable[[Result], Told] = lambda _: Told()
) -> Callable[[Handle], Task]:
    """Make a handler the Lambda function of the task of that name."""

    def decorate(handle: Handle) -> Task:
        return Task(name, handle, told=told)

    return decorate
