"""GET /datasets/{dataset_id}/commits/{commit_id}."""

from datavault.contracts.versions.commits import CommitReply
from datavault.ports import Vault
from datavault.services.versions.commits import get_commit
from functions.edge.http import Request, endpoint


@endpoint("get_commit")
def handler(vault: Vault, request: Request[None, None]) -> CommitReply:
    """Get one commit."""
    commit = get_commit(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        commit_ref=request.path["commit_id"],
    )
    return CommitReply.of(commit, request.dataset_id)
