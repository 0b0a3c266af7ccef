"""GET /datasets/{dataset_id}/tags/{tag}."""

from datavault.contracts.versions.tags import TagReply
from datavault.domain.ids import parse_tag_name
from datavault.ports import Vault
from datavault.services.versions.tags import get_tag
from functions.edge.http import Request, endpoint


@endpoint("get_tag")
def handler(vault: Vault, request: Request[None, None]) -> TagReply:
    """Get one tag."""
    tag = get_tag(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        name=parse_tag_name(request.path["tag"]),
    )
    return TagReply.of(tag, request.dataset_id)
