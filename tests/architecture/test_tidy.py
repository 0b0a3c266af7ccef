"""What no type checker sees: one place and one name for each thing, and nothing too long."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from datavault.client.generator.__main__ import FOLDER
from datavault.client.generator.__main__ import modules as generated_modules
from datavault.contracts.operations import OPERATIONS, TASKS, Operation, Task
from datavault.domain import errors
from datavault.domain.errors import VaultError

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/datavault/python/datavault"
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Longer than a module or a function should be, with the length they have: they may only shrink.
LONG_MODULES: dict[str, int] = {}
LONG_FUNCTIONS = {
    "infra/function.py:__init__": 73,
}
# A request to AWS is signed with the time of the machine that sends it; credentials run out, and
# so do idle connections. None of these times is stored.
SIGNERS = {
    "adapters/aws/client.py",
    "adapters/aws/connections.py",
    "adapters/aws/credentials.py",
    "adapters/aws/objects.py",
}

# Answered without the vault, from the process or the table itself: no service to call.
WITHOUT_SERVICE = {"check_live", "describe_api", "browse_docs"}


ROWS: tuple[Operation | Task, ...] = (*OPERATIONS, *TASKS)


@cache
def modules() -> dict[str, ast.Module]:
    """Every module that ships or deploys, by its path."""
    paths = [
        path
        for folder in (LIBRARY, ROOT / "functions", ROOT / "infra")
        for path in sorted(folder.rglob("*.py"))
    ]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def inside(path: str, *folders: str) -> bool:
    library = str(LIBRARY.relative_to(ROOT))
    return any(path.startswith((f"{library}/{folder}", folder)) for folder in folders)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for an attribute of an attribute of a name; empty for anything else."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
        case _:
            return ""


@cache
def uses(tree: ast.Module) -> frozenset[str]:
    """Every dotted name that a module uses, its own names for what it imports undone."""
    nodes = list(ast.walk(tree))
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.asname or each.name: each.name for each in node.names}
    used = {dotted(node) for node in nodes if isinstance(node, ast.Attribute | ast.Name)}
    parts = (each.partition(".") for each in used)
    return frozenset(
        names.get(first, first) + (f".{rest}" if rest else "") for first, _, rest in parts
    )


def imports(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def where(predicate: Callable[[ast.Module], bool]) -> list[str]:
    return [path for path, tree in modules().items() if predicate(tree)]


def test_the_environment_is_read_in_wiring_only() -> None:
    """And in what runs beside the vault rather than in it: local cloud, command, client, infra."""
    readers = where(
        lambda tree: any(
            each.startswith(("os.environ", "os.getenv", "os.putenv")) for each in uses(tree)
        )
    )
    beside = [path for path in readers if inside(path, "local/", "cli/", "client/", "infra/")]
    assert sorted(set(readers) - set(beside)) == [
        path for path in [str((LIBRARY / "wiring.py").relative_to(ROOT))] if path in readers
    ]


def test_the_time_is_asked_of_a_clock_only() -> None:
    told = {"time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow"}
    told |= {"datetime.datetime.today", "datetime.date.today"}
    tellers = where(lambda tree: any(each in told for each in uses(tree)))
    inner = [
        path
        for path in tellers
        if inside(path, "domain/", "services/", "contracts/", "ports.py", "functions/")
    ]
    assert inner == []
    outer = {
        path.rpartition("datavault/")[2]
        for path in tellers
        if inside(path, "adapters/", "wiring.py")
    }
    # A breaker and the issuer's keys age by the clock on the wall, as connections do: see there.
    oidc = {"adapters/oidc/jwks.py", "adapters/oidc/tokens.py"}
    assert outer <= {"adapters/aws/clock.py", "adapters/breaker.py", *oidc, *SIGNERS}


def test_randomness_enters_the_domain_where_it_is_drawn_and_nowhere_else() -> None:
    drawn = ("os.urandom", "secrets.", "random.", "uuid.uuid")
    found = where(lambda tree: any(each.startswith(drawn) for each in uses(tree)))
    inner = {
        path.rpartition("datavault/")[2]
        for path in found
        if inside(path, "domain/", "services/", "contracts/", "ports.py")
    }
    assert inner == {
        "domain/ids.py",
        "domain/crypto/sealing.py",
        "domain/store/pack.py",
        "services/attempts.py",
    }


def test_boto3_is_imported_by_adapters_and_wiring_only() -> None:
    found = where(lambda tree: bool(imports(tree) & {"boto3", "botocore", "obstore"}))
    assert [
        path
        for path in found
        if not inside(path, "adapters/", "wiring.py", "local/", "cli/", "client/")
    ] == []


def test_the_domain_prints_and_logs_nothing() -> None:
    found = where(
        lambda tree: (
            bool(imports(tree) & {"logging"}) or any(each == "print" for each in uses(tree))
        )
    )
    assert [path for path in found if inside(path, "domain/", "services/", "ports.py")] == []


def every_error() -> list[type[VaultError]]:
    found: list[type[VaultError]] = []
    upcoming = [VaultError]
    while upcoming:
        upcoming += (children := upcoming.pop().__subclasses__())
        found += children
    return [each for each in found if each.__module__ == errors.__name__]


def test_every_error_has_a_status() -> None:
    problems = importlib.import_module("functions.edge.problems")
    for kind in every_error():
        assert any(parent in problems.STATUSES for parent in kind.__mro__), kind.__name__
    own = [kind for kind in every_error() if kind.__base__ is VaultError]
    assert {*problems.STATUSES} >= {*own}
    assert all(kind in every_error() for kind in problems.STATUSES)


def test_every_error_is_drawn_and_has_a_code_of_its_own() -> None:
    """One name everywhere: ``StagingFull`` in code is ``staging_full`` in a problem document."""
    assert errors.__doc__ is not None
    codes = [kind.code for kind in every_error()]
    assert len(set(codes)) == len(codes) >= 13
    for kind in every_error():
        assert f" {kind.__name__} " in errors.__doc__
        words = "".join(f"_{char.lower()}" if char.isupper() else char for char in kind.__name__)
        assert kind.code == words.removeprefix("_")


def services_of(row: Operation | Task) -> Iterator[ModuleType]:
    """The services of a capability: a module, or a package with a module for each kind of thing."""
    service = importlib.import_module(f"datavault.services.{row.capability}")
    yield service
    for found in pkgutil.iter_modules(getattr(service, "__path__", ())):
        yield importlib.import_module(f"{service.__name__}.{found.name}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_has_its_function_and_its_service(row: Operation | Task) -> None:
    handler = ROOT / f"{row.function.replace('.', '/')}.py"
    assert handler.is_file()
    assert row.function.split(".")[:2] == ["functions", row.capability]
    if row.name in WITHOUT_SERVICE:
        assert row.grants == frozenset(), "what touches the vault goes through a service"
        return
    assert any(callable(getattr(module, row.name, None)) for module in services_of(row)), (
        f"services/{row.capability} has no {row.name}"
    )
    assert f"{row.name}(" in handler.read_text(), f"{row.function} does not call {row.name}"


def test_every_function_file_has_a_row() -> None:
    files = {
        f"functions.{path.parent.name}.{path.stem}"
        for path in (ROOT / "functions").glob("*/*.py")
        if path.stem != "__init__" and path.parent.name != "edge"
    }
    assert files == {row.function for row in ROWS}


def test_rows_have_names_of_their_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    routes = [(row.method, row.path) for row in OPERATIONS]
    assert len(set(routes)) == len(routes)


def test_the_keyspace_alone_spells_keys() -> None:
    """Whoever makes a ``Key`` elsewhere only changes the sort of one that the keyspace made."""
    spelled: list[str] = []
    words: tuple[str, ...] = ("workspace/", "dataset/", "staged/", "batches/", "head/", "commits/")
    words += ("store/", "request/", "sweep/", "packs/", "commit-job/", "branch/", "names/")
    words += ("jobs/", "open-jobs/", "job-parts/", "events/")
    for path, tree in modules().items():
        if not inside(path, "domain/", "services/") or path.endswith("keyspace.py"):
            continue
        spelled += [
            f"{path}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            and isinstance(first := node.values[0], ast.Constant)
            and str(first.value).startswith(words)
        ]
    assert spelled == []


def test_keys_are_made_in_the_keyspace_and_its_neighbours_only() -> None:
    makers = [
        path.rpartition("datavault/")[2]
        for path, tree in modules().items()
        if inside(path, "domain/", "services/")
        and any(
            isinstance(node, ast.Call) and dotted(node.func) == "Key" for node in ast.walk(tree)
        )
    ]
    assert sorted(makers) == ["domain/keyspace.py", "domain/refs.py"]


def test_no_module_is_too_long() -> None:
    """What the generator writes is as long as the table: nobody edits it, a test compares it."""
    written = {str((FOLDER / path).relative_to(ROOT)) for path in generated_modules()}
    long = {
        path: count
        for path in modules().keys() - written
        if (count := len((ROOT / path).read_text().splitlines())) > MODULE_LINES_MAX
    }
    assert {path for path in long if long[path] > LONG_MODULES.get(path, 0)} == set(), long


def test_no_function_is_too_long() -> None:
    long = {
        f"{path}:{node.name}": size
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert {name for name in long if long[name] > LONG_FUNCTIONS.get(name, 0)} == set(), long


def test_nothing_catches_everything() -> None:
    """Below the edges, an error that nobody knows goes through."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        if inside(path, "domain/", "services/", "ports.py", "adapters/memory/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in {"Exception", "BaseException"})
    ]
    assert found == []


def test_no_hash_tag_is_used_twice() -> None:
    """A tag stands for one use of one key."""
    tags: dict[bytes | str, list[str]] = {}
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, bytes | str):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                if text.startswith("io.llm-data-vault/"):
                    tags.setdefault(text, []).append(path.rpartition("datavault/")[2])
    doubled = {tag: found for tag, found in tags.items() if len(found) > 1}
    assert doubled == {}


def test_the_arrows_point_one_way() -> None:
    """import-linter's contracts, from pyproject.toml."""
    # In a process of its own: it switches off every logger that exists.
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def readme_examples() -> list[str]:
    """The examples of README.md that say of themselves that they run: ```` ```python run ````."""
    readme = ROOT / "README.md"
    found: list[str] = []
    block: list[str] | None = None
    for line in readme.read_text().splitlines() if readme.is_file() else []:
        if block is None and line.startswith("```python") and "run" in line.split()[1:]:
            block = []
        elif block is not None and line.startswith("```"):
            found.append("\n".join(block))
            block = None
        elif block is not None:
            block.append(line)
    return found


def test_the_readmes_examples_run() -> None:
    for example in readme_examples():
        exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
