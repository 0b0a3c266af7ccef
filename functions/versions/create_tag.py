"""POST /datasets/{dataset_id}/tags."""

from datavault.contracts.versions.tags import CreateTagBody, TagReply
from datavault.domain.ids import parse_tag_name
from datavault.ports import Vault
from datavault.services.versions.tags import create_tag
from functions.edge.http import Request, endpoint


@endpoint("create_tag")
def handler(vault: Vault, request: Request[None, CreateTagBody]) -> TagReply:
    """Name a commit."""
    tag = create_tag(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_tag_name(request.body.name, field="name"),
        ref=request.body.ref,
        message=request.body.message,
        request=request.once,
    )
    return TagReply.of(tag, request.dataset_id)
