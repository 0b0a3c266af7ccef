"""For all tests: modules are compiled once, and the garbage collector leaves alone what stays."""

import gc
import os
import sys
from collections.abc import Generator

import pytest

# The tests start hundreds of processes. Where the machine's own setting is to keep no compiled
# modules (containers do), each of them would compile all that it imports: a fifth of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


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
