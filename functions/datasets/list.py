"""GET /datasets."""

from datavault.contracts.datasets import DatasetListReply
from datavault.contracts.wire import ListQuery
from datavault.ports import Vault
from datavault.services.datasets import list_datasets
from functions.edge.http import Request, endpoint


@endpoint("list_datasets")
def handler(vault: Vault, request: Request[ListQuery, None]) -> DatasetListReply:
    """List the workspace's datasets."""
    query = request.query
    page = list_datasets(vault, caller=request.caller, limit=query.limit, cursor=query.cursor)
    return DatasetListReply.of(page, query)
