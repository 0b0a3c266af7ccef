"""One cloud for all tests of a worker."""

from collections.abc import Iterator

import pytest

from datavault.local.cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.start() as running:
        yield running
