"""POST /datasets/{dataset_id}/branches/{branch}/reset."""

from datavault.contracts.versions.branches import BranchReply, ResetBranchBody
from datavault.domain.ids import CommitId, parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.resets import Staged, reset_branch
from functions.edge.http import Request, endpoint


@endpoint("reset_branch")
def handler(vault: Vault, request: Request[None, ResetBranchBody]) -> BranchReply:
    """Move a branch to any commit."""
    body = request.body
    branch = reset_branch(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_branch_name(request.path["branch"]),
        to=body.to,
        staged=Staged(body.staged),
        expected=None if body.expected_commit is None else CommitId(body.expected_commit),
        request=request.once,
    )
    return BranchReply.of(branch, request.dataset_id)
