"""Generated from the operations table: methods of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.paging import async_pages
from datavault.client.routes import Arguments
from datavault.client.routing import records as routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from datavault.client.messages import Lines
    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.records import (
        AppendReply,
        BatchGetReply,
        CountReply,
        RecordEventReply,
        RecordHistoryReply,
        RecordIn,
        RecordListReply,
        RecordReply,
    )
    from datavault.contracts.staged import StagedChangeReply, StagedListReply


class AsyncRecords(AsyncCaller):
    """Operations of records."""

    async def append_records(
        self,
        dataset_id: str,
        *,
        records: Sequence[RecordIn],
        branch: str = "main",
        **options: Unpack[ChangeOptions],
    ) -> AppendReply:
        """Stage records on a branch: new ids are added, known ids replaced."""
        return await self.call(
            routing.APPEND_RECORDS,
            Arguments(path=(dataset_id,), body={"records": records, "branch": branch}),
            **options,
        )

    async def append_records_as_lines(
        self,
        dataset_id: str,
        lines: bytes,
        *,
        branch: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> AppendReply:
        """``append_records`` from NDJSON; each line is kept byte for byte."""
        return await self.call(
            routing.APPEND_RECORDS,
            Arguments(path=(dataset_id,), query={"branch": branch}, lines=lines),
            **options,
        )

    async def list_records(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RecordListReply:
        """List the records of a branch or commit in the order of their ids."""
        return await self.call(
            routing.LIST_RECORDS,
            Arguments(path=(dataset_id,), query={"ref": ref, "limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_records(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[RecordReply]:
        """Iterate over all pages of ``list_records``, each fetched when reached."""
        async for page in async_pages(
            self.list_records, dataset_id, ref=ref, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def list_records_as_lines(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Lines:
        """``list_records`` as NDJSON; each line is a record byte for byte."""
        return await self.call(
            routing.LIST_RECORDS_AS_LINES,
            Arguments(path=(dataset_id,), query={"ref": ref, "limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_records_as_lines(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[bytes]:
        """Iterate over all pages of ``list_records_as_lines``, each fetched when reached."""
        async for page in async_pages(
            self.list_records_as_lines, dataset_id, ref=ref, limit=page_size, **options
        ):
            for item in page:
                yield item

    async def get_record(
        self, dataset_id: str, record_id: str, *, ref: str = "main", **options: Unpack[CallOptions]
    ) -> RecordReply:
        """Get one record as a branch or commit has it."""
        return await self.call(
            routing.GET_RECORD,
            Arguments(path=(dataset_id, record_id), query={"ref": ref}),
            **options,
        )

    async def get_record_as_lines(
        self, dataset_id: str, record_id: str, *, ref: str = "main", **options: Unpack[CallOptions]
    ) -> Lines:
        """``get_record`` as NDJSON; each line is a record byte for byte."""
        return await self.call(
            routing.GET_RECORD_AS_LINES,
            Arguments(path=(dataset_id, record_id), query={"ref": ref}),
            **options,
        )

    async def batch_get_records(
        self,
        dataset_id: str,
        *,
        ids: Sequence[str],
        ref: str = "main",
        **options: Unpack[ChangeOptions],
    ) -> BatchGetReply:
        """Get up to 100 records by their ids; nothing is changed."""
        return await self.call(
            routing.BATCH_GET_RECORDS,
            Arguments(path=(dataset_id,), body={"ids": ids, "ref": ref}),
            **options,
        )

    async def batch_get_records_as_lines(
        self,
        dataset_id: str,
        *,
        ids: Sequence[str],
        ref: str = "main",
        **options: Unpack[ChangeOptions],
    ) -> Lines:
        """``batch_get_records`` as NDJSON; each line is a record byte for byte."""
        return await self.call(
            routing.BATCH_GET_RECORDS_AS_LINES,
            Arguments(path=(dataset_id,), body={"ids": ids, "ref": ref}),
            **options,
        )

    async def count_records(
        self, dataset_id: str, *, ref: str = "main", **options: Unpack[CallOptions]
    ) -> CountReply:
        """Count the records of a branch, tag or commit."""
        return await self.call(
            routing.COUNT_RECORDS, Arguments(path=(dataset_id,), query={"ref": ref}), **options
        )

    async def list_staged(
        self,
        dataset_id: str,
        branch: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> StagedListReply:
        """List the records that committing a branch would add, change or remove."""
        return await self.call(
            routing.LIST_STAGED,
            Arguments(path=(dataset_id, branch), query={"limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_staged(
        self, dataset_id: str, branch: str, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> AsyncIterator[StagedChangeReply]:
        """Iterate over all pages of ``list_staged``, each fetched when reached."""
        async for page in async_pages(
            self.list_staged, dataset_id, branch, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def list_record_history(
        self,
        dataset_id: str,
        record_id: str,
        *,
        ref: str = "main",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RecordHistoryReply:
        """List the commits that changed a record, newest first."""
        return await self.call(
            routing.LIST_RECORD_HISTORY,
            Arguments(
                path=(dataset_id, record_id), query={"ref": ref, "limit": limit, "cursor": cursor}
            ),
            **options,
        )

    async def iter_record_history(
        self,
        dataset_id: str,
        record_id: str,
        *,
        ref: str = "main",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[RecordEventReply]:
        """Iterate over all pages of ``list_record_history``, each fetched when reached."""
        async for page in async_pages(
            self.list_record_history, dataset_id, record_id, ref=ref, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def delete_record(
        self,
        dataset_id: str,
        record_id: str,
        *,
        branch: str = "main",
        expected_version: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> None:
        """Stage the removal of one record on a branch."""
        return await self.call(
            routing.DELETE_RECORD,
            Arguments(
                path=(dataset_id, record_id),
                query={"branch": branch, "expected_version": expected_version},
            ),
            **options,
        )

    async def restore_record(
        self,
        dataset_id: str,
        record_id: str,
        *,
        ref: str,
        branch: str = "main",
        **options: Unpack[ChangeOptions],
    ) -> AppendReply:
        """Stage one record on a branch as another ref has it."""
        return await self.call(
            routing.RESTORE_RECORD,
            Arguments(path=(dataset_id, record_id), body={"ref": ref, "branch": branch}),
            **options,
        )
