"""What is left in the landing: uploads that nobody ended, and files whose job has ended."""

from dataclasses import dataclass, replace

from datavault.domain import keyspace, uploads
from datavault.domain.errors import VaultError
from datavault.domain.ids import DatasetId, JobId, UploadId, WorkspaceId
from datavault.domain.jobs import Job
from datavault.domain.rows import Row, Table
from datavault.domain.uploads import LIVE, Upload, UploadState
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts
from datavault.services.ingest.publishing import clean_ingest
from datavault.services.ingest.uploads import remove_upload
from datavault.services.staging import all_rows

# A run ends well before its function's 15 minutes.
RUN_MS_MAX = 12 * 60 * 1000
# What the last job of a run may take; a later run goes on with it.
CLEAN_MS_MAX = 2 * 60 * 1000
# A worker that was at work as its job ended may go on for so long, and leave what it made.
STRAGGLER_MS = 15 * 60 * 1000


@dataclass(frozen=True, slots=True)
class SweptUploads:
    """What one run did."""

    expired: int
    objects: int


def sweep_uploads(vault: Vault) -> SweptUploads:
    """Expire uploads that are a day old, and remove the files of jobs that have ended.

    With its files goes whatever else a job has left that could not clean up itself. A row leaves
    the queue when what it stands for is gone; a crash leaves the row, and the next run does it
    again. Jobs that are at work are looked at and left; one that has ended stays in the queue until
    none of its workers can be at work.

    Raises:
        VaultError: what of a row could not be removed, when all other rows have been looked at or
            the time is up.
    """
    swept = SweptUploads(0, 0)
    problem: VaultError | None = None
    began_ms = vault.clock.now_ms()
    for shard in range(keyspace.LANDING_SHARDS):
        for due in all_rows(vault, Table.STAGING, keyspace.landing_due_partition(shard)):
            now_ms = vault.clock.now_ms()
            if int(due.key.sort.split("/")[0]) > now_ms:
                break
            if now_ms - began_ms > RUN_MS_MAX:
                return _ended(swept, problem)
            try:
                swept = _look_at(vault, due, swept)
            except VaultError as error:
                problem = error
    return _ended(swept, problem)


def _ended(swept: SweptUploads, problem: VaultError | None) -> SweptUploads:
    if problem is not None:
        raise problem
    return swept


def _look_at(vault: Vault, due: Row, swept: SweptUploads) -> SweptUploads:
    ws = WorkspaceId(due.text("workspace"))
    if "job" in due.attributes:
        cleaned = _clean(vault, ws, DatasetId(due.text("dataset")), JobId(due.text("job")))
        swept = replace(swept, objects=swept.objects + cleaned.objects)
        if not cleaned.is_over:
            return swept
    else:
        expired = _expire(vault, ws, UploadId(due.text("upload")))
        swept = replace(swept, expired=swept.expired + expired)
    vault.catalog.delete_many([due.key])
    return swept


def _expire(vault: Vault, ws: WorkspaceId, upload_id: UploadId) -> bool:
    """Whether the upload has expired; nothing of one that was not completed is left."""
    for token in attempts(vault, "the upload"):
        row = vault.catalog.get(keyspace.upload(ws, upload_id))
        if row is None:
            return False
        upload = Upload.of(row)
        if upload.state is UploadState.COMPLETED:
            return False
        if upload.state not in LIVE:
            remove_upload(vault, upload)
            return upload.state is UploadState.EXPIRED
        # Fails if somebody completes or aborts it this moment.
        attempt(vault, [uploads.end(upload, UploadState.EXPIRED)], token)
    raise AssertionError("attempts ends by raising")


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """How many files of a job were removed, and whether nothing can come of it any more."""

    objects: int
    is_over: bool


def _clean(vault: Vault, ws: WorkspaceId, ds: DatasetId, job_id: JobId) -> _Cleaned:
    found = vault.catalog.get(keyspace.job(ws, job_id))
    if found is None or vault.catalog.get(keyspace.dataset(ws, ds)) is None:
        return _Cleaned(0, is_over=True)
    job = Job.of(found)
    if job.ended_ms is None:
        return _Cleaned(0, is_over=False)
    # Looked at before it is cleaned: what comes in between, the next run finds.
    is_over = vault.clock.now_ms() - job.ended_ms > STRAGGLER_MS
    removed = clean_ingest(vault, workspace=ws, job_id=job_id, ms_max=CLEAN_MS_MAX)
    return _Cleaned(removed, is_over)
