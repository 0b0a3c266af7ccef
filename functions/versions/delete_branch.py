"""DELETE /datasets/{dataset_id}/branches/{branch}."""

from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.branches import delete_branch
from functions.edge.http import Request, endpoint


@endpoint("delete_branch")
def handler(vault: Vault, request: Request[None, None]) -> None:
    """Delete a branch."""
    delete_branch(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_branch_name(request.path["branch"]),
        request=request.once,
    )
