"""Workspaces: made by operators, with AWS credentials of their own; there is no route to them."""

from datavault.domain import keyspace
from datavault.domain.datasets import Workspace
from datavault.domain.ids import WorkspaceId, new_id
from datavault.domain.rows import Absent, Put
from datavault.domain.usage import UsageLimits, usage_identifier
from datavault.ports import UsagePlans, Vault
from datavault.services.keys import workspace_context


def create_workspace(vault: Vault, *, name: str, stage: str) -> Workspace:
    """Make a KEK and a workspace whose keys it wraps.

    A crash in between leaves a KEK that nothing refers to; its tags say so, and the operator can
    schedule its deletion.
    """
    now_ms = vault.clock.now_ms()
    ws = WorkspaceId(new_id("ws", now_ms))
    kek = vault.keyring.create(
        description=f"LLM Data Vault: keys of workspace {ws}",
        tags={"datavault:stage": stage, "datavault:workspace": ws},
    )
    _, wrapped = vault.keyring.generate(kek, workspace_context(ws))
    workspace = Workspace(ws, name, kek, wrapped, now_ms)
    vault.catalog.write(
        [Put(keyspace.workspace(ws), workspace.attributes(), Absent())], token=ws[-36:]
    )
    return workspace


def admit_workspace(plans: UsagePlans, ws: WorkspaceId, *, limits: UsageLimits | None) -> None:
    """Let the API take the workspace's requests: within ``limits``, or the stage's if ``None``.

    Until this is done the API refuses them all (``denied``). It may be repeated, with other
    limits too; the new ones hold within a minute or so.
    """
    plans.admit(ws, usage_identifier(ws), limits)
