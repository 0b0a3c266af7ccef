"""GET /datasets/{dataset_id}/branches/{branch}/staged."""

from datavault.contracts.staged import StagedListReply
from datavault.contracts.wire import ListQuery
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.records.reading import list_staged
from functions.edge.http import Request, endpoint


@endpoint("list_staged")
def handler(vault: Vault, request: Request[ListQuery, None]) -> StagedListReply:
    """List what is staged on a branch."""
    query, branch = request.query, parse_branch_name(request.path["branch"])
    page = list_staged(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        branch=branch,
        limit=query.limit,
        cursor=query.cursor,
    )
    return StagedListReply.of(page, request.dataset_id, branch, query)
