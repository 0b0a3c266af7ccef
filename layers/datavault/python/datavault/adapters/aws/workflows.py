"""Step Functions: an execution's name is the job's id, which makes starting it idempotent.

Step Functions remembers a name for 90 days after its execution has ended, and a job is started
within minutes of being asked for: a name is never met anew.
"""

import json
from collections.abc import Mapping

from datavault.adapters.aws.answers import ExecutionAnswer, Nothing
from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.errors import AwsError, translated
from datavault.ports import Execution

_STATES = {
    "RUNNING": Execution.RUNNING,
    "PENDING_REDRIVE": Execution.RUNNING,
    "SUCCEEDED": Execution.SUCCEEDED,
    "FAILED": Execution.FAILED,
    "TIMED_OUT": Execution.FAILED,
    "ABORTED": Execution.FAILED,
}
_SUBJECT = "the state machine"


class StepFunctions:
    """Keeps ``ports.Workflows`` for the state machines whose ARNs begin with ``prefix``.

    The machine ``ingest_objects`` is then ``<prefix>ingest-objects``.
    """

    def __init__(self, client: JsonClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def start(self, machine: str, name: str, payload: Mapping[str, str]) -> None:
        request = {
            "stateMachineArn": self._machine(machine),
            "name": name,
            "input": json.dumps(dict(payload), separators=(",", ":")),
        }
        try:
            self._client.call("StartExecution", request, Nothing)
        except AwsError as error:
            # It is over already, or an earlier attempt of ours was received after all.
            if error.code != "ExecutionAlreadyExists":
                raise translated(error, _SUBJECT) from error

    def find(self, machine: str, name: str) -> Execution | None:
        request = {"executionArn": self._execution(machine, name)}
        try:
            found = self._client.call("DescribeExecution", request, ExecutionAnswer)
        except AwsError as error:
            if error.code == "ExecutionDoesNotExist":
                return None
            raise translated(error, _SUBJECT) from error
        return _STATES[found.status]

    def stop(self, machine: str, name: str, *, reason: str) -> None:
        request = {"executionArn": self._execution(machine, name), "cause": reason}
        try:
            self._client.call("StopExecution", request, Nothing)
        except AwsError as error:
            if error.code == "ExecutionDoesNotExist":
                return
            # Of one that is over it may say that the request is not valid.
            if self.find(machine, name) is Execution.RUNNING:
                raise translated(error, _SUBJECT) from error

    def _machine(self, machine: str) -> str:
        return self._prefix + machine.replace("_", "-")

    def _execution(self, machine: str, name: str) -> str:
        arn = self._machine(machine).replace(":stateMachine:", ":execution:")
        return f"{arn}:{name}"
