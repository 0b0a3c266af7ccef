"""For all tests: what would be made twice is made once."""

import gc
import os
import sys
from collections.abc import Generator

import pytest
from xdist.scheduler import LoadScopeScheduling

# The tests start hundreds of processes. Where the machine's own setting is to keep no compiled
# modules (containers do), each of them would compile all that it imports: a fifth of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Folders whose tests share what takes long to make: a deployed vault, the synthesized stages.
SHARING = ("tests/e2e/", "tests/infra/")


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores, as one of them mostly waits for the cloud that it started."""
    return (os.cpu_count() or 1) + 1


def _scope(test: str) -> str:
    """What stays in one process: of a folder that shares all tests, else those of a file."""
    shared = (folder for folder in SHARING if test.startswith(folder))
    return next(shared, test.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Instead of what ``--dist`` names."""
    scheduler = LoadScopeScheduling(config, log)
    # The method that is there to be overridden; the library has no types to derive from.
    scheduler._split_scope = _scope
    return scheduler


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Gathering tests makes objects by the hundred thousand, and none of them is garbage: looking
    for some took a quarter of that time, and more at the end.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
