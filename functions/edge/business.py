"""What the vault is used for, as numbers: how many records and commits an operation made.

And what was found while it went well: a verification that meets corruption answers with it.

Counts only, never ids or content. A request that is repeated under its ``Idempotency-Key`` is
answered as it was the first time and counts again: these are for trends, not for bills.
"""

from collections.abc import Callable, Mapping
from typing import Any

from functions.edge.requests import Event
from functions.edge.responses import Outcome
from functions.edge.telemetry import CORRUPT

RECORDS_APPENDED = "records_appended"
RECORDS_DELETED = "records_deleted"
COMMITS_MADE = "commits_made"
BYTES_IN = "bytes_in"
# Objects that asked for a job and got none, not even one that failed.
DROPS_REFUSED = "drops_refused"
COUNTS = (RECORDS_APPENDED, RECORDS_DELETED, COMMITS_MADE, BYTES_IN)

_COUNTS: Mapping[str, Callable[[Any], Mapping[str, int]]] = {
    "append_records": lambda reply: {RECORDS_APPENDED: reply.count},
    "delete_record": lambda _: {RECORDS_DELETED: 1},
    "restore_record": lambda reply: {RECORDS_APPENDED: reply.count},
    "create_commit": lambda _: {COMMITS_MADE: 1},
    # Each rings as those do that a read meets.
    "verify_version": lambda reply: {CORRUPT: len(reply.corrupt)},
    **dict.fromkeys(
        ("merge_refs", "cherry_pick_commit", "revert_commit"),
        # Nothing to merge, or a branch moved forward, makes none.
        lambda reply: {COMMITS_MADE: 1} if reply.outcome == "committed" else {},
    ),
}


def counts_of(operation: str, event: Event, outcome: Outcome) -> dict[str, int]:
    """The metrics of an operation that went well."""
    made = _COUNTS[operation](outcome) if operation in _COUNTS else {}
    return {**made, BYTES_IN: _body_bytes(event)}


def _body_bytes(event: Event) -> int:
    """The body's size as it was sent; bodies of text are ASCII but for a few letters."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return len(body) * 3 // 4 - body[-2:].count("=")
    return len(body)
