"""Uploads: a file comes in as parts that go straight to the landing, and becomes a job.

What holds, whatever crashes and however often a request is made: an upload makes one job at most,
and whoever completes it again gets that one. Nothing is asked of the parts' bytes here. What is
begun and never ended expires after a day, and the sweep removes what of it has landed; a begun
upload whose row was never written is removed by the bucket's own lifecycle.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec

from datavault.domain import jobs, keyspace, ledger, uploads
from datavault.domain.access import Action, Caller, require
from datavault.domain.bundles import BundledFile, require_filled, sources_of
from datavault.domain.datasets import Dataset, still_active
from datavault.domain.errors import Conflict, Invalid, NotFound, Unavailable
from datavault.domain.ids import BranchName, DatasetId, JobId, UploadId, new_id
from datavault.domain.jobs import Job, JobKind, JobState, Tally
from datavault.domain.landing import (
    Checksums,
    Landed,
    LandedPart,
    PartClaim,
    PartPromise,
)
from datavault.domain.pages import Page
from datavault.domain.papers import JobInput
from datavault.domain.refs import require_unprotected
from datavault.domain.requests import Request
from datavault.domain.rows import Change
from datavault.domain.store.keys import StoreKeys
from datavault.domain.uploads import LIVE, PARTS_MAX, Offer, Parts, Upload, UploadPart, UploadState
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_writable_dataset
from datavault.services.job_steps import find_own_job, start_job
from datavault.services.keys import open_store
from datavault.services.papers import write_paper
from datavault.services.refs import open_work
from datavault.services.staging import read_head

URL_S = 3600
# So many URLs, with a session's token in each, are 200 kB.
FIRST_PARTS = 100
# The name of a job's first paper: what it is to do.
INPUT = "input"


def create_upload(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    parts: Parts,
    wanted: JobInput,
    checksums: Sequence[bytes] | None,
    request: Request | None,
) -> Offer:
    """Begin an upload of one file, ``wanted.sources[0]``, whose key and tag are not known yet.

    With ``checksums``, the SHA-256 of the first parts or of none of them, every part has to come
    with one.

    Raises:
        Conflict: the dataset is archived, or the branch protected.
    """
    require(caller, Action.UPLOAD)
    first = dict(enumerate(checksums or (), start=1))
    begun: Upload | None = None
    for token in attempts(vault, "the dataset"):
        dataset = find_writable_dataset(vault, caller, dataset_id, request)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            upload = find_upload(vault, caller, UploadId(before))
            break
        _require_open_branch(vault, dataset, branch)
        upload = begun = begun or _begin(
            vault, caller, dataset, branch, parts, wanted, is_checked=checksums is not None
        )
        changes: list[Change] = [
            still_active(dataset, token),
            *uploads.begin(upload),
            *remember(vault, caller, request, upload.id, upload.created_ms),
            _entry(caller, "create_upload", upload, upload.created_ms),
        ]
        if attempt(vault, changes, token):
            break
    numbers = range(1, (upload.parts.count or PARTS_MAX) + 1)[:FIRST_PARTS]
    return Offer(upload, tuple(_part(vault, upload, number, {}, first) for number in numbers))


def get_upload(vault: Vault, *, caller: Caller, upload_id: UploadId) -> Upload:
    """One upload of the workspace, as it stands."""
    require(caller, Action.UPLOAD)
    upload = find_upload(vault, caller, upload_id)
    if not upload.is_live(vault.clock.now_ms()) and upload.state in LIVE:
        return replace(upload, state=UploadState.EXPIRED)  # The sweep has not come by yet.
    return upload


def list_upload_parts(
    vault: Vault,
    *,
    caller: Caller,
    upload_id: UploadId,
    checksums: Mapping[int, bytes],
    limit: int,
    cursor: str | None,
) -> Page[UploadPart]:
    """The parts of a live upload by number: those that have arrived, and where to send others.

    So an upload is resumed. Of a file whose size nobody knows there are 10,000. ``checksums``
    are of parts that are to be sent.
    """
    require(caller, Action.UPLOAD)
    upload = find_upload(vault, caller, upload_id)
    upload.require_live(vault.clock.now_ms())
    scope = f"list_upload_parts/{upload_id}"
    after = int(open_cursor(vault, caller, scope, cursor) or 0)
    last = min(upload.parts.count or PARTS_MAX, after + limit)
    landed = _landed(vault, upload, after, limit)
    numbers = range(after + 1, last + 1)
    found = tuple(_part(vault, upload, number, landed, checksums) for number in numbers)
    more = last < (upload.parts.count or PARTS_MAX)
    return Page(found, seal_cursor(vault, caller, scope, str(last) if more else None))


def complete_upload(
    vault: Vault,
    *,
    caller: Caller,
    upload_id: UploadId,
    parts: Sequence[PartClaim],
    files: Sequence[BundledFile] = (),
    request: Request | None,
) -> Job:
    """Put the parts together and ask for the job that takes them in; the job.

    May be repeated, by anybody and at once: it is one job. ``files`` are there if the upload is
    several, one behind the other.

    Raises:
        Invalid: parts are missing, or not as S3 has them; they can be sent again. Or ``files`` are
            not what the upload is.
        Conflict: the upload was aborted or has expired, an earlier request that came to nothing
            named other ``files``, the dataset is archived, or the branch protected.
    """
    require(caller, Action.UPLOAD)
    landed: Landed | None = None
    for token in attempts(vault, "the upload"):
        upload = find_upload(vault, caller, upload_id)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return find_own_job(vault, caller.workspace, JobId(before))
        if upload.state is UploadState.COMPLETED and upload.job is not None:
            return find_own_job(vault, caller.workspace, upload.job)
        now_ms = vault.clock.now_ms()
        upload.require_live(now_ms)
        dataset = find_writable_dataset(vault, caller, upload.dataset)
        _require_open_branch(vault, dataset, upload.branch)
        _require_whole(upload, parts)
        require_filled(files, upload.parts.size)
        if upload.job is None:
            # Whether it happens or somebody else's does: the next look will tell.
            attempt(vault, [uploads.completing(upload, JobId(new_id("job", now_ms)))], token)
            continue
        try:
            landed = landed or _put_together(vault, caller, upload, parts)
        except NotFound:
            # Aborted or completed meanwhile, which the next look tells; or the bucket's lifecycle
            # was faster than the sweep.
            if find_upload(vault, caller, upload_id) == upload:
                raise Conflict(f"upload {upload_id} has expired", field="upload_id") from None
            continue
        job = _ask(vault, caller, dataset, upload, landed, files, request, token)
        if job is not None:
            # What a crash or a silence of Step Functions leaves, the sweep of jobs starts.
            with suppress(Unavailable):
                start_job(vault, job)
            return job
    raise AssertionError("attempts ends by raising")


def abort_upload(vault: Vault, *, caller: Caller, upload_id: UploadId) -> None:
    """End an upload without a job and remove what of it has landed. May be repeated.

    Raises:
        Conflict: it was completed; its job can be cancelled.
    """
    require(caller, Action.UPLOAD)
    for token in attempts(vault, "the upload"):
        upload = find_upload(vault, caller, upload_id)
        if upload.state is UploadState.COMPLETED:
            raise Conflict(f"upload {upload_id} is completed: cancel its job", field="upload_id")
        if upload.state not in LIVE:
            break
        now_ms = vault.clock.now_ms()
        changes: list[Change] = [
            uploads.end(upload, UploadState.ABORTED),
            _entry(caller, "abort_upload", upload, now_ms),
        ]
        if attempt(vault, changes, token):
            break
    remove_upload(vault, upload)


def find_upload(vault: Vault, caller: Caller, upload_id: UploadId) -> Upload:
    """The upload, for a service that has its own permission to ask for."""
    row = vault.catalog.get(keyspace.upload(caller.workspace, upload_id))
    if row is None:
        raise NotFound(f"there is no upload {upload_id}", field="upload_id")
    return Upload.of(row)


def remove_upload(vault: Vault, upload: Upload) -> None:
    """Remove all that has landed of an upload that makes no job. May be repeated."""
    vault.landing.abort(upload.key, upload.token)
    with suppress(NotFound):
        vault.landing.delete(vault.landing.head(upload.key))


def _begin(
    vault: Vault,
    caller: Caller,
    dataset: Dataset,
    branch: BranchName,
    parts: Parts,
    wanted: JobInput,
    *,
    is_checked: bool,
) -> Upload:
    """An upload that the landing knows, and no row yet."""
    now_ms = vault.clock.now_ms()
    upload = Upload(
        id=UploadId(new_id("up", now_ms)),
        workspace=dataset.workspace,
        dataset=dataset.id,
        branch=branch,
        state=UploadState.OPEN,
        parts=parts,
        is_checked=is_checked,
        token="",
        wanted=b"",
        job=None,
        created_ms=now_ms,
        created_by=caller.subject,
    )
    token = vault.landing.begin(upload.key, Checksums.SHA256 if is_checked else Checksums.NONE)
    sealed = _seal(open_store(vault, dataset), upload, wanted)
    return replace(upload, token=token, wanted=sealed)


def _require_open_branch(vault: Vault, dataset: Dataset, branch: BranchName) -> None:
    require_unprotected(read_head(open_work(vault, dataset, branch)))


def _require_whole(upload: Upload, parts: Sequence[PartClaim]) -> None:
    """Of a file whose size is known every part is there; S3 would make one of what is listed."""
    count = upload.parts.count
    numbers = [part.number for part in parts]
    if count is not None and numbers != list(range(1, count + 1)):
        raise Invalid(
            f"the file has {count} parts, to be listed in order; {len(parts)} are", field="parts"
        )
    if upload.is_checked and any(part.sha256 is None for part in parts):
        raise Invalid("each part of this upload has a checksum", field="parts")


def _put_together(
    vault: Vault, caller: Caller, upload: Upload, parts: Sequence[PartClaim]
) -> Landed:
    landed = vault.landing.complete(upload.key, upload.token, parts)
    if upload.parts.size not in (None, landed.size):
        # It is one object now, so no part can be sent again.
        abort_upload(vault, caller=caller, upload_id=upload.id)
        raise Invalid(
            f"the parts have {landed.size} bytes, and {upload.parts.size} were announced: the"
            " upload is aborted",
            field="parts",
        )
    return landed


def _ask(
    vault: Vault,
    caller: Caller,
    dataset: Dataset,
    upload: Upload,
    landed: Landed,
    files: Sequence[BundledFile],
    request: Request | None,
    token: str,
) -> Job | None:
    """The one transaction that completes the upload; ``None`` if something came first."""
    assert upload.job is not None, "it is completing"
    keys = open_store(vault, dataset)
    wanted = _unseal(keys, upload)
    sources = sources_of(wanted.sources[0], landed, files)
    paper = msgspec.structs.replace(wanted, sources=sources)
    if write_paper(vault, keys, upload.job, INPUT, paper) != paper:
        raise Conflict(
            f"upload {upload.id} is being completed with other files: complete it with those or"
            " abort it",
            field="files",
        )
    now_ms = vault.clock.now_ms()
    job = asked_job(caller, dataset, upload.branch, upload.job, now_ms)
    changes: list[Change] = [
        still_active(dataset, token),
        uploads.complete(upload, upload.job),
        *jobs.request(job),
        uploads.remove_sources_later(dataset.workspace, dataset.id, job.id, now_ms),
        *remember(vault, caller, request, job.id, now_ms),
        _entry(caller, "complete_upload", upload, now_ms, job=job.id, bytes=landed.size),
    ]
    return job if attempt(vault, changes, token) else None


def asked_job(
    caller: Caller,
    dataset: Dataset,
    branch: BranchName,
    job: JobId,
    now_ms: int,
) -> Job:
    """A job that takes in files, as it is when it is asked for."""
    return Job(
        id=job,
        workspace=dataset.workspace,
        dataset=dataset.id,
        branch=branch,
        kind=JobKind.INGEST_OBJECTS,
        state=JobState.QUEUED,
        phase="queued",
        tally=Tally(),  # Its plan adds what there is to do.
        created_ms=now_ms,
        updated_ms=now_ms,
        ended_ms=None,
        created_by=caller.subject,
        correlation_id=caller.correlation_id,
        warnings=(),
        failure=None,
        commit=None,
    )


def _landed(vault: Vault, upload: Upload, after: int, limit: int) -> dict[int, LandedPart]:
    try:
        found, _ = vault.landing.parts(upload.key, upload.token, after=after, limit=limit)
    except NotFound:
        # Put together by a request that then came to nothing: completing it again goes on.
        raise Conflict(
            f"upload {upload.id} is completing: complete it", field="upload_id"
        ) from None
    return {part.number: part for part in found}


def _part(
    vault: Vault,
    upload: Upload,
    number: int,
    landed: Mapping[int, LandedPart],
    checksums: Mapping[int, bytes],
) -> UploadPart:
    size = upload.parts.size_of(number)
    if number in landed:
        return UploadPart(number, size, landed[number], None)
    checksum = checksums.get(number) if upload.is_checked else None
    if upload.is_checked and checksum is None:
        return UploadPart(number, size, None, None)
    promise = PartPromise(number, size, checksum)
    signed = vault.landing.sign_part(upload.key, upload.token, promise, expires_s=URL_S)
    return UploadPart(number, size, None, signed)


def _seal(keys: StoreKeys, upload: Upload, wanted: JobInput) -> bytes:
    plain = msgspec.json.encode(wanted)
    return keys.seal(plain, purpose="upload", context=upload.id, place=upload.dataset)


def _unseal(keys: StoreKeys, upload: Upload) -> JobInput:
    opened = keys.unseal(upload.wanted, purpose="upload", context=upload.id, place=upload.dataset)
    return msgspec.json.decode(opened, type=JobInput)


def _entry(
    caller: Caller, operation: str, upload: Upload, now_ms: int, **details: str | int
) -> Change:
    return ledger.entry(
        caller, Action.UPLOAD, operation, upload.dataset, now_ms, upload=upload.id, **details
    )
