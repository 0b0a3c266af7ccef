"""Read-only mode: changes are refused with the operator's reason, and reads go on.

A process remembers for ``HELD_MS`` whether the mode is on, so that a busy one asks the catalog a
few times a minute. Whoever sets it must wait that long, and as long again as a function may take
(``contracts.operations``), until nothing changes any more.

Writes in flight are not fenced. Rejected: a check of the flag in every transaction, which would
make each write pay for a row that all writers share, to gain half a minute in a procedure that
takes hours. Sweeps go on: they remove what no reader sees.

The ledger keeps who set it and who cleared it, not the reason: that is free text, which may name
people, and an entry stays for good.
"""

from datavault.domain import errors, keyspace, ledger
from datavault.domain.access import Caller, Operator
from datavault.domain.ids import WorkspaceId
from datavault.domain.maintenance import ReadOnly
from datavault.domain.rows import PRESENT, Change, Delete, Put
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts
from datavault.services.operators import require_workspace

HELD_MS = 5_000


def require_writable(vault: Vault, caller: Caller) -> None:
    """Return if neither the stage nor the caller's workspace is read-only.

    Raises:
        ReadOnly: one is; the message is the operator's reason.
    """
    now_ms = vault.clock.now_ms()
    name = f"maintenance/{caller.workspace}"
    held = vault.keys.get(name, now_ms)
    if not isinstance(held, tuple):
        keys = [keyspace.maintenance(None), keyspace.maintenance(caller.workspace)]
        found = vault.catalog.get_many(keys)
        held = tuple(ReadOnly.of(found[key]).reason for key in keys if key in found)
        vault.keys.put(name, held, expires_ms=now_ms + HELD_MS)
    if held:
        raise errors.ReadOnly(f"read-only for now, nothing was changed: {held[0]}")


def find_read_only(vault: Vault, workspace: WorkspaceId | None) -> ReadOnly | None:
    """The mode of the stage (``None``) or of one workspace, as it is this moment."""
    row = vault.catalog.get(keyspace.maintenance(workspace))
    return None if row is None else ReadOnly.of(row)


def set_read_only(
    vault: Vault, *, operator: Operator, workspace: WorkspaceId | None, reason: str
) -> ReadOnly:
    """Refuse changes from now on; a reason that was given before is replaced.

    Raises:
        Invalid: the reason is not one short line.
        NotFound: there is no such workspace.
    """
    if workspace is not None:
        require_workspace(vault, workspace)
    for token in attempts(vault, "the mode"):
        mode = ReadOnly(reason, vault.clock.now_ms())
        change = Put(keyspace.maintenance(workspace), mode.attributes())
        if _changed(vault, operator, "set_read_only", workspace, change, token):
            return mode
    raise AssertionError("attempts ends by raising")


def clear_read_only(vault: Vault, *, operator: Operator, workspace: WorkspaceId | None) -> None:
    """Take changes again; where the mode is off, nothing happens, and the ledger says nothing."""
    key = keyspace.maintenance(workspace)
    for token in attempts(vault, "the mode"):
        if vault.catalog.get(key) is None:
            return
        if _changed(vault, operator, "clear_read_only", workspace, Delete(key, PRESENT), token):
            return
    raise AssertionError("attempts ends by raising")


def _changed(
    vault: Vault,
    operator: Operator,
    operation: str,
    workspace: WorkspaceId | None,
    change: Change,
    token: str,
) -> bool:
    """Change the mode and keep who did it, in one transaction; whether it happened."""
    entry = ledger.operator_entry(
        operator, operation, workspace or keyspace.STAGE, vault.clock.now_ms(), workspace=workspace
    )
    return attempt(vault, [change, entry], token)
