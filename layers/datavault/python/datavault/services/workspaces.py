"""Workspaces: made by operators, with AWS credentials of their own; there is no route to them."""

from datavault.domain import keyspace, ledger
from datavault.domain.access import Operator
from datavault.domain.datasets import Workspace
from datavault.domain.ids import WorkspaceId, new_id
from datavault.domain.rows import Absent, Put
from datavault.domain.usage import UsageLimits, usage_identifier
from datavault.ports import UsagePlans, Vault
from datavault.services.keys import workspace_context
from datavault.services.operators import begin, end, ended, require_workspace


def create_workspace(vault: Vault, *, operator: Operator, name: str, stage: str) -> Workspace:
    """Make a KEK and a workspace whose keys it wraps.

    The stage's ledger says first which workspace is to be. The transaction that makes it says in
    the same ledger that it is, and begins its own. A crash in between leaves a KEK that nothing
    refers to; its tags say so, as does the ledger, and the operator can schedule its deletion.
    Repeating makes another workspace, whose name may be the same.
    """
    ws = WorkspaceId(new_id("ws", vault.clock.now_ms()))
    begun = begin(vault, operator, "create_workspace", ws, workspace=None)
    kek = vault.keyring.create(
        description=f"LLM Data Vault: keys of workspace {ws}",
        tags={"datavault:stage": stage, "datavault:workspace": ws},
    )
    _, wrapped = vault.keyring.generate(kek, workspace_context(ws))
    # Asked again: KMS may have taken its time.
    now_ms = vault.clock.now_ms()
    workspace = Workspace(ws, name, kek, wrapped, now_ms)
    vault.catalog.write(
        [
            Put(keyspace.workspace(ws), workspace.attributes(), Absent()),
            ledger.operator_entry(operator, "create_workspace", ws, now_ms, workspace=ws, kek=kek),
            ended(vault, begun, kek=kek),
        ],
        token=ws[-36:],
    )
    return workspace


def admit_workspace(
    vault: Vault,
    *,
    operator: Operator,
    plans: UsagePlans,
    workspace: WorkspaceId,
    limits: UsageLimits | None,
) -> None:
    """Let the API take the workspace's requests: within ``limits``, or the stage's if ``None``.

    Until this is done the API refuses them all (``denied``). It may be repeated, with other
    limits too; the new ones hold within a minute or so. Of two operators at once one wins, and
    which one the ledger does not know: it has no order with what API Gateway does.

    Raises:
        NotFound: there is no such workspace.
        Unavailable: something does not answer; the ledger says that it was begun.
    """
    require_workspace(vault, workspace)
    details = _details(limits)
    begun = begin(vault, operator, "admit_workspace", workspace, workspace=workspace, **details)
    plans.admit(workspace, usage_identifier(workspace), limits)
    end(vault, begun, **details)


def _details(limits: UsageLimits | None) -> dict[str, str | int]:
    if limits is None:
        return {"limits": "stage"}
    told: dict[str, str | int] = {"limits": "own", "rate": limits.rate, "burst": limits.burst}
    return told if limits.per_day is None else {**told, "per_day": limits.per_day}
