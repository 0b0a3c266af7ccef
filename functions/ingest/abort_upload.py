"""DELETE /uploads/{upload_id}."""

from datavault.domain.ids import parse_upload_id
from datavault.ports import Vault
from datavault.services.ingest.uploads import abort_upload
from functions.edge.http import Request, endpoint


@endpoint("abort_upload")
def handler(vault: Vault, request: Request[None, None]) -> None:
    """End an upload."""
    upload_id = parse_upload_id(request.path["upload_id"])
    abort_upload(vault, caller=request.caller, upload_id=upload_id)
