"""Which tests run in one process: those of a file, and those of the deployed vault."""

import pytest


# Before xdist, which writes the groups down.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deploying a vault and starting its functions costs more than most tests of it: one process
    does it for all of them, and the others share out the files that are left."""
    for item in items:
        shares = "deployed" in getattr(item, "fixturenames", ())
        group = "the deployed vault" if shares else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
