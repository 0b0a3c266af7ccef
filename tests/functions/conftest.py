from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.services.workspaces import create_workspace
from functions.datasets import create
from tests.functions.events import Client
from tests.support.builders import OPERATOR


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def client(vault: MemoryVault) -> Client:
    return Client(vault, create_workspace(vault, operator=OPERATOR, name="acme", stage="test").id)


@pytest.fixture
def dataset_id(client: Client) -> Any:
    return client(create.handler, json_body={"name": "chats"}).json["id"]
