"""Uploads: large files that come in as parts, each sent straight to the landing.

An upload is *open* until its parts are put together. Whoever completes it first marks it as
*completing*, under the id that the job is going to have, so that every attempt makes the same job;
then the parts become one object, and one transaction makes the upload *completed* and asks for
the job. Until that, it may be *aborted*, by its owner or, when its time is over, by the sweep;
what of it has landed goes with it. Each step is conditional on the state it was seen in.

Rows: the upload by workspace, which the table drops a week later; and a place in the queue of what
has to be cleaned up: an upload when it expires, and the sources of a job once that has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from datavault.domain import keyspace
from datavault.domain.errors import Conflict, Invalid, TooLarge
from datavault.domain.ids import BranchName, DatasetId, JobId, UploadId, WorkspaceId
from datavault.domain.landing import LandedPart, SignedPart
from datavault.domain.rows import EXPIRES_AT, Absent, Change, If, Put, Row, Update

# S3's own: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PARTS_MAX = 10_000
PART_BYTES_MIN = 5 * 2**20
PART_BYTES_MAX = 5 * 2**30
# What an object could have until December 2025; more comes as several files of one manifest.
UPLOAD_BYTES_MAX = 5 * 2**40
# 10,000 of these are 160 GB, which is enough for a pipe whose length nobody knows.
PART_BYTES_DEFAULT = 16 * 2**20
UPLOAD_MS = 24 * 3600 * 1000
ROW_KEPT_MS = 7 * 24 * 3600 * 1000
_MIB = 2**20


class UploadState(StrEnum):
    """Where an upload is on its way."""

    OPEN = "open"
    COMPLETING = "completing"
    COMPLETED = "completed"
    ABORTED = "aborted"
    EXPIRED = "expired"


LIVE = {UploadState.OPEN, UploadState.COMPLETING}


@dataclass(frozen=True, slots=True)
class Parts:
    """How a file is cut: parts of ``part_bytes``, the last maybe shorter; ``size`` if known."""

    part_bytes: int
    size: int | None

    @property
    def count(self) -> int | None:
        """How many there will be; ``None`` if nobody knows. An empty file is one empty part."""
        return None if self.size is None else max(1, -(-self.size // self.part_bytes))

    def size_of(self, number: int) -> int | None:
        """How long a part has to be; ``None`` if nobody knows."""
        if self.size is None:
            return None
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload as its row has it.

    ``wanted`` is what the job is to do (``domain.papers.JobInput``), sealed: it names the file.
    ``token`` is the landing's. ``job`` is there from the first attempt to complete it.
    """

    id: UploadId
    workspace: WorkspaceId
    dataset: DatasetId
    branch: BranchName
    state: UploadState
    parts: Parts
    is_checked: bool
    token: str
    wanted: bytes
    job: JobId | None
    created_ms: int
    created_by: str

    @classmethod
    def of(cls, row: Row) -> "Upload":
        """From its row."""
        size = row.number("size")
        return cls(
            UploadId(row.key.sort),
            WorkspaceId(row.text("workspace")),
            DatasetId(row.text("dataset")),
            BranchName(row.text("branch")),
            UploadState(row.text("state")),
            Parts(row.number("part_bytes"), None if size < 0 else size),
            row.flag("is_checked"),
            row.text("token"),
            row.binary("wanted"),
            JobId(row.text("job")) if row.text("job") else None,
            row.number("created_ms"),
            row.text("created_by"),
        )

    @property
    def key(self) -> str:
        """Where it lands."""
        return keyspace.landing_upload(self.workspace, self.dataset, self.id)

    @property
    def expires_ms(self) -> int:
        """When it is over, if it has not been completed."""
        return self.created_ms + UPLOAD_MS

    def is_live(self, now_ms: int) -> bool:
        """Whether parts may come in still."""
        return self.state in LIVE and now_ms < self.expires_ms

    def require_live(self, now_ms: int) -> None:
        """Return if it is; else ``Conflict`` says what became of it."""
        if not self.is_live(now_ms):
            how = UploadState.EXPIRED if self.state in LIVE else self.state
            raise Conflict(f"upload {self.id} is {how.value}", field="upload_id")


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One part of an upload: as it has arrived, or where to send it, or neither.

    Neither, where the upload is checked and nobody has said the part's checksum yet.
    """

    number: int
    size: int | None
    landed: LandedPart | None
    signed: SignedPart | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A new upload and where its first parts go."""

    upload: Upload
    first_parts: tuple[UploadPart, ...]


