"""Read-only mode: changes are refused with the operator's reason, and reads go on.

A process remembers for ``HELD_MS`` whether the mode is on, so that a busy one asks the catalog a
few times a minute. Whoever sets it must wait that long, and as long again as a function may take
(``contracts.operations``), until nothing changes any more.

Writes in flight are not fenced. Rejected: a check of the flag in every transaction, which would
make each write pay for a row that all writers share, to gain half a minute in a procedure that
takes hours. Sweeps go on: they remove what no reader sees.
"""

from datavault.domain import keyspace
from datavault.domain.access import Caller
from datavault.domain.errors import Unavailable
from datavault.domain.ids import WorkspaceId
from datavault.domain.maintenance import ReadOnly
from datavault.domain.rows import Put
from datavault.ports import Vault

HELD_MS = 5_000


def require_writable(vault: Vault, caller: Caller) -> None:
    """Return if neither the stage nor the caller's workspace is read-only.

    Raises:
        Unavailable: one is; the message is the operator's reason.
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
        raise Unavailable(f"read-only for now, nothing was changed: {held[0]}")


def find_read_only(vault: Vault, workspace: WorkspaceId | None) -> ReadOnly | None:
    """The mode of the stage (``None``) or of one workspace, as it is this moment."""
    row = vault.catalog.get(keyspace.maintenance(workspace))
    return None if row is None else ReadOnly.of(row)


def set_read_only(vault: Vault, workspace: WorkspaceId | None, *, reason: str) -> ReadOnly:
    """Refuse changes from now on; a reason that was given before is replaced."""
    mode = ReadOnly(reason, vault.clock.now_ms())
    vault.catalog.put_many([Put(keyspace.maintenance(workspace), mode.attributes())])
    return mode


def clear_read_only(vault: Vault, workspace: WorkspaceId | None) -> None:
    """Take changes again; where the mode is off, nothing happens."""
    vault.catalog.delete_many([keyspace.maintenance(workspace)])
