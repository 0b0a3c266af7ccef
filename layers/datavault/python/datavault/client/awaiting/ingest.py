"""Generated from the operations table: methods of ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.paging import async_pages
from datavault.client.routes import Arguments
from datavault.client.routing import ingest as routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from typing import Literal

    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.jobs import JobReply
    from datavault.contracts.uploads import (
        OfferReply,
        PartListReply,
        PartReply,
        SentFile,
        SentPart,
        UploadReply,
    )


class AsyncIngest(AsyncCaller):
    """Operations of ingest."""

    async def create_upload(
        self,
        dataset_id: str,
        *,
        branch: str = "main",
        name: str = "",
        size: int | None = None,
        part_bytes: int | None = None,
        format: Literal[
            "ndjson", "json_array", "csv", "tsv", "text_lines", "text_paragraphs", "parquet"
        ]
        | None = None,
        compression: Literal["none", "gzip", "zstd"] | None = None,
        columns: Mapping[str, Literal["string", "integer", "number", "boolean", "json"]]
        | None = None,
        mode: Literal["upsert", "replace", "append_only"] = "upsert",
        message: str = "",
        max_bad_records: int | None = None,
        max_bad_fraction: float | None = None,
        min_records: int | None = None,
        max_records: int | None = None,
        checksums: Sequence[str] | None = None,
        **options: Unpack[ChangeOptions],
    ) -> OfferReply:
        """Begin to upload a large file in parts, which go straight to S3."""
        return await self.call(
            routing.CREATE_UPLOAD,
            Arguments(
                path=(dataset_id,),
                body={
                    "branch": branch,
                    "name": name,
                    "size": size,
                    "part_bytes": part_bytes,
                    "format": format,
                    "compression": compression,
                    "columns": columns,
                    "mode": mode,
                    "message": message,
                    "max_bad_records": max_bad_records,
                    "max_bad_fraction": max_bad_fraction,
                    "min_records": min_records,
                    "max_records": max_records,
                    "checksums": checksums,
                },
            ),
            **options,
        )

    async def get_upload(self, upload_id: str, **options: Unpack[CallOptions]) -> UploadReply:
        """Get one upload: whether it is open, and its job once it is completed."""
        return await self.call(routing.GET_UPLOAD, Arguments(path=(upload_id,)), **options)

    async def list_upload_parts(
        self,
        upload_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        checksum: Sequence[str] = (),
        **options: Unpack[CallOptions],
    ) -> PartListReply:
        """List an upload's parts: those that have arrived, and where to send the others."""
        return await self.call(
            routing.LIST_UPLOAD_PARTS,
            Arguments(
                path=(upload_id,), query={"limit": limit, "cursor": cursor, "checksum": checksum}
            ),
            **options,
        )

    async def iter_upload_parts(
        self,
        upload_id: str,
        *,
        checksum: Sequence[str] = (),
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[PartReply]:
        """Iterate over all pages of ``list_upload_parts``, each fetched when reached."""
        async for page in async_pages(
            self.list_upload_parts, upload_id, checksum=checksum, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def complete_upload(
        self,
        upload_id: str,
        *,
        parts: Sequence[SentPart],
        files: Sequence[SentFile] | None = None,
        **options: Unpack[ChangeOptions],
    ) -> JobReply:
        """Put an upload's parts together and ask for the job that takes the file in."""
        return await self.call(
            routing.COMPLETE_UPLOAD,
            Arguments(path=(upload_id,), body={"parts": parts, "files": files}),
            **options,
        )

    async def abort_upload(self, upload_id: str, **options: Unpack[ChangeOptions]) -> None:
        """End an upload without a job, and remove what of it has arrived."""
        return await self.call(routing.ABORT_UPLOAD, Arguments(path=(upload_id,)), **options)
