"""The command, started as people start it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

DATAVAULT = str(Path(sys.executable).with_name("datavault"))
# Nothing of a caller's AWS account gets into what a test starts.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "PYTHONPATH",
    "XDG_CACHE_HOME",
    "COVERAGE_PROCESS_START",
    "COVERAGE_FILE",
)


def run(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What came of it, with these variables beside those that it inherits."""
    return subprocess.run(
        [DATAVAULT, *arguments],
        env={**inherited(), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def inherited() -> dict[str, str]:
    """The variables of this process that a command may see."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def environment_in(folder: Path) -> dict[str, str]:
    """For what keeps its files in a folder, by whose name it is found again."""
    return {**inherited(), "TMPDIR": str(folder), "E2E_MARK": str(folder)}
