"""GET /datasets/{dataset_id}/branches/{branch}/reflog."""

from datavault.contracts.versions.branches import ReflogReply
from datavault.contracts.wire import ListQuery
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.resets import list_reflog
from functions.edge.http import Request, endpoint


@endpoint("list_reflog")
def handler(vault: Vault, request: Request[ListQuery, None]) -> ReflogReply:
    """List where a branch has been."""
    query, name = request.query, parse_branch_name(request.path["branch"])
    page = list_reflog(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=name,
        limit=query.limit,
        cursor=query.cursor,
    )
    return ReflogReply.of(page, request.dataset_id, name, query)
