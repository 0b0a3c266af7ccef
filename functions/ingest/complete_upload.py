"""POST /uploads/{upload_id}/complete."""

import base64

from datavault.contracts.jobs import JobReply
from datavault.contracts.uploads import CompleteUploadBody, SentPart
from datavault.domain.bundles import BundledFile
from datavault.domain.ids import parse_upload_id
from datavault.domain.landing import PartClaim
from datavault.ports import Vault
from datavault.services.ingest.uploads import complete_upload
from functions.edge.http import Request, endpoint


@endpoint("complete_upload")
def handler(vault: Vault, request: Request[None, CompleteUploadBody]) -> JobReply:
    """Put the parts together and ask for the job."""
    job = complete_upload(
        vault,
        caller=request.caller,
        upload_id=parse_upload_id(request.path["upload_id"]),
        parts=[_claim(part) for part in request.body.parts],
        files=[BundledFile(file.name, file.size) for file in request.body.files],
        request=request.once,
    )
    return JobReply.of(job)


def _claim(part: SentPart) -> PartClaim:
    checksum = part.checksum_sha256
    digest = None if checksum is None else base64.b64decode(checksum)
    return PartClaim(part.number, part.etag.strip('"'), digest)
