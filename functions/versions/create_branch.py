"""POST /datasets/{dataset_id}/branches."""

from datavault.contracts.versions.branches import BranchReply, CreateBranchBody
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.branches import create_branch
from functions.edge.http import Request, endpoint


@endpoint("create_branch")
def handler(vault: Vault, request: Request[None, CreateBranchBody]) -> BranchReply:
    """Create a branch."""
    branch = create_branch(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_branch_name(request.body.name, field="name"),
        start=request.body.start,
        request=request.once,
    )
    return BranchReply.of(branch, request.dataset_id)
