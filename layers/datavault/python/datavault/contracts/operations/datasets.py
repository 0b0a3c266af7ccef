"""Rows of the table: datasets."""

from datavault.contracts import datasets
from datavault.contracts.operations.rows import (
    API,
    DATASET,
    HISTORY,
    PUT_OBJECTS,
    STAGE,
    Grant,
    Operation,
)
from datavault.domain.access import Action

ROWS: tuple[Operation, ...] = (
    Operation(
        name="create_dataset",
        capability="datasets",
        method="POST",
        path=f"{API}/datasets",
        summary="Create a dataset with its own store and keys, and its branch main",
        action=Action.CREATE_DATASET,
        body=datasets.CreateDatasetBody,
        reply=datasets.DatasetReply,
        status=201,
        function="functions.datasets.create",
        grants=STAGE | PUT_OBJECTS | {Grant.KEYS_GENERATE},
    ),
    Operation(
        name="list_datasets",
        capability="datasets",
        method="GET",
        path=f"{API}/datasets",
        summary="List the workspace's datasets, oldest first",
        action=Action.DESCRIBE_DATASET,
        query=datasets.ListQuery,
        reply=datasets.DatasetListReply,
        status=200,
        function="functions.datasets.list",
        grants=HISTORY,
    ),
    Operation(
        name="describe_dataset",
        capability="datasets",
        method="GET",
        path=DATASET,
        summary="Describe one dataset",
        action=Action.DESCRIBE_DATASET,
        reply=datasets.DatasetReply,
        status=200,
        function="functions.datasets.describe",
        grants=frozenset({Grant.CATALOG_READ}),
    ),
)
