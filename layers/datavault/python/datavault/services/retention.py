"""Retention: what is due to go."""

from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchId, StoreId
from datavault.domain.rows import Row, Table
from datavault.domain.store.pack import Kind
from datavault.ports import Vault
from datavault.services.blocks import object_key
from datavault.services.staging import all_rows

SWEPT_MAX = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run removed."""

    generations: int
    rows: int
    objects: int


def sweep_staging(vault: Vault) -> Swept:
    """Remove the staged changes of generations that were committed, or deleted, an hour ago.

    Takes up to 200 generations a run, in the order in which they were due within each shard of
    the queue. A crash leaves the rest of a generation and its place in the queue, so the next run
    goes on.
    """
    swept = Swept(0, 0, 0)
    now_ms = vault.clock.now_ms()
    for shard in range(keyspace.SWEEP_SHARDS):
        for due in all_rows(vault, Table.CATALOG, keyspace.sweep_partition(shard)):
            if int(due.key.sort.split("/")[0]) > now_ms or swept.generations >= SWEPT_MAX:
                break
            rows, objects = _sweep(vault, due)
            swept = Swept(swept.generations + 1, swept.rows + rows, swept.objects + objects)
    return swept


def _sweep(vault: Vault, due: Row) -> tuple[int, int]:
    """Objects first, then rows, then the queue's row: what is left names what is to be done."""
    branch, generation = BranchId(due.text("branch")), due.number("generation")
    store = StoreId(due.text("store"))
    batches = [
        row
        for shard in range(keyspace.HEAD_SHARDS)
        for row in all_rows(
            vault, Table.STAGING, keyspace.batch_partition(branch, generation, shard)
        )
    ]
    packs = [row.binary("pack") for row in batches if "pack" in row.attributes]
    for pack in packs:
        vault.objects.delete(object_key(store, Kind.STAGED, pack))
    removed = len(batches)
    for shard in range(keyspace.STAGED_SHARDS):
        partition = keyspace.staged_partition(branch, generation, shard)
        keys = [row.key for row in all_rows(vault, Table.STAGING, partition)]
        vault.catalog.delete_many(keys)
        removed += len(keys)
    vault.catalog.delete_many([row.key for row in batches])
    vault.catalog.delete_many([due.key])
    return removed, len(packs)
