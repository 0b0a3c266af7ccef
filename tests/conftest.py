"""Which tests run in one process: those of a file, and all that share the deployed vault."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Deploying a vault and starting its functions costs more than most tests of it: one process does
# it for all of them, and the others share out the files that are left.
DEPLOYED = "tests/e2e/"


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file goes to one process, and so do all files of the deployed vault.

    Rejected: xdist's marks of groups, which its version 3.8 loses under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        scope: str = DEPLOYED if nodeid.startswith(DEPLOYED) else super()._split_scope(nodeid)
        return scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """The scheduling of this project."""
    return Scheduling(config, log)
