"""GET /uploads/{upload_id}/parts."""

from datavault.contracts.uploads import ListUploadPartsQuery, PartListReply
from datavault.domain.ids import parse_upload_id
from datavault.ports import Vault
from datavault.services.ingest.uploads import list_upload_parts
from functions.edge.http import Request, endpoint


@endpoint("list_upload_parts")
def handler(vault: Vault, request: Request[ListUploadPartsQuery, None]) -> PartListReply:
    """List the parts of an upload."""
    query = request.query
    upload_id = parse_upload_id(request.path["upload_id"])
    page = list_upload_parts(
        vault,
        caller=request.caller,
        upload_id=upload_id,
        checksums=query.by_number(),
        limit=query.limit,
        cursor=query.cursor,
    )
    return PartListReply.of(page, upload_id, query)
