"""Which tests share a process, so that what is costly to set up is set up once."""

from pathlib import Path

import pytest

# One deployment, one synthesis of all stages, one local cloud for the tests of its services.
SHARING = ("e2e", "infra", "local", "contract")
TESTS = Path(__file__).parent


# Before xdist, which reads the marks, does the same.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests by folder where it shares a set-up, by file elsewhere; the longest first."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        group = folder if folder in SHARING else item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "e2e" not in item.path.relative_to(TESTS).parts)
