"""Jobs that nobody works on: started anew where that helps, else ended."""

from dataclasses import dataclass, replace

from datavault.domain import keyspace
from datavault.domain.errors import VaultError
from datavault.domain.ids import JobId, WorkspaceId
from datavault.domain.jobs import Failure, Job, JobKind, JobState
from datavault.domain.rows import Row, Table
from datavault.ports import Execution, Vault
from datavault.services.ingest.publishing import clean_ingest
from datavault.services.job_steps import end_job, start_job
from datavault.services.staging import all_rows

# Who asked for a job starts it; a crash in between is met after this.
UNSTARTED_MS = 60 * 1000
# A step has 15 minutes and reports when it begins and ends; with three retries of 32 seconds it is
# silent for an hour at most.
SILENT_MS_MAX = 75 * 60 * 1000
# A run ends well before its function's 15 minutes.
RUN_MS_MAX = 12 * 60 * 1000
# What cleaning up after one job may take; the sweep of the landing goes on with it.
CLEAN_MS_MAX = 2 * 60 * 1000

# What removes what an ended job has left, by kind.
CLEANERS = {JobKind.INGEST_OBJECTS: clean_ingest}

_STUCK = Failure("unavailable", "nothing was heard of the job for too long: ask for it again")
_DIED = Failure("unavailable", "the job's state machine ended before the job: ask for it again")


@dataclass(frozen=True, slots=True)
class SweptJobs:
    """What one run did."""

    started: int
    ended: int


def sweep_jobs(vault: Vault) -> SweptJobs:
    """Start what was asked for and not started, and end what is stuck or has lost its machine.

    Looks at every open job, some reads for each. What it stops half-way the next run takes up.

    Raises:
        VaultError: what one of the jobs could not be swept for, when all others have been looked
            at or the time is up.
    """
    swept = SweptJobs(0, 0)
    problem: VaultError | None = None
    began_ms = vault.clock.now_ms()
    for shard in range(keyspace.OPEN_JOB_SHARDS):
        for row in all_rows(vault, Table.CATALOG, keyspace.open_jobs_partition(shard)):
            if vault.clock.now_ms() - began_ms > RUN_MS_MAX:
                return _ended(swept, problem)
            try:
                swept = _look_at(vault, row, swept)
            except VaultError as error:
                problem = error
    return _ended(swept, problem)


def _ended(swept: SweptJobs, problem: VaultError | None) -> SweptJobs:
    if problem is not None:
        raise problem
    return swept


def _look_at(vault: Vault, row: Row, swept: SweptJobs) -> SweptJobs:
    ws, job_id = WorkspaceId(row.text("workspace")), JobId(row.key.sort)
    found = vault.catalog.get(keyspace.job(ws, job_id))
    if found is None:
        return swept
    job = Job.of(found)
    silent_ms = vault.clock.now_ms() - job.updated_ms
    if not job.state.is_open or silent_ms < UNSTARTED_MS:
        return swept
    machine = job.kind.value
    execution = vault.workflows.find(machine, job.id)
    if execution is None:
        start_job(vault, job)
        return replace(swept, started=swept.started + 1)
    if execution is Execution.RUNNING:
        if silent_ms < SILENT_MS_MAX:
            return swept
        vault.workflows.stop(machine, job.id, reason="silent for too long")
    why = _STUCK if execution is Execution.RUNNING else _DIED
    ended = end_job(vault, ws, job.id, why, operation="sweep_jobs")
    CLEANERS[job.kind](vault, workspace=ws, job_id=job.id, ms_max=CLEAN_MS_MAX)
    return replace(swept, ended=swept.ended + (ended.state is not JobState.SUCCEEDED))
