"""Generated from the operations table: methods of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import Caller
from datavault.client.paging import pages
from datavault.client.routes import Arguments
from datavault.client.routing import datasets as routing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.datasets import DatasetListReply, DatasetReply


class Datasets(Caller):
    """Operations of datasets."""

    def create_dataset(
        self,
        *,
        name: str,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        record_key: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> DatasetReply:
        """Create a dataset with its own store and keys, and its branch main."""
        return self.call(
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

    def list_datasets(
        self, *, limit: int = 100, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> DatasetListReply:
        """List the workspace's datasets, oldest first."""
        return self.call(
            routing.LIST_DATASETS, Arguments(query={"limit": limit, "cursor": cursor}), **options
        )

    def iter_datasets(
        self, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> Iterator[DatasetReply]:
        """Iterate over all pages of ``list_datasets``, each fetched when reached."""
        for page in pages(self.list_datasets, limit=page_size, **options):
            yield from page.data

    def describe_dataset(self, dataset_id: str, **options: Unpack[CallOptions]) -> DatasetReply:
        """Describe one dataset."""
        return self.call(routing.DESCRIBE_DATASET, Arguments(path=(dataset_id,)), **options)
