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

At most one job is pending on a branch: whoever finds one finishes it first (its author, time and
parent are frozen in the job, so anyone arrives at the same commit). What a reader must look at is
therefore: the open generation, the pending one, the commit's tree.

Ticks order the changes of one record: a batch takes a tick greater than any it can see on any
head, and a head's tick only grows; so of two batches, one of which was acknowledged before the
other began, the later has the greater tick. Between concurrent batches any order is right.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import (
    BatchId,
    BranchId,
    BranchName,
    CommitId,
    DatasetId,
    JobId,
    WorkspaceId,
)
from datavault.domain.rows import (
    EXPIRES_AT,
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

_JOB_KEPT_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch by name. ``id`` tells it from an earlier branch of that name."""

    id: BranchId
    name: BranchName
    commit: CommitId
    created_ms: int
    created_by: str

    @classmethod
    def of(cls, row: Row, commit: CommitId) -> "Branch":
        """From its row, and the commit that one of its heads names."""
        return cls(
            BranchId(row.text("id")),
            BranchName(row.text("name")),
            commit,
            row.number("created_ms"),
            row.text("created_by"),
        )

    def encode(self) -> str:
        """As a remembered request keeps it."""
        return json.dumps([self.id, self.name, self.commit, self.created_ms, self.created_by])

    @classmethod
    def decode(cls, text: str) -> "Branch":
        """What ``encode`` gave."""
        branch, name, commit, created_ms, created_by = json.loads(text)
        return cls(BranchId(branch), BranchName(name), CommitId(commit), created_ms, created_by)


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says. ``pending`` is the job that closed generation ``generation - 1``."""

    commit: CommitId
    generation: int
    pending: JobId | None
    tick: int
    records: int
    bytes: int
    closed_batches: int
    """Batches in the generation before the open one."""

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
            row.number(_slot("batches", generation - 1)),
        )


@dataclass(frozen=True, slots=True)
class CommitJob:
    """A commit under way: everything its id depends on is frozen here, but the changes."""

    id: JobId
    branch: BranchId
    generation: int
    parent: CommitId
    author: str
    message: str
    time_ms: int
    commit: CommitId | None
    abandoned: bool = False

    @classmethod
    def of(cls, row: Row, message: str) -> "CommitJob":
        """From its row and its message, which is sealed there."""
        return cls(
            JobId(row.text("id")),
            BranchId(row.text("branch")),
            row.number("generation"),
            CommitId(row.text("parent")),
            row.text("author"),
            message,
            row.number("time_ms"),
            CommitId(row.text("commit")) if row.text("commit") else None,
            "abandoned" in row.attributes,
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
    if len({(head.commit, head.generation, head.pending) for head in heads}) != 1:
        return None
    return Head(
        heads[0].commit,
        heads[0].generation,
        heads[0].pending,
        max(head.tick for head in heads),
        sum(head.records for head in heads),
        sum(head.bytes for head in heads),
        sum(head.closed_batches for head in heads),
    )


def create(ws: WorkspaceId, ds: DatasetId, branch: Branch) -> list[Change]:
    """The branch and its heads, at the branch's commit, with nothing staged."""
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
        **_no_counts(0),
        **_no_counts(1),
    }
    return [row, *(Put(key, empty, Absent()) for key in head_keys(branch.id))]


def delete(ws: WorkspaceId, ds: DatasetId, branch: Branch, generation: int) -> list[Change]:
    """The end of a branch with nothing pending; what is staged on it is left to the sweep."""
    unmoved = (If("generation", "=", generation), If("pending", "=", ""))
    return [
        Delete(keyspace.branch(ws, ds, branch.name), (If("id", "=", branch.id),)),
        *(Delete(key, unmoved) for key in head_keys(branch.id)),
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
        condition=(If("generation", "=", generation), If("tick", "<", tick)),
    )


def close_generation(job: CommitJob, sealed_message: bytes) -> list[Change]:
    """T1: heads open the next generation and name the job; the job is written."""
    unmoved = (
        If("generation", "=", job.generation),
        If("commit", "=", job.parent),
        If("pending", "=", ""),
    )
    # The slot is free: the generation that had it before is committed, since nothing is pending.
    opened: Attributes = {
        "generation": job.generation + 1,
        "pending": job.id,
        **_no_counts(job.generation + 1),
    }
    return [
        *(Update(key, assign=opened, condition=unmoved) for key in head_keys(job.branch)),
        Put(
            keyspace.commit_job(job.id),
            {
                "id": job.id,
                "branch": job.branch,
                "generation": job.generation,
                "parent": job.parent,
                "author": job.author,
                "message": sealed_message,
                "time_ms": job.time_ms,
                "commit": "",
            },
            Absent(),
        ),
    ]


def move(
    branch: BranchId, *, source: CommitId, target: CommitId, pending: JobId | None
) -> list[Change]:
    """T3 for the heads: from one commit to another, with ``pending`` (or nothing) under way."""
    unmoved = (If("commit", "=", source), If("pending", "=", pending or ""))
    return [
        Update(key, assign={"commit": target, "pending": ""}, condition=unmoved)
        for key in head_keys(branch)
    ]


def still(branch: BranchId, commit: CommitId) -> list[Change]:
    """That the branch is at a commit, and nothing is under way."""
    unmoved = (If("commit", "=", commit), If("pending", "=", ""))
    return [Check(key, unmoved) for key in head_keys(branch)]


def finish_job(job: CommitJob, commit: CommitId, now_ms: int) -> Update:
    """T3 for the job: it has made its commit, and is remembered for a week."""
    return Update(
        keyspace.commit_job(job.id),
        assign={"commit": commit, EXPIRES_AT: (now_ms + _JOB_KEPT_MS) // 1000},
        condition=(If("commit", "=", ""),),
    )


def abandon(job: CommitJob, now_ms: int) -> list[Change]:
    """Give up a commit that cannot be made: its generation's changes are lost."""
    pending = (If("pending", "=", job.id),)
    forgotten: Attributes = {"abandoned": True, EXPIRES_AT: (now_ms + _JOB_KEPT_MS) // 1000}
    return [
        *(Update(key, assign={"pending": ""}, condition=pending) for key in head_keys(job.branch)),
        Update(keyspace.commit_job(job.id), assign=forgotten, condition=(If("commit", "=", ""),)),
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


def _slot(count: str, generation: int) -> str:
    """The attribute that counts ``batches``, ``records`` or ``bytes`` of a generation."""
    return f"{count}_{generation % 2}"


def _no_counts(generation: int) -> dict[str, Value]:
    return {_slot(count, generation): 0 for count in ("batches", "records", "bytes")}
