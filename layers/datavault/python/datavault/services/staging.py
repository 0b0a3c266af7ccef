"""Staging: putting a batch of changes on a branch, and finding what was put there.

What holds: a batch is visible whole from the moment its transaction is acknowledged, and not at
all before. A crash or a lost race leaves rows and objects that nothing refers to (their batch row
is missing), which the sweep and the collection remove. The same request made twice is staged once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from datavault.domain import digests, keyspace, ledger, refs
from datavault.domain.access import Action, Caller
from datavault.domain.datasets import Dataset, still_active
from datavault.domain.errors import Corrupt, NotFound, StagingFull
from datavault.domain.ids import BatchId, BranchId, BranchName, RecordId
from datavault.domain.reflog import Named
from datavault.domain.requests import Request
from datavault.domain.rows import Attributes, Change, Key, Put, Row, Table
from datavault.domain.staging import (
    BATCH_ROW_IDS_MAX,
    GENERATION_BYTES_MAX,
    GENERATION_RECORDS_MAX,
    TRANSACTION_RECORDS_MAX,
    StagedChange,
    StagedName,
    decode_names,
    encode_names,
)
from datavault.domain.store.columns import DIGEST, Entries, PackRef, locator_columns
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import Kind
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.bodies import read_bodies, store_staged_bodies, verified

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
    for _ in attempts(work.vault, "the branch"):
        rows = work.vault.catalog.get_many(refs.head_keys(work.branch))
        if not rows:
            raise NotFound("this branch has been deleted")
        head = refs.agreed(rows, work.branch)
        if head is not None:
            return head
    raise AssertionError("attempts ends by raising")


def stage_batch(
    work: Work,
    changes: Sequence[StagedChange],
    *,
    caller: Caller,
    action: Action,
    operation: str,
    batch: BatchId,
    request: Request | None,
) -> str:
    """Put a batch on the branch's open generation: the commit point of append and delete.

    Returns the batch's id, or that of the batch which this very request staged before.

    Raises:
        StagingFull: the generation holds all it can.
        Conflict: the branch is protected.
        NotFound: the branch has been deleted.
    """
    vault = work.vault
    size = sum(len(change.body or b"") for change in changes)
    stored, pack = store_staged_bodies(vault, work.keys, changes)
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        # After the head: if this very request has filled it up, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return before
        refs.require_unprotected(head)
        _check_room(head, len(changes), size)
        shard = int(token[-1], 16) % keyspace.HEAD_SHARDS
        spot = _Spot(work, head.generation, head.tick + 1, shard, batch, pack)
        now_ms = vault.clock.now_ms()
        staged = [
            still_active(work.dataset, token),
            refs.stage(
                work.branch,
                shard,
                head.generation,
                spot.tick,
                records=len(changes),
                size=size,
            ),
            *spot.rows(stored),
            *remember(vault, caller, request, batch, now_ms),
            ledger.entry(
                caller,
                action,
                operation,
                work.dataset.id,
                now_ms,
                branch=work.branch,
                records=len(changes),
                bytes=size,
            ),
        ]
        if attempt(vault, staged, token):
            return batch
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
    newest: dict[RecordId, tuple[tuple[int, str], FoundName]] = {}
    for batch in _batches(work, generation):
        for name in batch.names:
            hashed = digests.staged_id(name.id, work.keys.ids.staged_id)
            key = keyspace.staged_row(work.branch, generation, hashed, batch.tick, batch.id)
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
            place=_place(work, row.key),
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


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where one attempt puts a batch: its generation, tick and head shard; and its pack, if any."""

    work: Work
    generation: int
    tick: int
    shard: int
    batch: BatchId
    pack: PackRef | None

    def rows(self, changes: Sequence[StagedChange]) -> list[Change]:
        """The changes that the transaction must carry, the rest being written already.

        A batch of up to 90 goes whole into the transaction. Of a larger one, only the row that
        makes it visible does.
        """
        named = self._name_rows(changes)
        alone = len(changes) <= TRANSACTION_RECORDS_MAX
        staged = [self._staged_row(change, alone=alone) for change in changes]
        if alone:
            return [*named, *staged]
        self.work.vault.catalog.put_many([*staged, *named[1:]])
        return [named[0]]

    def _staged_row(self, change: StagedChange, *, alone: bool) -> Put:
        work = self.work
        hashed = digests.staged_id(change.id, work.keys.ids.staged_id)
        key = keyspace.staged_row(work.branch, self.generation, hashed, self.tick, self.batch)
        sealed = work.keys.seal(
            change.encode(),
            purpose="staged",
            context=f"{work.branch}/{self.generation}",
            place=_place(work, key),
        )
        # Only a row written before its batch was acknowledged needs to say where to look for that.
        return Put(key, {"sealed": sealed} if alone else {"sealed": sealed, "shard": self.shard})

    def _name_rows(self, changes: Sequence[StagedChange]) -> list[Put]:
        parts = [
            changes[at : at + BATCH_ROW_IDS_MAX] for at in range(0, len(changes), BATCH_ROW_IDS_MAX)
        ]
        work = self.work
        keys = refs.batch_row_keys(
            work.branch, self.generation, self.shard, self.tick, self.batch, len(parts)
        )
        # The sweep finds the pack by the batch's first row.
        pack: Attributes = {} if self.pack is None else {"pack": self.pack.id}
        return [
            Put(
                key,
                {
                    **(pack if key == keys[0] else {}),
                    "sealed": work.keys.seal(
                        encode_names(part),
                        purpose="batch",
                        context=f"{work.branch}/{self.generation}",
                        place=_place(work, key),
                    ),
                },
            )
            for key, part in zip(keys, parts, strict=True)
        ]


def _check_room(head: refs.Head, records: int, size: int) -> None:
    if head.records + records > GENERATION_RECORDS_MAX:
        raise StagingFull(
            f"{head.records} records are staged on this branch and {records} more would exceed"
            f" {GENERATION_RECORDS_MAX}: commit first"
        )
    if head.bytes + size > GENERATION_BYTES_MAX:
        raise StagingFull(
            f"{head.bytes} bytes are staged on this branch and {size} more would exceed"
            f" {GENERATION_BYTES_MAX}: commit first"
        )


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
                place=_place(work, row.key),
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


def _place(work: Work, key: Key) -> str:
    return f"{work.dataset.workspace}/{work.dataset.id}/{key.partition}/{key.sort}"
