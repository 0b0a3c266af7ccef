"""Clients of a vault in memory, through the real handlers."""

from collections.abc import Callable, Iterator

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.client import Vault
from datavault.domain.ids import WorkspaceId
from datavault.ports import Claims
from datavault.services.workspaces import create_workspace
from tests.support.builders import OPERATOR
from tests.support.in_process import InProcessApi

ENDPOINT = "https://vault.test/_aws/execute-api/abc/live"


@pytest.fixture(autouse=True)
def nobodys_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever runs the tests may have a vault of their own."""
    for name in ("ENDPOINT", "TOKEN", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "PROFILE"):
        monkeypatch.delenv(f"DATAVAULT_{name}", raising=False)
    folder = tmp_path_factory.mktemp("nobody")
    monkeypatch.setenv("DATAVAULT_PROFILES", str(folder / "profiles.toml"))


@pytest.fixture
def api() -> InProcessApi:
    return InProcessApi(MemoryVault())


@pytest.fixture
def workspace(api: InProcessApi) -> WorkspaceId:
    return create_workspace(api.vault, operator=OPERATOR, name="acme", stage="test").id


@pytest.fixture
def token_of(api: InProcessApi, workspace: WorkspaceId) -> Callable[..., str]:
    def issue(role: str = "admin", *, lifetime_s: int = 900) -> str:
        expires_s = api.vault.clock.now_ms() // 1000 + lifetime_s
        return api.vault.tokens.issue(
            Claims("ada", workspace, (role,), mfa=False, expires_s=expires_s)
        )

    return issue


@pytest.fixture
def vault(api: InProcessApi, token_of: Callable[..., str]) -> Iterator[Vault]:
    with Vault(endpoint=ENDPOINT, token=token_of(), transport=api) as made:
        yield made
