"""THE table: operation, method, path, action, body, reply, status, function, grants.

Routes (``infra.api``), permissions (``infra.grants``), OpenAPI (``contracts.openapi``), the client
and the tests are all derived from it. An operation's name is also its service function's, its
metric's and its ``operationId``; its function is a module under ``functions/`` and the Lambda
handler string is that module's ``handler``. The rows of a capability stand in a module of its name,
and a function imports those of its own: the models of all take a tenth of its start.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

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

CAPABILITIES = ("datasets", "records", "versions", "jobs", "ingest", "health")

OPERATIONS: tuple[Operation, ...]
"""All rows. Made when first asked for, as ``TASKS`` are, which no route reaches."""
TASKS: tuple[Task, ...]


def operation(name: str) -> Operation:
    """The row of that name; a ``KeyError`` for a name that is not in the table."""
    return _by_name()[name]


def operation_of(capability: str, name: str) -> Operation:
    """The row of that name in a capability, without importing the others.

    Raises:
        KeyError: there is no such row.
    """
    return {row.name: row for row in _rows(capability)}[name]


if not TYPE_CHECKING:  # It would make every name one that there is.

    def __getattr__(name: str) -> object:
        match name:
            case "OPERATIONS":
                return _operations()
            case "TASKS":
                return import_module(f"{__name__}.tasks").TASKS
        raise AttributeError(f"module {__name__} has no attribute {name}")


@cache
def _operations() -> tuple[Operation, ...]:
    return tuple(row for capability in CAPABILITIES for row in _rows(capability))


@cache
def _by_name() -> dict[str, Operation]:
    return {row.name: row for row in _operations()}


def _rows(capability: str) -> tuple[Operation, ...]:
    rows: tuple[Operation, ...] = import_module(f"{__name__}.{capability}").ROWS
    return rows
