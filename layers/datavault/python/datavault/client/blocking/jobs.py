"""Generated from the operations table: methods of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import Caller
from datavault.client.paging import pages
from datavault.client.routes import Arguments
from datavault.client.routing import jobs as routing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datavault.client.messages import Lines
    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.jobs import JobListReply, JobReply, QuarantinedReply, QuarantineReply


class Jobs(Caller):
    """Operations of jobs."""

    def list_jobs(
        self,
        *,
        dataset_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> JobListReply:
        """List the workspace's jobs, newest first."""
        return self.call(
            routing.LIST_JOBS,
            Arguments(query={"dataset_id": dataset_id, "limit": limit, "cursor": cursor}),
            **options,
        )

    def iter_jobs(
        self,
        *,
        dataset_id: str | None = None,
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> Iterator[JobReply]:
        """Iterate over all pages of ``list_jobs``, each fetched when reached."""
        for page in pages(self.list_jobs, dataset_id=dataset_id, limit=page_size, **options):
            yield from page.data

    def get_job(self, job_id: str, **options: Unpack[CallOptions]) -> JobReply:
        """Get one job: how far it is, and what came of it."""
        return self.call(routing.GET_JOB, Arguments(path=(job_id,)), **options)

    def cancel_job(self, job_id: str, **options: Unpack[ChangeOptions]) -> JobReply:
        """Let a job end without its commit."""
        return self.call(routing.CANCEL_JOB, Arguments(path=(job_id,)), **options)

    def list_quarantined(
        self, job_id: str, *, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> QuarantineReply:
        """List the records that a job refused, or get them as lines to be mended."""
        return self.call(
            routing.LIST_QUARANTINED, Arguments(path=(job_id,), query={"cursor": cursor}), **options
        )

    def iter_quarantined(
        self, job_id: str, **options: Unpack[CallOptions]
    ) -> Iterator[QuarantinedReply]:
        """Iterate over all pages of ``list_quarantined``, each fetched when reached."""
        for page in pages(self.list_quarantined, job_id, **options):
            yield from page.data

    def list_quarantined_as_lines(
        self, job_id: str, *, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> Lines:
        """``list_quarantined`` as NDJSON; each line is a record byte for byte."""
        return self.call(
            routing.LIST_QUARANTINED_AS_LINES,
            Arguments(path=(job_id,), query={"cursor": cursor}),
            **options,
        )

    def iter_quarantined_as_lines(
        self, job_id: str, **options: Unpack[CallOptions]
    ) -> Iterator[bytes]:
        """Iterate over all pages of ``list_quarantined_as_lines``, each fetched when reached."""
        for page in pages(self.list_quarantined_as_lines, job_id, **options):
            yield from page
