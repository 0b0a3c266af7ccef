"""Batches: putting changes on a branch, the commit point of append and delete.

What holds: a batch is visible whole from the moment its transaction is acknowledged, and not at
all before. A crash or a lost race leaves rows and objects that nothing refers to (their batch row
is missing), which the sweep and the collection remove. The same request made twice is staged once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from datavault.domain import digests, keyspace, ledger, refs
from datavault.domain.access import Action, Caller
from datavault.domain.datasets import still_active
from datavault.domain.errors import PreconditionFailed, StagingFull
from datavault.domain.expectations import Expectation, if_nothing_came
from datavault.domain.ids import BatchId
from datavault.domain.requests import Request
from datavault.domain.rows import Attributes, Change, Put, Update
from datavault.domain.staging import (
    BATCH_ROW_IDS_MAX,
    GENERATION_BYTES_MAX,
    GENERATION_RECORDS_MAX,
    TRANSACTION_RECORDS_MAX,
    StagedChange,
    encode_names,
)
from datavault.domain.store.places import PackRef
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.bodies import store_staged_bodies
from datavault.services.expectations import find_unmet
from datavault.services.staging import Heads, Work, place_of, read_heads


def stage_batch(
    work: Work,
    changes: Sequence[StagedChange],
    *,
    caller: Caller,
    action: Action,
    operation: str,
    batch: BatchId,
    request: Request | None,
    expectations: Sequence[Expectation] = (),
) -> str:
    """Put a batch on the branch's open generation: the commit point of append and delete.

    Returns the batch's id, or that of the batch which this very request staged before.
    ``expectations`` have to hold when it is staged: if anything comes between, it tries again.

    Raises:
        PreconditionFailed: an expectation does not hold; nothing is staged.
        StagingFull: the generation holds all it can.
        Conflict: the branch is protected.
        NotFound: the branch has been deleted.
    """
    vault = work.vault
    size = sum(len(change.body or b"") for change in changes)
    stored, pack = store_staged_bodies(vault, work.keys, changes)
    for token in attempts(vault, "the branch"):
        heads = read_heads(work)
        head = heads.agreed
        # After the head: if this very request has filled it up, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return before
        refs.require_unprotected(head)
        _check_room(head, len(changes), size)
        if not _hold(work, heads, expectations):
            continue
        shard = int(token[-1], 16) % keyspace.HEAD_SHARDS
        spot = _Spot(work, head.generation, head.tick + 1, shard, batch, pack)
        now_ms = vault.clock.now_ms()
        counted = spot.counted(records=len(changes), size=size)
        staged = [
            still_active(work.dataset, token),
            *(if_nothing_came(counted, heads.rows) if expectations else [counted]),
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


def _hold(work: Work, heads: Heads, expectations: Sequence[Expectation]) -> bool:
    """Whether they do; if not, and nothing has come meanwhile, ``PreconditionFailed``."""
    unmet = find_unmet(work, heads.agreed, expectations) if expectations else None
    if unmet is None:
        return True
    if read_heads(work).rows != heads.rows:
        return False  # What was read may be of two moments.
    raise PreconditionFailed("the record is not at the version expected", field=unmet.field)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where one attempt puts a batch: its generation, tick and head shard; and its pack, if any."""

    work: Work
    generation: int
    tick: int
    shard: int
    batch: BatchId
    pack: PackRef | None

    def counted(self, *, records: int, size: int) -> Update:
        """The change that counts the batch on its head."""
        branch = self.work.branch
        return refs.stage(
            branch, self.shard, self.generation, self.tick, records=records, size=size
        )

    def rows(self, changes: Sequence[StagedChange]) -> list[Change]:
        """The changes that the transaction must carry, the rest being written already.

        A batch of up to 90 goes whole into the transaction. Of a larger one, only the row that
        makes it visible does.
        """
        named = self._name_rows(changes)
        alone = len(changes) <= TRANSACTION_RECORDS_MAX
        staged = self._staged_rows(changes, alone=alone)
        if alone:
            return [*named, *staged]
        self.work.vault.catalog.put_many([*staged, *named[1:]])
        return [named[0]]

    def _staged_rows(self, changes: Sequence[StagedChange], *, alone: bool) -> list[Put]:
        work = self.work
        hashed = digests.staged_ids([change.id for change in changes], work.keys.ids.staged_id)
        keys = keyspace.staged_rows(work.branch, self.generation, hashed, self.tick, self.batch)
        context = f"{work.branch}/{self.generation}"
        # Only a row written before its batch was acknowledged needs to say where to look for that.
        where: Attributes = {} if alone else {"shard": self.shard}
        return [
            Put(
                key,
                {
                    "sealed": work.keys.seal(
                        change.encode(),
                        purpose="staged",
                        context=context,
                        place=place_of(work, key),
                    ),
                    **where,
                },
            )
            for key, change in zip(keys, changes, strict=True)
        ]

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
                        place=place_of(work, key),
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
