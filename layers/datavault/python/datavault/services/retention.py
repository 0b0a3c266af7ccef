"""Retention: what is due to go."""

from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchId
from datavault.domain.rows import Key, Row, Table
from datavault.ports import Vault
from datavault.services.staging import all_rows

SWEPT_MAX = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run removed."""

    generations: int
    rows: int


def sweep_staging(vault: Vault) -> Swept:
    """Remove the staged changes of generations that were committed, or deleted, an hour ago.

    Takes up to 200 generations a run, the longest due first. A crash leaves the rest of a
    generation and its place in the queue, so the next run goes on.
    """
    generations = rows = 0
    now_ms = vault.clock.now_ms()
    for shard in range(keyspace.SWEEP_SHARDS):
        for due in all_rows(vault, Table.CATALOG, keyspace.sweep_partition(shard)):
            if int(due.key.sort.split("/")[0]) > now_ms or generations >= SWEPT_MAX:
                break
            rows += _sweep(vault, due)
            generations += 1
    return Swept(generations, rows)


def _sweep(vault: Vault, due: Row) -> int:
    branch, generation = BranchId(due.text("branch")), due.number("generation")
    staged = (
        keyspace.staged_partition(branch, generation, shard)
        for shard in range(keyspace.STAGED_SHARDS)
    )
    batches = (
        keyspace.batch_partition(branch, generation, shard) for shard in range(keyspace.HEAD_SHARDS)
    )
    removed = 0
    for partition in (*staged, *batches):
        keys: list[Key] = [row.key for row in all_rows(vault, Table.STAGING, partition)]
        vault.catalog.delete_many(keys)
        removed += len(keys)
    vault.catalog.delete_many([due.key])
    return removed
