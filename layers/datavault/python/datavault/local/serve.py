"""``datavault local``: a vault that stays up until it is interrupted."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from datavault.domain import keyspace
from datavault.domain.ids import WorkspaceId
from datavault.local.cloud import LocalCloud
from datavault.local.vault import DeployedVault, deploy_vault
from datavault.local.workspace import admit_again, make_workspace, operator_vault

# Tokens of a real issuer live 15 minutes; nobody wants to fetch one so often on a laptop.
TOKEN_LIFETIME_S = 12 * 3600
ROLES = ["admin"]
# What a first request asks for: in a new vault a dataset, in one with data what there is.
CREATE = """ \\
    -H 'Content-Type: application/json' -d '{"name": "first", "record_key": "id"}'"""
LIST = ""


def serve(
    say: Callable[[str], None],
    *,
    port: int,
    state: Path | None,
    doing: Callable[[str], None] = lambda _: None,
) -> None:
    """Start, deploy, say how to use it, wait for Ctrl-C (or SIGTERM), stop.

    With ``state`` the vault's contents outlive it. ``doing`` is told of each step as it begins.

    Raises:
        OSError: the port cannot be taken.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    started = time.perf_counter()
    doing("Starting the cloud ...")
    with LocalCloud.start(port=port, state=state) as cloud:
        doing("Deploying the vault; the first time its layers are built, which takes minutes ...")
        deployed = deploy_vault(cloud)
        workspace, is_new = _workspace(cloud, deployed)
        token = cloud.issuer.token(
            workspace=workspace, roles=ROLES, subject="you@vault.test", lifetime_s=TOKEN_LIFETIME_S
        )
        say(_welcome(deployed.api_url, workspace, token, time.perf_counter() - started))
        say(_first_request(deployed.api_url, token, CREATE if is_new else LIST))
        say("Ctrl-C stops it." if state else "Ctrl-C stops it, and its data are gone then.")
        stop.wait()
        say("Stopping.")


def _workspace(cloud: LocalCloud, deployed: DeployedVault) -> tuple[WorkspaceId, bool]:
    """The workspace of this state, and whether it was made just now.

    A cloud that was killed has kept the note and perhaps not the workspace.
    """
    vault = operator_vault(cloud, deployed)
    noted = cloud.home / "workspace"
    if noted.exists():
        known = WorkspaceId(noted.read_text())
        if vault.catalog.get(keyspace.workspace(known)) is not None:
            admit_again(vault, known)
            return known, False
    made = make_workspace(vault, "local")
    noted.write_text(made)
    return made, True


def _welcome(api_url: str, workspace: str, token: str, took_s: float) -> str:
    return f"""The vault is up after {took_s:.1f} s.

  API        {api_url}/api/v1
  docs       {api_url}/docs
  workspace  {workspace}
  token      {token}
  sign in    datavault login --endpoint {api_url}    (and paste the token)
"""


def _first_request(api_url: str, token: str, options: str) -> str:
    return f"""Try:

  export TOKEN={token}
  curl -s {api_url}/api/v1/datasets -H "Authorization: Bearer $TOKEN"{options}
"""
