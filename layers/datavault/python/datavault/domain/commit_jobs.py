"""Commit jobs: a commit under way, from T1 to T3 (``domain.refs``), and a week beyond."""

from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchId, CommitId, JobId
from datavault.domain.rows import EXPIRES_AT, Absent, If, Put, Row, Update

_KEPT_MS = 7 * 24 * 3600 * 1000


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


def start(job: CommitJob, sealed_message: bytes) -> Put:
    """T1 for the job: everything that its commit's id depends on."""
    return Put(
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
    )


def finish(job: CommitJob, commit: CommitId, now_ms: int) -> Update:
    """T3 for the job: it has made its commit, and is remembered for a week."""
    return Update(
        keyspace.commit_job(job.id),
        assign={"commit": commit, EXPIRES_AT: (now_ms + _KEPT_MS) // 1000},
        condition=(If("commit", "=", ""),),
    )


def forget(job: CommitJob, now_ms: int) -> Update:
    """The job will make no commit any more."""
    return Update(
        keyspace.commit_job(job.id),
        assign={"abandoned": True, EXPIRES_AT: (now_ms + _KEPT_MS) // 1000},
        condition=(If("commit", "=", ""),),
    )
