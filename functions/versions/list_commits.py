"""GET /datasets/{dataset_id}/commits."""

from datavault.contracts.versions.commits import CommitListReply, ListCommitsQuery
from datavault.ports import Vault
from datavault.services.versions.commits import list_commits
from functions.edge.http import Request, endpoint


@endpoint("list_commits")
def handler(vault: Vault, request: Request[ListCommitsQuery, None]) -> CommitListReply:
    """List a ref's history."""
    query = request.query
    page = list_commits(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        ref=query.ref,
        limit=query.limit,
        cursor=query.cursor,
    )
    return CommitListReply.of(page, request.dataset_id, query)
