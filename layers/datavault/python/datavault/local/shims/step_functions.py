"""What Step Functions promises and the emulator does not keep.

Starting a running execution again, with its name and input, is no error but the same answer. Input
and every state's result have 256 KiB at most:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from datavault.local.shims.misfit import replace

STATE_BYTES_MAX = 256 * 1024

type Response = Any


def install() -> None:
    """Make starting idempotent, and refuse what is too large to be passed on."""
    start = replace(stepfunctions, "_start_execution", None)
    replace(stepfunctions, "_start_execution", _idempotent(start))
    for name in ("_execute_task", "_execute_map", "_execute_parallel"):
        replace(stepfunctions, name, _limited(replace(stepfunctions, name, None)))


def _idempotent(
    start: Callable[[dict[str, Any]], Response],
) -> Callable[[dict[str, Any]], Response]:
    def start_once(request: dict[str, Any]) -> Response:
        payload = request.get("input", "{}")
        if len(payload.encode()) > STATE_BYTES_MAX:
            return stepfunctions.error_response_json(
                "InvalidExecutionInput", "Input is longer than 262144 bytes", 400
            )
        running = _running(request)
        if running is None or running["input"] != payload:
            return start(request)
        answer = {"executionArn": running["executionArn"], "startDate": running["startDate"]}
        return json_response(answer)

    return start_once


def _running(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The running execution of the machine and name that are asked for."""
    machine = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    for execution in list(stepfunctions._executions.values()):
        if (execution["stateMachineArn"], execution["name"]) == (machine, request.get("name")):
            return execution if execution["status"] == "RUNNING" else None
    return None


def _limited(execute: Callable[..., Any]) -> Callable[..., Any]:
    def execute_limited(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        result, following = execute(*arguments, **named)
        size = len(json.dumps(result).encode())
        if size > STATE_BYTES_MAX:
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded",
                f"the state's result has {size} bytes, at most {STATE_BYTES_MAX} are passed on",
            )
        return result, following

    return execute_limited
