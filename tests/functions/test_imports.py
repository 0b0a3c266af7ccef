"""A function imports all that it needs by itself.

In the local cloud functions start from a snapshot that has imported much already, and tests of
one process import everything: neither would miss an import that a function does not make.
"""

import subprocess
import sys

import pytest

from datavault.contracts.operations import OPERATIONS, TASKS, Operation, Task

ROWS: tuple[Operation | Task, ...] = (*OPERATIONS, *TASKS)

# Third-party packages are imported once, nothing of ours; each module is then alone in a fork.
SCRIPT = """
import importlib, os, sys
for name in ("numpy", "pydantic", "cryptography.hazmat.primitives.ciphers.aead", "msgspec",
             "aws_lambda_powertools.logging", "boto3", "zstandard", "blake3", "obstore"):
    importlib.import_module(name)
assert not [name for name in sys.modules if name.partition(".")[0] in ("datavault", "functions")]
failed = []
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            importlib.import_module(name).handler
            code = 0
        except BaseException as error:
            print(name, type(error).__name__, error, file=sys.stderr)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    if status:
        failed.append(name)
sys.exit(f"not alone: {failed}" if failed else 0)
"""


def alone(*modules: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *modules], capture_output=True, text=True, check=False
    )


def test_functions_of_each_capability_are_imported_alone() -> None:
    """The first and the last of each, as all of them take longer than most files of tests."""
    of: dict[str, list[str]] = {}
    for row in ROWS:
        of.setdefault(row.capability, []).append(row.function)
    done = alone(*(name for own in of.values() for name in {own[0], own[-1]}))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", ["functions.nowhere", "functions.edge.caller"])
def test_a_module_that_is_no_function_is_noticed(module: str) -> None:
    done = alone(module)
    assert done.returncode == 1
    assert module in done.stderr
