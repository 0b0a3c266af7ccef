"""Every port on every adapter: each test here runs on the twin and on AWS's interfaces.

AWS is played by the local cloud, one for a session (and for a worker of pytest-xdist).
``-k memory`` runs without it. Tests share tables, bucket and cloud, so each uses names of its own.
"""

import uuid
from collections.abc import Iterator

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.ports import Catalog, Clock, Keyring, Landing, Objects, Vault, Workflows
from tests.contract.played import AwsPlayed, play_aws
from tests.contract.rows import Write

ADAPTERS = ("memory", "aws")


@pytest.fixture(scope="session")
def aws() -> Iterator[AwsPlayed]:
    """AWS's interfaces on a loopback port, with the vault's tables and bucket made."""
    with play_aws() as played:
        yield played


@pytest.fixture(params=ADAPTERS)
def vault(request: pytest.FixtureRequest) -> Vault:
    """One of each port."""
    if request.param == "memory":
        return MemoryVault()
    played: AwsPlayed = request.getfixturevalue("aws")
    return played.vault


@pytest.fixture
def catalog(vault: Vault) -> Catalog:
    return vault.catalog


@pytest.fixture
def objects(vault: Vault) -> Objects:
    return vault.objects


@pytest.fixture
def keyring(vault: Vault) -> Keyring:
    return vault.keyring


@pytest.fixture
def workflows(vault: Vault) -> Workflows:
    return vault.workflows


@pytest.fixture
def landing(vault: Vault) -> Landing:
    return vault.landing


@pytest.fixture
def clock(vault: Vault) -> Clock:
    return vault.clock


@pytest.fixture
def write(catalog: Catalog) -> Write:
    """One attempt at a transaction of these changes."""
    return lambda *changes: catalog.write(changes, token=str(uuid.uuid4()))


@pytest.fixture
def name() -> str:
    """A name no other test has."""
    return uuid.uuid4().hex
