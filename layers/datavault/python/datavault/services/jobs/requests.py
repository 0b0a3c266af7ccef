"""Jobs as their owners ask for them: list, get, cancel."""

from datavault.domain import jobs, keyspace, ledger
from datavault.domain.access import Action, Caller, require
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.ids import DatasetId, JobId
from datavault.domain.jobs import Job, JobState
from datavault.domain.pages import Page
from datavault.domain.requests import Request
from datavault.domain.rows import Change, Table
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor


def list_jobs(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId | None, limit: int, cursor: str | None
) -> Page[Job]:
    """The workspace's jobs, newest first; with ``dataset_id``, those about that dataset."""
    require(caller, Action.READ_JOBS)
    scope = f"list_jobs/{dataset_id or ''}"
    first = JobId("")
    listed = (
        keyspace.job(caller.workspace, first)
        if dataset_id is None
        else keyspace.dataset_job(caller.workspace, dataset_id, first)
    )
    page = vault.catalog.page(
        Table.CATALOG,
        listed.partition,
        after=open_cursor(vault, caller, scope, cursor),
        limit=limit,
        newest_first=True,
    )
    rows = page.rows
    if dataset_id is not None:
        keys = [keyspace.job(caller.workspace, JobId(row.key.sort)) for row in rows]
        found = vault.catalog.get_many(keys)
        rows = tuple(found[key] for key in keys)
    last = rows[-1].key.sort if page.more else None
    return Page(tuple(Job.of(row) for row in rows), seal_cursor(vault, caller, scope, last))


def get_job(vault: Vault, *, caller: Caller, job_id: JobId) -> Job:
    """One job of the workspace."""
    require(caller, Action.READ_JOBS)
    return find_job(vault, caller, job_id)


def cancel_job(vault: Vault, *, caller: Caller, job_id: JobId, request: Request | None) -> Job:
    """Let an open job end without its commit; its next step removes what only the job needed.

    Bodies that it has stored stay, sealed and in no version, until retention collects them: the
    same content may be another job's by now.

    What it has published already stays: then the job has ended. Asking again changes nothing.

    Raises:
        Conflict: the job has ended.
    """
    require(caller, Action.CANCEL_JOBS)
    for token in attempts(vault, "the job"):
        job = find_job(vault, caller, job_id)
        if earlier_outcome(vault, caller, request) is not None:
            return job
        if job.state is JobState.CANCELLING:
            return job
        if not job.state.is_open:
            raise Conflict(f"job {job_id} has ended: it {_how(job.state)}", field="job_id")
        now_ms = vault.clock.now_ms()
        changes: list[Change] = [
            jobs.ask_to_end(caller.workspace, job_id, now_ms),
            *remember(vault, caller, request, job_id, now_ms),
            ledger.entry(caller, Action.CANCEL_JOBS, "cancel_job", job.dataset, now_ms, job=job_id),
        ]
        if attempt(vault, changes, token):
            return find_job(vault, caller, job_id)
    raise AssertionError("attempts ends by raising")


def find_job(vault: Vault, caller: Caller, job_id: JobId) -> Job:
    """The job, for a service that has its own permission to ask for."""
    row = vault.catalog.get(keyspace.job(caller.workspace, job_id))
    if row is None:
        raise NotFound(f"there is no job {job_id}", field="job_id")
    return Job.of(row)


def _how(state: JobState) -> str:
    return {"succeeded": "succeeded", "failed": "failed"}.get(state.value, "was cancelled")
