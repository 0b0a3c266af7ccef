"""Generated from the operations table: routes of ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.contracts.jobs import JobReply
    from datavault.contracts.uploads import OfferReply, PartListReply, UploadReply

CREATE_UPLOAD: Route[OfferReply] = Route(
    "create_upload",
    "POST",
    "/api/v1/datasets/{dataset_id}/uploads",
    "datavault.contracts.uploads:OfferReply",
)
GET_UPLOAD: Route[UploadReply] = Route(
    "get_upload", "GET", "/api/v1/uploads/{upload_id}", "datavault.contracts.uploads:UploadReply"
)
LIST_UPLOAD_PARTS: Route[PartListReply] = Route(
    "list_upload_parts",
    "GET",
    "/api/v1/uploads/{upload_id}/parts",
    "datavault.contracts.uploads:PartListReply",
)
COMPLETE_UPLOAD: Route[JobReply] = Route(
    "complete_upload",
    "POST",
    "/api/v1/uploads/{upload_id}/complete",
    "datavault.contracts.jobs:JobReply",
)
ABORT_UPLOAD: Route[None] = Route("abort_upload", "DELETE", "/api/v1/uploads/{upload_id}")