def plan_parts(size: int | None, part_bytes: int | None) -> Parts:
    """Parts as wished for, or else of the least whole MiB that does, 16 at least.

    Raises:
        Invalid: parts of that size are too small or too large, or would be more than 10,000.
        TooLarge: the file has more than 5 TiB.
    """
    if size is not None and size > UPLOAD_BYTES_MAX:
        raise TooLarge(f"a file has at most {UPLOAD_BYTES_MAX} bytes, not {size}", field="size")
    if part_bytes is None:
        least = -(-(size or 0) // PARTS_MAX)
        part_bytes = max(PART_BYTES_DEFAULT, -(-least // _MIB) * _MIB)
    if not PART_BYTES_MIN <= part_bytes <= PART_BYTES_MAX:
        raise Invalid(
            f"a part has {PART_BYTES_MIN} to {PART_BYTES_MAX} bytes, not {part_bytes}",
            field="part_bytes",
        )
    parts = Parts(part_bytes, size)
    if parts.count is not None and parts.count > PARTS_MAX:
        raise Invalid(
            f"a file has at most {PARTS_MAX} parts; of {part_bytes} bytes it would have"
            f" {parts.count}",
            field="part_bytes",
        )
    return parts


def begin(upload: Upload) -> list[Change]:
    """The upload, and that it is to be looked at when it expires. All rows are new."""
    size = upload.parts.size
    return [
        Put(
            keyspace.upload(upload.workspace, upload.id),
            {
                "workspace": upload.workspace,
                "dataset": upload.dataset,
                "branch": upload.branch,
                "state": upload.state.value,
                "part_bytes": upload.parts.part_bytes,
                "size": -1 if size is None else size,
                "is_checked": upload.is_checked,
                "token": upload.token,
                "wanted": upload.wanted,
                "job": upload.job or "",
                "created_ms": upload.created_ms,
                "created_by": upload.created_by,
                EXPIRES_AT: (upload.created_ms + ROW_KEPT_MS) // 1000,
            },
            Absent(),
        ),
        Put(
            keyspace.landing_due(upload.expires_ms, upload.id),
            {"workspace": upload.workspace, "upload": upload.id},
            Absent(),
        ),
    ]


def completing(upload: Upload, job: JobId) -> Update:
    """That an open upload is going to be completed, and by which job."""
    return _to(upload, UploadState.COMPLETING, {"job": job})


def complete(upload: Upload, job: JobId) -> Update:
    """That the upload is that job's source; with the changes that ask for the job."""
    assert upload.state is UploadState.COMPLETING, upload.state
    assert upload.job == job, job
    return _to(upload, UploadState.COMPLETED, {})


def end(upload: Upload, how: UploadState) -> Update:
    """That a live upload is aborted, or has expired."""
    assert upload.state in LIVE, upload.state
    return _to(upload, how, {})


def remove_sources_later(ws: WorkspaceId, ds: DatasetId, job: JobId, now_ms: int) -> Put:
    """That what a job reads is to be removed once it has ended."""
    key = keyspace.landing_due(now_ms, job)
    return Put(key, {"workspace": ws, "dataset": ds, "job": job}, Absent())


def _to(upload: Upload, state: UploadState, more: Mapping[str, str]) -> Update:
    return Update(
        keyspace.upload(upload.workspace, upload.id),
        assign={"state": state.value, **more},
        condition=(If("state", "=", upload.state.value),),
    )
