"""POST /datasets/{dataset_id}/commits."""

from datavault.contracts.versions.commits import CommitReply, CreateCommitBody
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.commits import create_commit
from functions.edge.http import Request, endpoint


@endpoint("create_commit")
def handler(vault: Vault, request: Request[None, CreateCommitBody]) -> CommitReply:
    """Commit what is staged."""
    commit = create_commit(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        branch=parse_branch_name(request.body.branch),
        message=request.body.message,
        request=request.once,
    )
    return CommitReply.of(commit, request.dataset_id)
