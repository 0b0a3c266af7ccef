"""Generated from the operations table: routes of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.contracts.datasets import DatasetListReply, DatasetReply, DescribedDatasetReply
    from datavault.contracts.stats import DatasetStatsReply

CREATE_DATASET: Route[DatasetReply] = Route(
    "create_dataset", "POST", "/api/v1/datasets", "datavault.contracts.datasets:DatasetReply"
)
LIST_DATASETS: Route[DatasetListReply] = Route(
    "list_datasets", "GET", "/api/v1/datasets", "datavault.contracts.datasets:DatasetListReply"
)
DESCRIBE_DATASET: Route[DescribedDatasetReply] = Route(
    "describe_dataset",
    "GET",
    "/api/v1/datasets/{dataset_id}",
    "datavault.contracts.datasets:DescribedDatasetReply",
)
UPDATE_DATASET: Route[DatasetReply] = Route(
    "update_dataset",
    "PATCH",
    "/api/v1/datasets/{dataset_id}",
    "datavault.contracts.datasets:DatasetReply",
)
ARCHIVE_DATASET: Route[DatasetReply] = Route(
    "archive_dataset",
    "POST",
    "/api/v1/datasets/{dataset_id}/archive",
    "datavault.contracts.datasets:DatasetReply",
)
RESTORE_DATASET: Route[DatasetReply] = Route(
    "restore_dataset",
    "POST",
    "/api/v1/datasets/{dataset_id}/restore",
    "datavault.contracts.datasets:DatasetReply",
)
CLONE_DATASET: Route[DatasetReply] = Route(
    "clone_dataset",
    "POST",
    "/api/v1/datasets/{dataset_id}/clone",
    "datavault.contracts.datasets:DatasetReply",
)
GET_DATASET_STATS: Route[DatasetStatsReply] = Route(
    "get_dataset_stats",
    "GET",
    "/api/v1/datasets/{dataset_id}/stats",
    "datavault.contracts.stats:DatasetStatsReply",
)
