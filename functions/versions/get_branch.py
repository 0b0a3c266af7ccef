"""GET /datasets/{dataset_id}/branches/{branch}."""

from datavault.contracts.versions.branches import BranchReply
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.branches import get_branch
from functions.edge.http import Request, endpoint


@endpoint("get_branch")
def handler(vault: Vault, request: Request[None, None]) -> BranchReply:
    """Get one branch."""
    branch = get_branch(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_branch_name(request.path["branch"]),
    )
    return BranchReply.of(branch, request.dataset_id)
