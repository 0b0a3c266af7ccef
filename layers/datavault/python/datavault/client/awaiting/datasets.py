"""Generated from the operations table: methods of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.paging import async_pages
from datavault.client.routes import Arguments
from datavault.client.routing import datasets as routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from typing import Literal

    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.datasets import DatasetListReply, DatasetReply, DescribedDatasetReply
    from datavault.contracts.stats import DatasetStatsReply


class AsyncDatasets(AsyncCaller):
    """Operations of datasets."""

    async def create_dataset(
        self,
        *,
        name: str,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, str | bool | int | float] | None = None,
        record_key: str | None = None,
        schema: Mapping[str, object] | None = None,
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
                    "metadata": metadata,
                    "record_key": record_key,
                    "schema": schema,
                }
            ),
            **options,
        )

    async def list_datasets(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        name_prefix: str | None = None,
        label: Sequence[str] = (),
        metadata: Sequence[str] = (),
        created_by: str | None = None,
        state: Literal["active", "archived", "any"] = "active",
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> DatasetListReply:
        """List or search the workspace's datasets, oldest first."""
        return await self.call(
            routing.LIST_DATASETS,
            Arguments(
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "name_prefix": name_prefix,
                    "label": label,
                    "metadata": metadata,
                    "created_by": created_by,
                    "state": state,
                    "created_after": created_after,
                    "created_before": created_before,
                }
            ),
            **options,
        )

    async def iter_datasets(
        self,
        *,
        name_prefix: str | None = None,
        label: Sequence[str] = (),
        metadata: Sequence[str] = (),
        created_by: str | None = None,
        state: Literal["active", "archived", "any"] = "active",
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[DatasetReply]:
        """Iterate over all pages of ``list_datasets``, each fetched when reached."""
        async for page in async_pages(
            self.list_datasets,
            name_prefix=name_prefix,
            label=label,
            metadata=metadata,
            created_by=created_by,
            state=state,
            created_after=created_after,
            created_before=created_before,
            limit=page_size,
            **options,
        ):
            for item in page.data:
                yield item

    async def describe_dataset(
        self, dataset_id: str, **options: Unpack[CallOptions]
    ) -> DescribedDatasetReply:
        """Describe one dataset."""
        return await self.call(routing.DESCRIBE_DATASET, Arguments(path=(dataset_id,)), **options)

    async def update_dataset(
        self,
        dataset_id: str,
        *,
        if_match: str | int,
        name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, str | bool | int | float] | None = None,
        schema: Mapping[str, object] | None = None,
        **options: Unpack[ChangeOptions],
    ) -> DatasetReply:
        """Change a dataset's name, description, labels, metadata or schema."""
        return await self.call(
            routing.UPDATE_DATASET,
            Arguments(
                path=(dataset_id,),
                body={
                    "name": name,
                    "description": description,
                    "labels": labels,
                    "metadata": metadata,
                    "schema": schema,
                },
                if_match=if_match,
            ),
            **options,
        )

    async def archive_dataset(
        self, dataset_id: str, **options: Unpack[ChangeOptions]
    ) -> DatasetReply:
        """Take no more changes to a dataset, which is read as before."""
        return await self.call(routing.ARCHIVE_DATASET, Arguments(path=(dataset_id,)), **options)

    async def restore_dataset(
        self, dataset_id: str, **options: Unpack[ChangeOptions]
    ) -> DatasetReply:
        """Take changes to an archived dataset again."""
        return await self.call(routing.RESTORE_DATASET, Arguments(path=(dataset_id,)), **options)

    async def clone_dataset(
        self,
        dataset_id: str,
        *,
        name: str,
        ref: str = "main",
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, str | bool | int | float] | None = None,
        **options: Unpack[ChangeOptions],
    ) -> DatasetReply:
        """Make another dataset that starts at a version of this one and shares its store."""
        return await self.call(
            routing.CLONE_DATASET,
            Arguments(
                path=(dataset_id,),
                body={
                    "name": name,
                    "ref": ref,
                    "description": description,
                    "labels": labels,
                    "metadata": metadata,
                },
            ),
            **options,
        )

    async def get_dataset_stats(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        base: str | None = None,
        **options: Unpack[CallOptions],
    ) -> DatasetStatsReply:
        """Count what a version takes, and what of it another version shares."""
        return await self.call(
            routing.GET_DATASET_STATS,
            Arguments(path=(dataset_id,), query={"ref": ref, "base": base}),
            **options,
        )
