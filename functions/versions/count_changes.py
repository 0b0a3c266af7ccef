"""GET /datasets/{dataset_id}/diff/counts."""

from datavault.contracts.versions.diff import ChangeCountsReply, CountChangesQuery
from datavault.ports import Vault
from datavault.services.versions.diff import count_changes
from functions.edge.http import Request, endpoint


@endpoint("count_changes")
def handler(vault: Vault, request: Request[CountChangesQuery, None]) -> ChangeCountsReply:
    """Count what differs."""
    query = request.query
    counted = count_changes(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        base=query.base,
        target=query.target,
        cursor=query.cursor,
    )
    return ChangeCountsReply.of(counted, request.dataset_id, query)
