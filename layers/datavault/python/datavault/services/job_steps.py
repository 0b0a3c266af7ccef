"""Jobs as the functions of their state machines see them: start, report, end.

A step reports before it works and when it has worked. Each report is one conditional write: where
the job has ended meanwhile, or somebody wants it to, the step stops with ``Cancelled``, and the
state machine goes to its cleaning step.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from datavault.domain import jobs, keyspace, ledger
from datavault.domain.access import Action, Caller
from datavault.domain.errors import Cancelled, NotFound, Throttled, Unavailable, VaultError
from datavault.domain.ids import JobId, WorkspaceId
from datavault.domain.jobs import Failure, Job, JobState, Tally
from datavault.domain.rows import Change
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts

_CANCELLED = Failure(Cancelled.code, "somebody asked for its end")


def start_job(vault: Vault, job: Job) -> None:
    """Start the state machine of a job that was asked for.

    May be repeated: an execution has the job's id for a name and is started once. A crash before
    this is mended by the sweep, which calls it again.
    """
    payload = {"workspace": job.workspace, "job": job.id, "correlation_id": job.correlation_id}
    vault.workflows.start(job.kind.value, job.id, payload)


def find_own_job(vault: Vault, ws: WorkspaceId, job_id: JobId) -> Job:
    """A job, for its own steps; it may have ended."""
    row = vault.catalog.get(keyspace.job(ws, job_id))
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return Job.of(row)


def open_job(vault: Vault, ws: WorkspaceId, job_id: JobId) -> Job:
    """The job that a step works on.

    Raises:
        Cancelled: it has ended, or somebody wants it to.
    """
    job = find_own_job(vault, ws, job_id)
    if not job.state.is_open or job.state is JobState.CANCELLING:
        raise Cancelled(f"job {job_id} is {job.state}")
    return job


def report(
    vault: Vault,
    job: Job,
    phase: str,
    *,
    add: Tally | None = None,
    warnings: Sequence[str] | None = None,
) -> None:
    """Say that work goes on. ``add`` is counted again when the report is made again.

    Raises:
        Cancelled: the job has ended, or somebody wants it to.
    """
    for token in attempts(vault, "the job"):
        if attempt(vault, [_report(vault, job, phase, add or Tally(), warnings)], token):
            return
        open_job(vault, job.workspace, job.id)


def report_part(
    vault: Vault, job: Job, phase: str, part: int, add: Tally, outcome: Mapping[str, int]
) -> None:
    """Say that a part is done. A part that is done twice counts once; ``outcome`` is remembered.

    Raises:
        Cancelled: the job has ended, or somebody wants it to.
    """
    done = jobs.part_done(job.id, part, outcome)
    for token in attempts(vault, "the job"):
        if attempt(vault, [done, _report(vault, job, phase, add, None)], token):
            return
        if vault.catalog.get(done.key) is not None:
            return
        open_job(vault, job.workspace, job.id)


@contextmanager
def noting_failure(vault: Vault, ws: WorkspaceId, job_id: JobId) -> Iterator[None]:
    """Note on the job why its step fails, unless that may pass by itself or was asked for."""
    try:
        yield
    except (Unavailable, Throttled, Cancelled):
        raise
    except VaultError as error:
        noted = jobs.note_failure(ws, job_id, Failure(error.code, str(error)), vault.clock.now_ms())
        for token in attempts(vault, "the job"):
            if attempt(vault, [noted], token) or not find_own_job(vault, ws, job_id).state.is_open:
                break
        raise


def end_job(
    vault: Vault, ws: WorkspaceId, job_id: JobId, failure: Failure, *, operation: str
) -> Job:
    """End an open job without its commit: as cancelled if somebody wanted that, else as failed.

    ``failure`` is why, where no step has noted it. May be repeated; what has ended stays so.
    """
    for token in attempts(vault, "the job"):
        job = find_own_job(vault, ws, job_id)
        if not job.state.is_open:
            return job
        cancelled = job.state is JobState.CANCELLING
        why = _CANCELLED if cancelled else job.failure or failure
        outcome = JobState.CANCELLED if cancelled else JobState.FAILED
        now_ms = vault.clock.now_ms()
        changes: list[Change] = [
            *jobs.fail(ws, job_id, outcome, why, now_ms),
            ledger.entry(
                acting_for(job),
                Action.CANCEL_JOBS if cancelled else Action.COMMIT,
                operation,
                job.dataset,
                now_ms,
                job=job_id,
                outcome=outcome.value,
                code=why.code,
            ),
        ]
        attempt(vault, changes, token)
    raise AssertionError("attempts ends by raising")


def acting_for(job: Job) -> Caller:
    """In whose name a job's steps write to the ledger: whoever asked for it.

    Without roles: what the job may do was decided when it was asked for.
    """
    return Caller(job.created_by, job.workspace, frozenset(), job.correlation_id)


def _report(
    vault: Vault, job: Job, phase: str, add: Tally, warnings: Sequence[str] | None
) -> Change:
    now_ms = vault.clock.now_ms()
    return jobs.report(
        job.workspace, job.id, phase=phase, now_ms=now_ms, add=add, warnings=warnings
    )
