"""PATCH /datasets/{dataset_id}/branches/{branch}."""

from datavault.contracts.versions.branches import BranchReply, UpdateBranchBody
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.branches import Protection, update_branch
from functions.edge.http import Request, endpoint


@endpoint("update_branch")
def handler(vault: Vault, request: Request[None, UpdateBranchBody]) -> BranchReply:
    """Protect a branch, or end that."""
    branch = update_branch(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_branch_name(request.path["branch"]),
        protection=Protection.ON if request.body.protected else Protection.OFF,
        request=request.once,
    )
    return BranchReply.of(branch, request.dataset_id)
