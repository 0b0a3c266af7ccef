"""Staged changes: finding what was put on a branch (``services.batches``).

What holds: a batch is visible whole from the moment its transaction is acknowledged, and not at
all before. A crash or a lost race leaves rows and objects that nothing refers to (their batch row
is missing), which the sweep and the collection remove. The same request made twice is staged once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datavault.domain import digests, keyspace, refs
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.ids import BatchId, BranchId, BranchName, RecordId
from datavault.domain.reflog import Named
from datavault.domain.rows import Key, Row, Table
from datavault.domain.staging import (
    StagedChange,
    StagedName,
    decode_names,
)
from datavault.domain.store.columns import DIGEST, Entries
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import Kind
from datavault.domain.store.places import locator_columns
from datavault.ports import Vault
from datavault.services.attempts import attempts
from datavault.services.bodies import read_bodies, verified

# Rows of one transaction appear within milliseconds of each other; a second is patience.
_READS_MAX = 10
_REREAD_S = 0.02


@dataclass(frozen=True, slots=True)
class Work:
    """Where staged things are and who asks: what every function here needs."""

    vault: Vault
    keys: StoreKeys
    dataset: Dataset
    branch: BranchId
    name: BranchName

    @property
    def named(self) -> Named:
        """The branch, as its reflog needs it."""
        return Named(self.dataset.workspace, self.dataset.id, self.branch, self.name)


@dataclass(frozen=True, slots=True)
class Heads:
    """What the heads of a branch agree on, and their rows."""

    agreed: refs.Head
    rows: Mapping[Key, Row]


@dataclass(frozen=True, slots=True)
class FoundName:
    """What a generation has under a record id: the newest change's row, and whether it removes."""

    key: Key
    removed: bool


@dataclass(frozen=True, slots=True)
class _Batch:
    id: BatchId
    tick: int
    names: tuple[StagedName, ...]


def read_head(work: Work) -> refs.Head:
    """What all heads of the branch agree on.

    Raises:
        NotFound: the branch has been deleted.
        Throttled: transactions follow so closely that the heads never agree.
    """
    return read_heads(work).agreed


def read_heads(work: Work) -> Heads:
    """The same, with the rows of the heads."""
    for _ in attempts(work.vault, "the branch"):
        rows = work.vault.catalog.get_many(refs.head_keys(work.branch))
        if not rows:
            raise NotFound("this branch has been deleted")
        head = refs.agreed(rows, work.branch)
        if head is not None:
            return Heads(head, rows)
    raise AssertionError("attempts ends by raising")


def find_staged(work: Work, generation: int, record_id: RecordId) -> StagedChange | None:
    """The newest visible change of one record in a generation."""
    hashed = digests.staged_id(record_id, work.keys.ids.staged_id)
    partition, prefix = keyspace.staged(work.branch, generation, hashed)
    after: str | None = None
    while True:
        page = work.vault.catalog.page(
            Table.STAGING, partition, prefix=prefix, after=after, limit=4, newest_first=True
        )
        for row in page.rows:
            if _is_visible(work, generation, row):
                return open_change(work, generation, row)
        if not page.more:
            return None
        after = page.rows[-1].key.sort


def staged_names(work: Work, generation: int) -> dict[RecordId, FoundName]:
    """The newest visible change of every record that a generation touches."""
    return _newest_names(work, generation, _batches(work, generation))


def settled_names(work: Work, generation: int, batches: int) -> dict[RecordId, FoundName]:
    """The same of at least so many batches: what the heads counted is in it, unless batches have
    come since.

    Reads again while rows of an acknowledged transaction are still on their way.

    Raises:
        Corrupt: a batch stays missing.
    """
    for attempt_number in range(_READS_MAX):
        if attempt_number:
            work.vault.clock.sleep(_REREAD_S * attempt_number)
        found = list(_batches(work, generation))
        if len(found) >= batches:
            return _newest_names(work, generation, found)
    raise Corrupt("staged changes are missing that their branch counts")


def _newest_names(
    work: Work, generation: int, batches: Iterable[_Batch]
) -> dict[RecordId, FoundName]:
    newest: dict[RecordId, tuple[tuple[int, str], FoundName]] = {}
    for batch in batches:
        hashed = digests.staged_ids([name.id for name in batch.names], work.keys.ids.staged_id)
        keys = keyspace.staged_rows(work.branch, generation, hashed, batch.tick, batch.id)
        for name, key in zip(batch.names, keys, strict=True):
            order = (batch.tick, batch.id)
            held = newest.get(name.id)
            if held is None or held[0] < order:
                newest[name.id] = (order, FoundName(key, name.removed))
    return {record_id: found for record_id, (_, found) in newest.items()}


