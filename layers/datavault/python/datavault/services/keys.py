"""Unwrapped keys of workspaces and stores, held for minutes.

A key is unwrapped by the KEK of its workspace with the context it was wrapped under, and kept in
``vault.keys`` for five minutes or a bounded number of uses; so a revoked KEK stops reads within
five minutes, and a busy function makes a few KMS calls an hour.
"""

from datavault.domain import keyspace
from datavault.domain.access import Caller
from datavault.domain.datasets import Dataset, Workspace
from datavault.domain.errors import Corrupt, Unauthenticated
from datavault.domain.ids import StoreId, WorkspaceId
from datavault.domain.rows import Absent, Key, Put, Row, Table
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault

HELD_MS = 5 * 60 * 1000
# SP 800-38D bounds a GCM key's use; every pack and generation has its own, so this bound is for
# the exposure of the key in memory, not for its nonces.
USES_MAX = 100_000


def open_workspace(vault: Vault, caller: Caller) -> tuple[Workspace, bytes]:
    """The caller's workspace and its unwrapped key."""
    held = vault.keys.get(caller.workspace, vault.clock.now_ms())
    if isinstance(held, tuple):
        return held
    row = vault.catalog.get(keyspace.workspace(caller.workspace))
    if row is None:
        raise Unauthenticated("the token names a workspace that does not exist")
    workspace = Workspace.of(row)
    key = vault.keyring.unwrap(
        workspace.kek, workspace.wrapped_key, workspace_context(workspace.id)
    )
    opened = (workspace, key)
    _hold(vault, caller.workspace, opened)
    return opened


def open_store(vault: Vault, dataset: Dataset) -> StoreKeys:
    """The keys of the dataset's store: its id key and every data key."""
    held = vault.keys.get(dataset.store, vault.clock.now_ms())
    if isinstance(held, StoreKeys):
        return held
    partition = keyspace.store_key(dataset.workspace, dataset.store, "id", 0).partition
    rows = vault.catalog.page(Table.CATALOG, partition, prefix="key/").rows
    unwrapped = {
        (row.text("purpose"), row.number("epoch")): vault.keyring.unwrap(
            row.text("kek"),
            row.binary("wrapped"),
            store_context(
                dataset.workspace, dataset.store, row.text("purpose"), row.number("epoch")
            ),
        )
        for row in rows
    }
    if ("id", 0) not in unwrapped:
        raise Corrupt(f"store {dataset.store} has no id key")
    deks = {epoch: key for (purpose, epoch), key in unwrapped.items() if purpose == "dek"}
    if not deks:
        raise Corrupt(f"store {dataset.store} has no data key")
    keys = StoreKeys(dataset.store, unwrapped["id", 0], deks)
    _hold(vault, dataset.store, keys)
    return keys


def make_store(
    vault: Vault, workspace: Workspace, store: StoreId, now_ms: int
) -> tuple[StoreKeys, list[Put]]:
    """New keys for a store, and the rows that keep them wrapped."""
    purposes = (("id", 0), ("dek", 1))
    keys: dict[str, bytes] = {}
    rows = []
    for purpose, epoch in purposes:
        context = store_context(workspace.id, store, purpose, epoch)
        keys[purpose], wrapped = vault.keyring.generate(workspace.kek, context)
        rows.append(
            Put(
                keyspace.store_key(workspace.id, store, purpose, epoch),
                {
                    "purpose": purpose,
                    "epoch": epoch,
                    "kek": workspace.kek,
                    "wrapped": wrapped,
                    "created_ms": now_ms,
                },
                Absent(),
            )
        )
    return StoreKeys(store, keys["id"], {1: keys["dek"]}), rows


def describe_store_keys(vault: Vault, dataset: Dataset) -> tuple[Row, ...]:
    """The store's wrapped keys, as rows: purpose, epoch, KEK, age; for operators."""
    key: Key = keyspace.store_key(dataset.workspace, dataset.store, "id", 0)
    return vault.catalog.page(Table.CATALOG, key.partition, prefix="key/").rows


def workspace_context(ws: WorkspaceId) -> dict[str, str]:
    """What a workspace's own key is bound to."""
    return {"workspace": ws, "purpose": "workspace"}


def store_context(ws: WorkspaceId, store: StoreId, purpose: str, epoch: int) -> dict[str, str]:
    """What a store's key is bound to."""
    return {"workspace": ws, "store": store, "purpose": purpose, "epoch": str(epoch)}


def _hold(vault: Vault, name: str, value: object) -> None:
    vault.keys.put(name, value, expires_ms=vault.clock.now_ms() + HELD_MS, uses_max=USES_MAX)
