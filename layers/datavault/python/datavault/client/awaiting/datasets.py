"""Generated from the operations table: methods of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.paging import async_pages
from datavault.client.routes import Arguments
from datavault.client.routing import datasets as routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.datasets import DatasetListReply, DatasetReply


class AsyncDatasets(AsyncCaller):
    """Operations of datasets."""

    async def create_dataset(
        self,
        *,
        name: str,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        record_key: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> DatasetReply:
        """Create a dataset with its own store and keys, and its branch main."""
        return await self.call(
            routing.CREATE_DATASET,
            Arguments(
                body={
                    "name": name,
                    "description": description,
                    "labels": labels,
                    "record_key": record_key,
                }
            ),
            **options,
        )

    async def list_datasets(
        self, *, limit: int = 100, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> DatasetListReply:
        """List the workspace's datasets, oldest first."""
        return await self.call(
            routing.LIST_DATASETS, Arguments(query={"limit": limit, "cursor": cursor}), **options
        )

    async def iter_datasets(
        self, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> AsyncIterator[DatasetReply]:
        """Iterate over all pages of ``list_datasets``, each fetched when reached."""
        async for page in async_pages(self.list_datasets, limit=page_size, **options):
            for item in page.data:
                yield item

    async def describe_dataset(
        self, dataset_id: str, **options: Unpack[CallOptions]
    ) -> DatasetReply:
        """Describe one dataset."""
        return await self.call(routing.DESCRIBE_DATASET, Arguments(path=(dataset_id,)), **options)
