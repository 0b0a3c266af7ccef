"""GET /datasets/{dataset_id}/branches."""

from datavault.contracts.versions.branches import BranchListReply
from datavault.contracts.wire import ListQuery
from datavault.ports import Vault
from datavault.services.versions.branches import list_branches
from functions.edge.http import Request, endpoint


@endpoint("list_branches")
def handler(vault: Vault, request: Request[ListQuery, None]) -> BranchListReply:
    """List a dataset's branches."""
    query = request.query
    page = list_branches(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return BranchListReply.of(page, request.dataset_id, query)
