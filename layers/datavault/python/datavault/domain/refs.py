"""Branches and the commit protocol, as values: heads, generations, and three transactions.

A branch is ``HEAD_SHARDS`` identical heads, so that writers do not queue on one. Each says which
commit the branch is at, which *generation* of staged changes is open, and which commit job, if
any, has closed a generation and is still ``pending``. A head also remembers the greatest ``tick``
it has seen, and counts what of a generation went through it: batches, records and bytes, in one of
two slots that generations take in turn, so that the counts of the closed one stand still.

The counts are needed because DynamoDB isolates a query from a transaction only item by item: a
commit may find a head moved by an append whose other rows it does not see yet. It therefore reads
until it has as many batches as the heads counted.

- *Stage* (``stage``): on one head, if its generation is still the open one.
- *T1* (``close_generation``): all heads go to the next generation and name the job.
- *T3* (``move``): all heads go to the new commit and name no job any more.

Every move of a branch, its making and its end leave a row in the reflog, in their transaction.

A *protected* branch moves by merges only (``move_by_merge``). The heads say so, and whatever
stages, closes, moves or deletes asks it of them in its own transaction. A branch is protected when
nothing is staged on it and no job is pending (``protect`` asks that of the heads as well), so
nothing is ever stuck on it.

At most one job is pending on a branch: whoever finds one finishes it first (its author, time and
parent are frozen in the job, so anyone arrives at the same commit). What a reader must look at is
therefore: the open generation, the pending one, the commit's tree.

Ticks order the changes of one record: a batch takes a tick greater than any it can see on any
head, and a head's tick only grows; so of two batches, one of which was acknowledged before the
other began, the later has the greater tick. Between concurrent batches any order is right.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from datavault.domain import commit_jobs, keyspace
from datavault.domain.commit_jobs import CommitJob
from datavault.domain.errors import Conflict
from datavault.domain.ids import (
    BatchId,
    BranchId,
    BranchName,
    CommitId,
    DatasetId,
    JobId,
    TagName,
    WorkspaceId,
)
from datavault.domain.reflog import Move, Named, Why
from datavault.domain.rows import (
    Absent,
    Attributes,
    Change,
    Check,
    Delete,
    If,
    Key,
    Put,
    Row,
    Update,
    Value,
)
from datavault.domain.staging import KEPT_AFTER_COMMIT_MS

# What a ref to a commit is "on": it has no staged changes.
NO_BRANCH = BranchId("")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch by name. ``id`` tells it from an earlier branch of that name."""

    id: BranchId
    name: BranchName
    commit: CommitId
    created_ms: int
    created_by: str
    protected: bool

    @classmethod
    def of(cls, row: Row, head: "Head") -> "Branch":
        """From its row, and what its heads say."""
        return cls(
            BranchId(row.text("id")),
            BranchName(row.text("name")),
            head.commit,
            row.number("created_ms"),
            row.text("created_by"),
            head.protected,
        )

    def encode(self) -> str:
        """As a remembered request keeps it."""
        return json.dumps(
            [self.id, self.name, self.commit, self.created_ms, self.created_by, self.protected]
        )

    @classmethod
    def decode(cls, text: str) -> "Branch":
        """What ``encode`` gave."""
        branch, name, commit, created_ms, created_by, protected = json.loads(text)
        return cls(
            BranchId(branch),
            BranchName(name),
            CommitId(commit),
            created_ms,
            created_by,
            protected,
        )


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says. ``pending`` is the job that closed generation ``generation - 1``."""

    commit: CommitId
    generation: int
    pending: JobId | None
    tick: int
    records: int
    bytes: int
    batches: int
    closed_batches: int
    """Batches in the generation before the open one."""
    moves: int
    """How often the branch has moved; it tells two visits of one commit apart."""
    protected: bool

    @classmethod
    def of(cls, row: Row) -> "Head":
        """From its row."""
        generation = row.number("generation")
        return cls(
            CommitId(row.text("commit")),
            generation,
            JobId(row.text("pending")) if row.text("pending") else None,
            row.number("tick"),
            row.number(_slot("records", generation)),
            row.number(_slot("bytes", generation)),
            row.number(_slot("batches", generation)),
            row.number(_slot("batches", generation - 1)),
            row.number("moves"),
            row.flag("protected"),
        )


def head_keys(branch: BranchId) -> list[Key]:
    """All heads of a branch."""
    return [keyspace.head(branch, shard) for shard in range(keyspace.HEAD_SHARDS)]


def agreed(rows: Mapping[Key, Row], branch: BranchId) -> Head | None:
    """All heads as one, its counts summed and its tick the greatest; ``None`` while they differ.

    They differ only while a transaction is being applied: read again.
    """
    heads = [Head.of(rows[key]) for key in head_keys(branch) if key in rows]
    if len(heads) != keyspace.HEAD_SHARDS:
        return None
    if len({_said_by_all(head) for head in heads}) != 1:
        return None
    return replace(
        heads[0],
        tick=max(head.tick for head in heads),
        records=sum(head.records for head in heads),
        bytes=sum(head.bytes for head in heads),
        batches=sum(head.batches for head in heads),
        closed_batches=sum(head.closed_batches for head in heads),
    )


def require_unprotected(head: Head) -> None:
    """Return if changes may be made on the branch itself.

    Raises:
        Conflict: the branch is protected, whoever asks: no role passes.
    """
    if head.protected:
        raise Conflict("the branch is protected: it takes merges only", field="branch")


def require_nothing_staged(head: Head) -> None:
    """Return if no change is staged in the open generation; ``Conflict`` says how many are."""
    if head.records:
        raise Conflict(
            f"{head.records} records are staged on this branch: commit or discard them first",
            field="branch",
        )


def create(ws: WorkspaceId, ds: DatasetId, branch: Branch, operation: str) -> list[Change]:
    """The branch and its heads, at the branch's commit, with nothing staged.

    If neither a branch nor a tag has its name.
    """
    row = Put(
        keyspace.branch(ws, ds, branch.name),
        {
            "id": branch.id,
            "name": branch.name,
            "created_ms": branch.created_ms,
            "created_by": branch.created_by,
        },
        Absent(),
    )
    empty: Attributes = {
        "commit": branch.commit,
        "generation": 0,
        "pending": "",
        "tick": 0,
        "moves": 0,
        "protected": branch.protected,
        **_no_counts(0),
        **_no_counts(1),
    }
    why = Why(operation, branch.created_by, branch.created_ms)
    made = Move(branch.id, 0, None, branch.commit, why)
    return [
        row,
        Check(keyspace.tag(ws, ds, TagName(branch.name)), Absent()),
        *(Put(key, empty, Absent()) for key in head_keys(branch.id)),
        made.put(Named(ws, ds, branch.id, branch.name)),
    ]


def delete(named: Named, head: Head, why: Why) -> list[Change]:
    """The end of a branch with nothing pending; what is staged on it is left to the sweep."""
    unmoved = (If("generation", "=", head.generation), *_unmoved(head), *_UNPROTECTED)
    key = keyspace.branch(named.workspace, named.dataset, named.name)
    return [
        Delete(key, (If("id", "=", named.id),)),
        *(Delete(key, unmoved) for key in head_keys(named.id)),
        Move(named.id, head.moves + 1, head.commit, None, why).put(named),
    ]


def stage(
    branch: BranchId, shard: int, generation: int, tick: int, *, records: int, size: int
) -> Update:
    """Count a batch on one head, if the generation is still open and the tick still new."""
    return Update(
        keyspace.head(branch, shard),
        assign={"tick": tick},
        add={
            _slot("batches", generation): 1,
            _slot("records", generation): records,
            _slot("bytes", generation): size,
        },
        condition=(If("generation", "=", generation), If("tick", "<", tick), *_UNPROTECTED),
    )


def close_generation(job: CommitJob, sealed_message: bytes) -> list[Change]:
    """T1: heads open the next generation and name the job; the job is written."""
    unmoved = (
        If("generation", "=", job.generation),
        If("commit", "=", job.parent),
        If("pending", "=", ""),
        *_UNPROTECTED,
    )
    # The slot is free: the generation that had it before is committed, since nothing is pending.
    opened: Attributes = {
        "generation": job.generation + 1,
        "pending": job.id,
        **_no_counts(job.generation + 1),
    }
    return [
        *(Update(key, assign=opened, condition=unmoved) for key in head_keys(job.branch)),
        commit_jobs.start(job, sealed_message),
    ]


def move(named: Named, head: Head, target: CommitId, why: Why) -> list[Change]:
    """T3 for the heads: all that say what ``head`` says go to ``target``; nothing is pending then.

    For whatever is committed on the branch itself; a protected one refuses it.
    """
    return _move(named, head, target, why, condition=_UNPROTECTED)


def move_by_merge(named: Named, head: Head, target: CommitId, why: Why) -> list[Change]:
    """The same for a merge into the branch, which a protected one takes too."""
    return _move(named, head, target, why)


def reset(named: Named, head: Head, target: CommitId, why: Why) -> list[Change]:
    """To any commit, if nothing is staged."""
    return _move(
        named, head, target, why, condition=(*_UNPROTECTED, *_nothing_staged(head.generation))
    )


def reset_and_discard(named: Named, head: Head, target: CommitId, why: Why) -> list[Change]:
    """To any commit, and to a new generation: what is staged in the open one is left behind."""
    opened: Attributes = {"generation": head.generation + 1, **_no_counts(head.generation + 1)}
    open_still = If("generation", "=", head.generation)
    return _move(named, head, target, why, assign=opened, condition=(*_UNPROTECTED, open_still))


def protect(branch: BranchId, head: Head) -> list[Change]:
    """The branch moves by merges only from here on; if nothing is staged and nothing pending."""
    bare = (If("pending", "=", ""), *_nothing_staged(head.generation), *_UNPROTECTED)
    return [Update(key, assign={"protected": True}, condition=bare) for key in head_keys(branch)]


def unprotect(branch: BranchId) -> list[Change]:
    """The branch takes changes again."""
    protected = (If("protected", "=", True),)
    return [
        Update(key, assign={"protected": False}, condition=protected) for key in head_keys(branch)
    ]


def still(branch: BranchId, head: Head) -> list[Change]:
    """That the branch is where ``head`` says, as protected as it says."""
    unchanged = (*_unmoved(head), If("protected", "=", head.protected))
    return [Check(key, unchanged) for key in head_keys(branch)]


def abandon(job: CommitJob, now_ms: int) -> list[Change]:
    """Give up a commit that cannot be made: its generation's changes are lost."""
    pending = (If("pending", "=", job.id),)
    return [
        *(Update(key, assign={"pending": ""}, condition=pending) for key in head_keys(job.branch)),
        commit_jobs.forget(job, now_ms),
    ]


