"""A scripted server for each test of a client."""

from collections.abc import Iterator

import pytest

from tests.unit.adapters.scripted import ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running
