"""Retention: what is due to go."""

from collections.abc import Iterator
from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchId, StoreId
from datavault.domain.rows import Row, Table
from datavault.domain.store.pack import Kind
from datavault.ports import Vault
from datavault.services.blocks import object_key
from datavault.services.staging import all_rows

# A run ends well before its function's 15 minutes.
RUN_MS_MAX = 12 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run removed."""

    generations: int
    rows: int
    objects: int


def sweep_staging(vault: Vault) -> Swept:
    """Remove the staged changes of generations that were committed, or deleted, an hour ago.

    Takes the longest due of each shard of the queue in turn, until nothing is due or twelve
    minutes have gone. A crash leaves the rest of a generation and its place in the queue, so the
    next run goes on.
    """
    swept = Swept(0, 0, 0)
    started_ms = vault.clock.now_ms()
    queues = [
        all_rows(vault, Table.CATALOG, keyspace.sweep_partition(shard))
        for shard in range(keyspace.SWEEP_SHARDS)
    ]
    while queues:
        left: list[Iterator[Row]] = []
        for queue in queues:
            due = next(queue, None)
            if due is None or int(due.key.sort.split("/")[0]) > started_ms:
                continue
            if vault.clock.now_ms() - started_ms > RUN_MS_MAX:
                return swept
            rows, objects = _sweep(vault, due)
            swept = Swept(swept.generations + 1, swept.rows + rows, swept.objects + objects)
            left.append(queue)
        queues = left
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
