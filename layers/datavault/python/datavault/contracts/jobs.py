"""Wire shapes of jobs."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.wire import (
    Cursor,
    Limit,
    Links,
    Pagination,
    Query,
    Reply,
    Time,
    time_of,
)

if TYPE_CHECKING:
    from datavault.domain.jobs import Failure, Job
    from datavault.domain.pages import Page
    from datavault.domain.papers import Quarantined

State = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]


class ListJobsQuery(Query):
    """Which jobs, and which page."""

    dataset_id: Annotated[
        Annotated[str, Field(max_length=64)] | None,
        Field(description="Only jobs about this dataset."),
    ] = None
    limit: Limit = 100
    cursor: Cursor = None


class JobProgress(Reply):
    """How far the work is. ``*_total`` are 0 until the work has been planned."""

    records: int = Field(description="Records read.")
    stored: int = Field(description="Of those, records whose bodies were not stored before.")
    quarantined: int = Field(description="Records that were refused, and are kept apart.")
    bytes: int = Field(description="Bytes of the sources that were read.")
    bytes_total: int
    parts: int = Field(description="Parts of the work that are done.")
    parts_total: int
    bytes_per_second: float | None
    remaining_seconds: float | None = Field(description="An estimate, at the rate so far.")


class JobError(Reply):
    """Why a job failed."""

    code: str
    message: str

    @classmethod
    def of(cls, failure: "Failure | None") -> Self | None:
        """The wire shape of ``failure``."""
        return None if failure is None else cls(code=failure.code, message=failure.message)


class JobReply(Reply):
    """A job: work that goes on after the request that asked for it was answered."""

    id: str
    kind: str
    dataset_id: str
    branch: str
    state: State
    phase: str
    progress: JobProgress
    warnings: list[str]
    error: JobError | None
    commit: str | None = Field(description="The commit that came of it.")
    created_at: Time
    created_by: str
    updated_at: Time
    ended_at: Time | None
    links: Links

    @classmethod
    def of(cls, job: "Job") -> Self:
        """The wire shape of ``job``."""
        tally = job.tally
        links = {
            "self": link("jobs", job.id),
            "dataset": link("datasets", job.dataset),
        }
        if job.commit is not None:
            links["commit"] = link("datasets", job.dataset, "commits", job.commit)
        return cls(
            id=job.id,
            kind=job.kind.value,
            dataset_id=job.dataset,
            branch=job.branch,
            state=job.state.value,
            phase=job.phase,
            progress=JobProgress(
                records=tally.records,
                stored=tally.stored,
                quarantined=tally.quarantined,
                bytes=tally.bytes,
                bytes_total=tally.bytes_total,
                parts=tally.parts,
                parts_total=tally.parts_total,
                bytes_per_second=job.bytes_per_second,
                remaining_seconds=job.remaining_s,
            ),
            warnings=list(job.warnings),
            error=JobError.of(job.failure),
            commit=job.commit,
            created_at=time_of(job.created_ms),
            created_by=job.created_by,
            updated_at=time_of(job.updated_ms),
            ended_at=time_of(job.ended_ms) if job.ended_ms else None,
            links=links,
        )


class JobListReply(Reply):
    """A page of jobs, newest first."""

    data: list[JobReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Job]", query: ListJobsQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        return cls(
            data=[JobReply.of(job) for job in page.items],
            pagination=Pagination.after(page.next_cursor),
            links=page_links(
                "jobs",
                next_cursor=page.next_cursor,
                dataset_id=query.dataset_id,
                limit=query.limit,
                cursor=query.cursor,
            ),
        )


class ListQuarantinedQuery(Query):
    """Which page."""

    cursor: Cursor = None


class QuarantinedReply(Reply):
    """A record that a job refused. Its text is had as a line, by asking for NDJSON."""

    file: str
    line: int | None = Field(
        description="Counted from 1 in the file; null as long as not all before it has been read."
    )
    offset: int = Field(description="In bytes of the decompressed file, from 0.")
    code: str
    reason: str
    size: int = Field(description="Bytes of the record, of which 4 MiB are kept at the most.")
    links: Links


class QuarantineReply(Reply):
    """A page of the records that a job refused, about 1 MiB of them."""

    data: list[QuarantinedReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Quarantined]", job_id: str, query: ListQuarantinedQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "jobs", job_id, "quarantine", next_cursor=page.next_cursor, cursor=query.cursor
        )
        return cls(
            data=[
                QuarantinedReply(
                    file=each.file,
                    line=each.line,
                    offset=each.offset,
                    code=each.code,
                    reason=each.reason,
                    size=each.size,
                    links={"job": link("jobs", job_id)},
                )
                for each in page.items
            ],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "job": link("jobs", job_id)},
        )
