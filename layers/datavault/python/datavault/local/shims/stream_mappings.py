"""What Lambda promises of a DynamoDB stream and the emulator does not keep.

A function may answer which records of a batch failed, and is given the first of those and all
behind it again (``ReportBatchItemFailures``). A batch that makes the function fail is halved
(``BisectBatchOnFunctionError``), and given up after ``MaximumRetryAttempts``:
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

The emulator takes any answer for success and retries a failing batch for ever. Here its own poll
goes on reading and moving along the stream; what it is told of a batch is put right.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import lambda_svc as functions

from datavault.local.shims.misfit import replace

PARTIAL = "ReportBatchItemFailures"
PAUSE_S = 0.2
FOR_EVER = -1

type Record = Mapping[str, Any]
type Execute = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Handed:
    """What came of handing a batch to the function: how many of it are done, and the answer."""

    done: int
    answer: dict[str, Any]


def install() -> None:
    """Hand batches over as Lambda does."""
    execute: Execute = replace(functions, "_execute_function", None)

    def execute_batch(function: Mapping[str, Any], event: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        records = (event.get("Records") if isinstance(event, Mapping) else None) or []
        mapping = _mapping_of(records) if records else None
        if mapping is None:
            return execute(function, event, *rest, **named)
        return _hand_over_all(execute, function, mapping, records)

    replace(functions, "_execute_function", execute_batch)


def _mapping_of(records: Sequence[Record]) -> Mapping[str, Any] | None:
    """The mapping that a batch of a DynamoDB stream comes by."""
    if records[0].get("eventSource") != "aws:dynamodb":
        return None
    source = records[0].get("eventSourceARN")
    for _, _, mapping in functions._iter_all_esms():
        if mapping.get("EventSourceArn") == source:
            found: Mapping[str, Any] = mapping
            return found
    return None


def _hand_over_all(
    execute: Execute,
    function: Mapping[str, Any],
    mapping: Mapping[str, Any],
    records: Sequence[Record],
) -> dict[str, Any]:
    """The answer to the last of a batch, when all of it is done or given up."""
    left, size, failures = list(records), len(records), 0
    answer: dict[str, Any] = {}
    while left and mapping["UUID"] in functions._esms:
        handed = _hand_over(execute, function, mapping, left[:size])
        answer = handed.answer
        if handed.done:
            left = left[handed.done :]
            size, failures = len(left), 0
            continue
        failures += 1
        if answer.get("error") and size > 1 and mapping.get("BisectBatchOnFunctionError"):
            size = (size + 1) // 2
        retries = int(mapping.get("MaximumRetryAttempts", FOR_EVER))
        if retries != FOR_EVER and failures > retries:
            functions._send_ddb_stream_failure_record(
                mapping,
                function,
                left[:size],
                mapping["EventSourceArn"],
                answer,
                "RetryAttemptsExhausted",
            )
            left = left[size:]
            size, failures = len(left), 0
        time.sleep(PAUSE_S)
    return {name: value for name, value in answer.items() if name != "error"}


def _hand_over(
    execute: Execute,
    function: Mapping[str, Any],
    mapping: Mapping[str, Any],
    records: Sequence[Record],
) -> _Handed:
    answer = execute(function, {"Records": list(records)})
    if answer.get("error"):
        return _Handed(0, answer)
    body = answer.get("body")
    if PARTIAL not in mapping.get("FunctionResponseTypes", ()) or not isinstance(body, Mapping):
        return _Handed(len(records), answer)
    failed = {each["itemIdentifier"] for each in body.get("batchItemFailures") or ()}
    places = (
        place
        for place, record in enumerate(records)
        if record["dynamodb"]["SequenceNumber"] in failed
    )
    return _Handed(next(places, len(records)), answer)
