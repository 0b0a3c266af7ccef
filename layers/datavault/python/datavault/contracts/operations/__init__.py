"""THE table: operation, method, path, action, body, reply, status, function, grants.

Routes (``infra.api``), permissions (``infra.grants``), OpenAPI (``contracts.openapi``), the client
and the tests are all derived from it. An operation's name is also its service function's, its
metric's and its ``operationId``; its function is a module under ``functions/`` and the Lambda
handler string is that module's ``handler``. The rows of a capability stand in a module of its name.
"""

from datavault.contracts.operations import datasets, health, ingest, jobs, records, versions
from datavault.contracts.operations.rows import (
    HTML,
    JSON,
    NDJSON,
    PROBLEM,
    Grant,
    Method,
    Operation,
    Task,
)
from datavault.contracts.operations.tasks import TASKS

__all__ = [
    "HTML",
    "JSON",
    "NDJSON",
    "OPERATIONS",
    "PROBLEM",
    "TASKS",
    "Grant",
    "Method",
    "Operation",
    "Task",
    "operation",
]

OPERATIONS: tuple[Operation, ...] = (
    *datasets.ROWS,
    *records.ROWS,
    *versions.ROWS,
    *jobs.ROWS,
    *ingest.ROWS,
    *health.ROWS,
)


def operation(name: str) -> Operation:
    """The row of that name; a ``KeyError`` for a name that is not in the table."""
    return _BY_NAME[name]


_BY_NAME = {row.name: row for row in OPERATIONS}