def staged_changes(work: Work, generation: int, batches: int) -> list[StagedChange]:
    """Every record's newest visible change in a closed generation of so many batches.

    In no order. Reads again while rows of an acknowledged transaction are still on their way.

    Raises:
        Corrupt: a batch, or a change that a batch lists, stays missing.
    """
    for attempt_number in range(_READS_MAX):
        if attempt_number:
            work.vault.clock.sleep(_REREAD_S * attempt_number)
        found = list(_batches(work, generation))
        rows = _newest(work, generation, found) if len(found) == batches else None
        if rows is not None:
            return [open_change(work, generation, row) for row in rows]
    raise Corrupt("staged changes are missing that their branch counts or their batch lists")


def _newest(work: Work, generation: int, batches: Sequence[_Batch]) -> list[Row] | None:
    """The newest visible row of each record; ``None`` while a row of any batch is missing."""
    missing = {(batch.tick, str(batch.id)): len(batch.names) for batch in batches}
    newest: dict[str, Row] = {}
    for shard in range(keyspace.STAGED_SHARDS):
        partition = keyspace.staged_partition(work.branch, generation, shard)
        for row in all_rows(work.vault, Table.STAGING, partition):
            hashed, tick, batch = row.key.sort.split("/")
            if (int(tick, 16), batch) in missing:
                missing[int(tick, 16), batch] -= 1
                newest[hashed] = row  # Rows come in the order of their ticks.
    # Every row is counted, not every id: without its newest row, a record would fall back.
    return None if any(missing.values()) else list(newest.values())


def staged_rows(work: Work, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows of changes that batches list.

    Reads again while rows of an acknowledged transaction are still on their way.

    Raises:
        Corrupt: one stays missing.
    """
    for attempt_number in range(_READS_MAX):
        if attempt_number:
            work.vault.clock.sleep(_REREAD_S * attempt_number)
        rows = work.vault.catalog.get_many(keys)
        if len(rows) == len(keys):
            return rows
    raise Corrupt("a staged change is missing that its batch lists")


def open_change(work: Work, generation: int, row: Row) -> StagedChange:
    """The change in a staged row."""
    return StagedChange.decode(
        work.keys.unseal(
            row.binary("sealed"),
            purpose="staged",
            context=f"{work.branch}/{generation}",
            place=place_of(work, row.key),
        )
    )


def staged_bodies(work: Work, changes: Sequence[StagedChange]) -> list[bytes]:
    """The bodies of changes that are no removals, each verified against its digest.

    Bodies in staged packs are fetched a block at a time, each block once.
    """
    places = [change.place for change in changes if change.place is not None]
    stored: Iterator[bytes] = iter(())
    if places:
        digests_of = b"".join(change.digest or b"" for change in changes if change.place)
        ids = np.zeros(len(places), "S1")
        entries = Entries(ids, np.frombuffer(digests_of, DIGEST), *locator_columns(places))
        stored = iter(read_bodies(work.vault, work.keys, entries, kind=Kind.STAGED))
    return [
        next(stored)
        if change.body is None
        else verified(work.keys, change.body, change.digest or b"")
        for change in changes
    ]


def all_rows(vault: Vault, table: Table, partition: str, prefix: str = "") -> Iterator[Row]:
    """Every row of a partition, in order, page by page."""
    after: str | None = None
    while True:
        page = vault.catalog.page(table, partition, prefix=prefix, after=after)
        yield from page.rows
        if not page.more:
            return
        after = page.rows[-1].key.sort


def _batches(work: Work, generation: int) -> Iterator[_Batch]:
    """The visible batches of a generation."""
    for shard in range(keyspace.HEAD_SHARDS):
        partition = keyspace.batch_partition(work.branch, generation, shard)
        names: dict[tuple[str, str], list[StagedName]] = {}
        for row in all_rows(work.vault, Table.STAGING, partition):
            tick, batch, *part = row.key.sort.split("/")
            if part and (tick, batch) not in names:
                continue  # Its first row is missing: the batch never became visible.
            opened = work.keys.unseal(
                row.binary("sealed"),
                purpose="batch",
                context=f"{work.branch}/{generation}",
                place=place_of(work, row.key),
            )
            names.setdefault((tick, batch), []).extend(decode_names(opened))
        for (tick, batch), found in names.items():
            yield _Batch(BatchId(batch), int(tick, 16), tuple(found))


def _is_visible(work: Work, generation: int, row: Row) -> bool:
    """Whether the row's batch was acknowledged."""
    if "shard" not in row.attributes:
        return True
    _, tick, batch = row.key.sort.split("/")
    key = keyspace.batch(
        work.branch, generation, row.number("shard"), int(tick, 16), BatchId(batch)
    )
    return work.vault.catalog.get(key) is not None


def place_of(work: Work, key: Key) -> str:
    """What a sealed row is bound to."""
    return f"{work.dataset.workspace}/{work.dataset.id}/{key.partition}/{key.sort}"
