"""GET /datasets/{dataset_id}/merge/preview."""

from datavault.contracts.versions.merges import PreviewQuery, PreviewReply
from datavault.ports import Vault
from datavault.services.versions.preview import preview_merge
from functions.edge.http import Request, endpoint


@endpoint("preview_merge")
def handler(vault: Vault, request: Request[PreviewQuery, None]) -> PreviewReply:
    """Say what a merge would come to."""
    preview = preview_merge(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        question=request.query.question(),
    )
    return PreviewReply.of(preview, request.dataset_id, request.query)
