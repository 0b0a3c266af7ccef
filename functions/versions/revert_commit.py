"""POST /datasets/{dataset_id}/revert."""

from datavault.contracts.versions.merges import MergeReply, ReplayBody
from datavault.domain.ids import parse_branch_name
from datavault.ports import Vault
from datavault.services.versions.merge import revert_commit
from functions.edge.http import Request, endpoint


@endpoint("revert_commit")
def handler(vault: Vault, request: Request[None, ReplayBody]) -> MergeReply:
    """Undo a commit on a branch."""
    body = request.body
    landed = revert_commit(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        commit_ref=body.commit,
        branch=parse_branch_name(body.branch),
        mainline=body.mainline,
        rules=body.rules(),
        message=body.message,
        request=request.once,
    )
    return MergeReply.of(landed, request.dataset_id, body.branch)
