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
# What of a distributed map is no expression here.
_PLAIN = {"Label", "MaxConcurrency", "Next", "End", "ToleratedFailureCount"}

type Response = Any


def install() -> None:
    """Make starting idempotent, refuse what is too large, and let maps evaluate JSONata."""
    start = replace(stepfunctions, "_start_execution", None)
    replace(stepfunctions, "_start_execution", _idempotent(start))
    for name in ("_execute_task", "_execute_map", "_execute_parallel"):
        replace(stepfunctions, name, _limited(replace(stepfunctions, name, None)))
    mapped = replace(stepfunctions, "_run_distributed_map", None)
    replace(stepfunctions, "_run_distributed_map", _evaluated(mapped))


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


def _evaluated(run: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the emulator, which knows JSONPath there, what the expressions of a state come to."""

    def run_evaluated(
        state: dict[str, Any],
        given: object,
        effective: object,
        iterator: object,
        execution: object,
        context: dict[str, Any],
    ) -> Any:  # noqa: ANN401
        if stepfunctions._state_query_language(state, context) != "JSONata":
            return run(state, given, effective, iterator, execution, context)
        items = stepfunctions._jsonata_state_field(state, "Items", "array", given, context)
        selected = [_selected(state, given, item, context) for item in enumerate(items)]
        plain = {name: state[name] for name in _PLAIN & state.keys()}
        results, following = run(plain, given, selected, iterator, execution, context)
        output = stepfunctions._apply_jsonata_output(
            state, given, context, result=results, default=results
        )
        stepfunctions._apply_state_assign(state, given, context, result=results)
        return output, following

    return run_evaluated


def _selected(
    state: dict[str, Any], given: object, item: tuple[int, object], context: dict[str, Any]
) -> object:
    """The input of an item's execution."""
    index, value = item
    if "ItemSelector" not in state:
        return value
    seen = {**context, "Map": {"Item": {"Index": index, "Value": value}}}
    return stepfunctions._apply_jsonata_template(state["ItemSelector"], given, seen)
