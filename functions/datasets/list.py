"""GET /datasets."""

from datavault.contracts.datasets import DatasetListReply, ListDatasetsQuery
from datavault.ports import Vault
from datavault.services.datasets.search import list_datasets
from functions.edge.http import Request, endpoint


@endpoint("list_datasets")
def handler(vault: Vault, request: Request[ListDatasetsQuery, None]) -> DatasetListReply:
    """List the workspace's datasets, or those that are searched for."""
    query = request.query
    page = list_datasets(
        vault,
        caller=request.caller,
        limit=query.limit,
        cursor=query.cursor,
        criteria=query.criteria(),
    )
    return DatasetListReply.of(page, query)
