"""POST /datasets/{dataset_id}/merge."""

from datavault.contracts.versions.merges import MergeBody, MergeReply
from datavault.domain.ids import parse_branch_name
from datavault.domain.merging import Histories
from datavault.ports import Vault
from datavault.services.versions.merge import merge_refs
from functions.edge.http import Request, endpoint


@endpoint("merge_refs")
def handler(vault: Vault, request: Request[None, MergeBody]) -> MergeReply:
    """Merge a ref into a branch."""
    body = request.body
    landed = merge_refs(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        source=body.source,
        target=parse_branch_name(body.target, field="target"),
        rules=body.rules(),
        histories=Histories(body.histories),
        message=body.message,
        request=request.once,
    )
    return MergeReply.of(landed, request.dataset_id, body.target)
