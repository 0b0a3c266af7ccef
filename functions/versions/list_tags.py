"""GET /datasets/{dataset_id}/tags."""

from datavault.contracts.versions.tags import TagListReply
from datavault.contracts.wire import ListQuery
from datavault.ports import Vault
from datavault.services.versions.tags import list_tags
from functions.edge.http import Request, endpoint


@endpoint("list_tags")
def handler(vault: Vault, request: Request[ListQuery, None]) -> TagListReply:
    """List a dataset's tags."""
    query = request.query
    page = list_tags(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return TagListReply.of(page, request.dataset_id, query)
