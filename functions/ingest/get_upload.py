"""GET /uploads/{upload_id}."""

from datavault.contracts.uploads import UploadReply
from datavault.domain.ids import parse_upload_id
from datavault.ports import Vault
from datavault.services.ingest.uploads import get_upload
from functions.edge.http import Request, endpoint


@endpoint("get_upload")
def handler(vault: Vault, request: Request[None, None]) -> UploadReply:
    """Get one upload."""
    upload_id = parse_upload_id(request.path["upload_id"])
    return UploadReply.of(get_upload(vault, caller=request.caller, upload_id=upload_id))
