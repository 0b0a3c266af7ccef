"""Jobs: long work that a state machine does, each a row that can be asked for.

A job is *open* from the transaction that asks for it to the one that ends it; exactly one of each.
While it is open its steps report to it, and each report asks in its condition whether somebody
wants the job to end: so a cancelled job stops at its next step and never after its last one, and
what only it needed is removed. What a part of the work has reported is remembered by the part's
own row, written in the same transaction: a part that runs twice counts once.

Rows: the job itself, listed by workspace; its id by dataset; and, while it is open, its id in a
shard of the open jobs, where the sweep finds those that nobody works at any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datavault.domain import keyspace
from datavault.domain.ids import BranchName, CommitId, DatasetId, JobId, WorkspaceId
from datavault.domain.rows import Absent, Attributes, Change, Delete, If, Put, Row, Update

WARNINGS_MAX = 20
# What a part's row says of the lines that begin in it (``papers.PartOutcome``).
LINES = "lines"
PHASE_CHARS_MAX = 64
MESSAGE_CHARS_MAX = 1000


class JobKind(StrEnum):
    """Which state machine does the work; the name is the machine's, in every stage."""

    INGEST_OBJECTS = "ingest_objects"


class JobState(StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"
    """Asked for; its state machine has not reported yet."""
    RUNNING = "running"
    CANCELLING = "cancelling"
    """Somebody wants it to end; its next step will see to it."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the job can still change."""
        return self in _OPEN


_OPEN = {JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING}


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the work is: what was done, and of ``parts`` and ``bytes`` what there is to do.

    ``quarantined`` are records that were refused and kept apart; ``stored`` are those whose bodies
    were not there before.
    """

    records: int = 0
    stored: int = 0
    quarantined: int = 0
    bytes: int = 0
    bytes_total: int = 0
    parts: int = 0
    parts_total: int = 0

    @classmethod
    def of(cls, row: Row) -> "Tally":
        """From a job's row."""
        return cls(**{name: row.number(f"tally_{name}") for name in cls.__slots__})

    def as_attributes(self) -> dict[str, int]:
        """As a job's row holds it, or as what is added to one."""
        return {f"tally_{name}": getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed: the error's code, and what to do, safe to show."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job as its row has it."""

    id: JobId
    workspace: WorkspaceId
    dataset: DatasetId
    branch: BranchName
    kind: JobKind
    state: JobState
    phase: str
    tally: Tally
    created_ms: int
    updated_ms: int
    ended_ms: int | None
    created_by: str
    correlation_id: str
    warnings: tuple[str, ...]
    failure: Failure | None
    commit: CommitId | None

    @classmethod
    def of(cls, row: Row) -> "Job":
        """From its row."""
        failure = Failure(row.text("error_code"), row.text("error_message"))
        return cls(
            JobId(row.key.sort),
            WorkspaceId(row.text("workspace")),
            DatasetId(row.text("dataset")),
            BranchName(row.text("branch")),
            JobKind(row.text("kind")),
            _state(row),
            row.text("phase"),
            Tally.of(row),
            row.number("created_ms"),
            row.number("updated_ms"),
            row.number("ended_ms") or None,
            row.text("created_by"),
            row.text("correlation_id"),
            row.texts("warnings") if "warnings" in row.attributes else (),
            failure if failure.code else None,
            CommitId(row.text("commit")) if row.text("commit") else None,
        )

    @property
    def bytes_per_second(self) -> float | None:
        """The mean rate since the job was asked for; ``None`` before anything was done."""
        elapsed_ms = (self.ended_ms or self.updated_ms) - self.created_ms
        return self.tally.bytes * 1000 / elapsed_ms if elapsed_ms > 0 < self.tally.bytes else None

    @property
    def remaining_s(self) -> float | None:
        """How long the rest of the bytes will take at the mean rate; ``None`` when unknown."""
        rate = self.bytes_per_second
        left = self.tally.bytes_total - self.tally.bytes
        return left / rate if rate and self.state is JobState.RUNNING and left >= 0 else None


def request(job: Job) -> list[Change]:
    """The changes that ask for a job. All are of new rows: asking twice fails."""
    return [
        Put(
            keyspace.job(job.workspace, job.id),
            {
                "workspace": job.workspace,
                "dataset": job.dataset,
                "branch": job.branch,
                "kind": job.kind.value,
                "open": 1,
                "cancelling": 0,
                "started": 0,
                "outcome": "",
                "phase": job.phase,
                **job.tally.as_attributes(),
                "created_ms": job.created_ms,
                "updated_ms": job.created_ms,
                "ended_ms": 0,
                "created_by": job.created_by,
                "correlation_id": job.correlation_id,
                "error_code": "",
                "error_message": "",
                "commit": "",
            },
            Absent(),
        ),
        Put(keyspace.dataset_job(job.workspace, job.dataset, job.id), {}, Absent()),
        Put(keyspace.open_job(job.id), {"workspace": job.workspace}, Absent()),
    ]


def report(
    ws: WorkspaceId,
    job: JobId,
    *,
    phase: str,
    now_ms: int,
    add: Tally,
    warnings: Sequence[str] | None = None,
) -> Update:
    """That work goes on, and what was done; only while nobody wants the job to end."""
    assert len(phase) <= PHASE_CHARS_MAX, phase
    said: Attributes = {} if warnings is None else {"warnings": tuple(warnings[:WARNINGS_MAX])}
    return Update(
        keyspace.job(ws, job),
        assign={"phase": phase, "updated_ms": now_ms, "started": 1, **said},
        add={name: count for name, count in add.as_attributes().items() if count},
        condition=(If("open", "=", 1), If("cancelling", "=", 0)),
    )


def part_done(job: JobId, part: int, outcome: Mapping[str, int]) -> Put:
    """That a part has reported; with ``report`` in one transaction it is counted once.

    ``outcome`` is remembered as long as the job.
    """
    return Put(keyspace.job_part(job, part), {**outcome}, Absent())


def ask_to_end(ws: WorkspaceId, job: JobId, now_ms: int) -> Update:
    """That somebody wants an open job to end."""
    return Update(
        keyspace.job(ws, job),
        assign={"cancelling": 1, "updated_ms": now_ms},
        condition=(If("open", "=", 1),),
    )


def note_failure(ws: WorkspaceId, job: JobId, failure: Failure, now_ms: int) -> Update:
    """Why an open job will fail, as the step says that failed; state machines pass names only."""
    return Update(
        keyspace.job(ws, job),
        assign={**_said(failure), "updated_ms": now_ms},
        condition=(If("open", "=", 1),),
    )


def succeed(ws: WorkspaceId, job: JobId, commit: CommitId, now_ms: int) -> list[Change]:
    """The end that was hoped for; only while nobody wants another. Goes with the ref's move."""
    return [
        Update(
            keyspace.job(ws, job),
            assign={
                "open": 0,
                **_said(Failure("", "")),
                "outcome": JobState.SUCCEEDED.value,
                "phase": "done",
                "commit": commit,
                "updated_ms": now_ms,
                "ended_ms": now_ms,
            },
            condition=(If("open", "=", 1), If("cancelling", "=", 0)),
        ),
        Delete(keyspace.open_job(job)),
    ]


def fail(
    ws: WorkspaceId, job: JobId, outcome: JobState, failure: Failure, now_ms: int
) -> list[Change]:
    """Any other end of an open job."""
    assert not outcome.is_open, outcome
    return [
        Update(
            keyspace.job(ws, job),
            assign={
                "open": 0,
                "outcome": outcome.value,
                **_said(failure),
                "updated_ms": now_ms,
                "ended_ms": now_ms,
            },
            condition=(If("open", "=", 1),),
        ),
        Delete(keyspace.open_job(job)),
    ]


def _said(failure: Failure) -> dict[str, str]:
    return {
        "error_code": failure.code,
        "error_message": failure.message[:MESSAGE_CHARS_MAX],
    }


def _state(row: Row) -> JobState:
    if not row.number("open"):
        return JobState(row.text("outcome"))
    if row.number("cancelling"):
        return JobState.CANCELLING
    return JobState.RUNNING if row.number("started") else JobState.QUEUED