def sweep_later(branch: BranchId, generation: int, store: str, now_ms: int) -> Put:
    """That a generation's staged changes may go in an hour."""
    return Put(
        keyspace.sweep(branch, now_ms + KEPT_AFTER_COMMIT_MS, generation),
        {"branch": branch, "generation": generation, "store": store},
    )


def batch_row_keys(
    branch: BranchId, generation: int, shard: int, tick: int, batch: BatchId, parts: int
) -> Sequence[Key]:
    """The rows that list a batch's ids; the first makes the batch visible."""
    first = keyspace.batch(branch, generation, shard, tick, batch)
    return [
        first if part == 0 else Key(first.table, first.partition, f"{first.sort}/{part:02d}")
        for part in range(parts)
    ]


_UNPROTECTED: tuple[If, ...] = (If("protected", "=", False),)


def _said_by_all(head: Head) -> tuple[CommitId, int, JobId | None, int, bool]:
    return head.commit, head.generation, head.pending, head.moves, head.protected


def _unmoved(head: Head) -> tuple[If, ...]:
    return (
        If("moves", "=", head.moves),
        If("commit", "=", head.commit),
        If("pending", "=", head.pending or ""),
    )


def _nothing_staged(generation: int) -> tuple[If, ...]:
    return (If("generation", "=", generation), If(_slot("batches", generation), "=", 0))


_NOTHING: Attributes = {}


def _move(
    named: Named,
    head: Head,
    target: CommitId,
    why: Why,
    *,
    assign: Attributes = _NOTHING,
    condition: tuple[If, ...] = (),
) -> list[Change]:
    number = head.moves + 1
    moved: Attributes = {"commit": target, "pending": "", "moves": number, **assign}
    return [
        *(
            Update(key, assign=moved, condition=(*_unmoved(head), *condition))
            for key in head_keys(named.id)
        ),
        Move(named.id, number, head.commit, target, why).put(named),
    ]


def _slot(count: str, generation: int) -> str:
    """The attribute that counts ``batches``, ``records`` or ``bytes`` of a generation."""
    return f"{count}_{generation % 2}"


def _no_counts(generation: int) -> dict[str, Value]:
    return {_slot(count, generation): 0 for count in ("batches", "records", "bytes")}
