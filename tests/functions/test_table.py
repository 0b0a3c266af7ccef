"""The table, the files and the statuses say the same."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import functions
from datavault.contracts.openapi import PROBLEMS
from datavault.contracts.operations import OPERATIONS, TASKS, Operation
from datavault.contracts.operations import Task as TaskRow
from datavault.domain.errors import VaultError
from functions.edge.http import Endpoint
from functions.edge.problems import STATUSES, status_of
from functions.edge.task import Task

FOLDER = Path(functions.__path__[0])
HANDLER_LINES_MAX = 40


def kinds(root: type[VaultError]) -> Iterator[type[VaultError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_a_row_has_a_function_that_answers_it(row: Operation) -> None:
    handler = import_module(row.function).handler
    assert isinstance(handler, Endpoint)
    assert handler.row is row


def test_a_function_starts_with_the_rows_of_its_own_capability_alone() -> None:
    program = "import sys, functions.records.get; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER.parent, capture_output=True, check=True
    ).stdout.decode()
    table = f"{Operation.__module__.rpartition('.')[0]}."
    rows = {name.removeprefix(table) for name in loaded.split() if name.startswith(table)}
    assert rows == {"records", "rows"}


@pytest.mark.parametrize("row", TASKS, ids=lambda row: row.name)
def test_a_task_has_a_function_that_runs_it(row: TaskRow) -> None:
    handler = import_module(row.function).handler
    assert isinstance(handler, Task)
    assert handler.name == row.name


def test_no_file_under_functions_is_without_a_row() -> None:
    files = {
        ".".join(("functions", *file.relative_to(FOLDER).with_suffix("").parts))
        for file in FOLDER.rglob("*.py")
        if file.name != "__init__.py" and file.relative_to(FOLDER).parts[0] != "edge"
    }
    assert files == {row.function for row in OPERATIONS} | {row.function for row in TASKS}


@pytest.mark.parametrize(
    "module", [row.function for row in OPERATIONS] + [row.function for row in TASKS]
)
def test_a_handler_is_short(module: str) -> None:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    (handler,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"
    )
    assert handler.end_lineno is not None
    assert handler.end_lineno - handler.lineno < HANDLER_LINES_MAX


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_a_kind_of_error_has_its_status(kind: type[VaultError]) -> None:
    assert status_of(kind("a message")) == STATUSES[kind]


def test_every_kind_of_error_has_a_status() -> None:
    without = [kind for kind in kinds(VaultError) if not set(kind.__mro__) & set(STATUSES)]
    assert without == []


def test_the_document_gives_problems_the_statuses_they_have() -> None:
    statuses = {kind.code: status for kind, status in STATUSES.items()}
    for code, (status, _) in PROBLEMS.items():
        assert statuses.get(code, 500) == status
