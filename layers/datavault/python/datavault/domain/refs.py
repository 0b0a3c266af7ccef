"""Branches and the commit protocol, as values: heads, generations, and three transactions.

A branch is ``HEAD_SHARDS`` identical heads, so that writers do not queue on one. Each says which
commit the branch is at, which *generation* of staged changes is open, and which commit job, if
any, has closed a generation and is still ``pending``. A head also counts what went through it
(``records``, ``bytes``) and remembers the greatest ``tick`` it has seen.

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
from datavault.domain.rows import Absent, Attributes, Change, Delete, If, Key, Put, Row, Update
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


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says. ``pending`` is the job that closed generation ``generation - 1``."""

    commit: CommitId
    generation: int
    pending: JobId | None
    tick: int
    records: int
    bytes: int

    @classmethod
    def of(cls, row: Row) -> "Head":
        """From its row."""
        return cls(
            CommitId(row.text("commit")),
            row.number("generation"),
            JobId(row.text("pending")) if row.text("pending") else None,
            row.number("tick"),
            row.number("records"),
            row.number("bytes"),
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
        "records": 0,
        "bytes": 0,
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
        add={"records": records, "bytes": size},
        condition=(If("generation", "=", generation), If("tick", "<", tick)),
    )


def close_generation(job: CommitJob, sealed_message: bytes) -> list[Change]:
    """T1: heads open the next generation and name the job; the job is written."""
    unmoved = (
        If("generation", "=", job.generation),
        If("commit", "=", job.parent),
        If("pending", "=", ""),
    )
    opened: Attributes = {
        "generation": job.generation + 1,
        "pending": job.id,
        "records": 0,
        "bytes": 0,
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


def rebase(job: CommitJob, parent: CommitId) -> list[Change]:
    """The job's commit will follow ``parent``: its old one is no longer the branch's head."""
    still = (If("parent", "=", job.parent), If("commit", "=", ""))
    return [Update(keyspace.commit_job(job.id), assign={"parent": parent}, condition=still)]


def move(
    branch: BranchId, *, source: CommitId, target: CommitId, pending: JobId | None
) -> list[Change]:
    """T3 for the heads: from one commit to another, with ``pending`` (or nothing) under way."""
    unmoved = (If("commit", "=", source), If("pending", "=", pending or ""))
    return [
        Update(key, assign={"commit": target, "pending": ""}, condition=unmoved)
        for key in head_keys(branch)
    ]


def finish_job(job: CommitJob, commit: CommitId) -> Update:
    """T3 for the job: it has made its commit."""
    return Update(
        keyspace.commit_job(job.id),
        assign={"commit": commit},
        condition=(If("parent", "=", job.parent), If("commit", "=", "")),
    )


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
