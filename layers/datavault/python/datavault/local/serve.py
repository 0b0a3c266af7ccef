"""``datavault local``: a vault that stays up until it is interrupted."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from datavault.domain.ids import WorkspaceId
from datavault.local.cloud import LocalCloud
from datavault.local.vault import DeployedVault, deploy_vault
from datavault.local.workspace import operator_vault
from datavault.services.workspaces import create_workspace

# Tokens of a real issuer live 15 minutes; nobody wants to fetch one so often on a laptop.
TOKEN_LIFETIME_S = 12 * 3600
ROLES = ["admin"]


def serve(say: Callable[[str], None], *, port: int, state: Path | None) -> None:
    """Start, deploy, say how to use it, wait for Ctrl-C (or SIGTERM), stop.

    With ``state`` the vault's contents outlive it.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    started = time.perf_counter()
    with LocalCloud.start(port=port, state=state) as cloud:
        deployed = deploy_vault(cloud)
        workspace = _workspace(cloud, deployed)
        token = cloud.issuer.token(
            workspace=workspace, roles=ROLES, subject="you@vault.test", lifetime_s=TOKEN_LIFETIME_S
        )
        say(_welcome(deployed.api_url, workspace, token, time.perf_counter() - started))
        say("Ctrl-C stops it." if state else "Ctrl-C stops it, and its data are gone then.")
        stop.wait()
        say("Stopping.")


def _workspace(cloud: LocalCloud, deployed: DeployedVault) -> WorkspaceId:
    """The workspace of this state, made the first time."""
    noted = cloud.home / "workspace"
    if noted.exists():
        return WorkspaceId(noted.read_text())
    made = create_workspace(operator_vault(cloud, deployed), name="local", stage="local")
    noted.write_text(made.id)
    return made.id


def _welcome(api_url: str, workspace: str, token: str, took_s: float) -> str:
    return f"""The vault is up after {took_s:.1f} s.

  API        {api_url}/api/v1
  docs       {api_url}/docs
  workspace  {workspace}
  token      {token}

Try:

  export VAULT_TOKEN={token}
  curl -s {api_url}/api/v1/datasets -H "Authorization: Bearer $VAULT_TOKEN" \\
    -H 'Content-Type: application/json' -d '{{"name": "first", "record_key": "id"}}'
"""
