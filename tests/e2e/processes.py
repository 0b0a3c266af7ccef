"""The processes in which a local cloud runs functions: found by their output, killed by id."""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from datavault.local.cloud import LocalCloud
from tests.e2e.deployment import Elsewhere

GONE_S_MAX = 5.0


def functions_of(cloud: LocalCloud, *rows: str) -> list[int]:
    """The processes of these rows' functions that this cloud, and no other, has started now."""
    if isinstance(cloud, Elsewhere):
        return []
    names = "|".join(row.replace("_", "-") for row in rows)
    # What a function prints goes to a file in a folder of its name.
    printing = re.compile(
        rf"{re.escape(str(cloud.home))}/scratch/datavault-local-({names})-\w{{8}}/.*"
    )
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if printing.fullmatch(os.readlink(entry / "fd" / "1")):
                found.append(int(entry.name))
    return sorted(found)


def kill(process: int) -> None:
    """``kill -9``, and wait until it runs no more; its parent collects it."""
    with suppress(OSError):
        os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + GONE_S_MAX
        while time.monotonic() < deadline and not _has_ended(Path(f"/proc/{process}")):
            time.sleep(0.001)


def _has_ended(entry: Path) -> bool:
    """It is a zombie, and its other threads are gone, for which its parent waits too."""
    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z" and len(list((entry / "task").iterdir())) == 1
