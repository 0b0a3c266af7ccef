"""Rows of the table: uploads."""

from datavault.contracts import jobs, uploads
from datavault.contracts.operations.rows import (
    API,
    DATASET,
    HISTORY,
    PUT_OBJECTS,
    STAGE,
    Grant,
    Operation,
)
from datavault.domain.access import Action

_UPLOAD = f"{API}/uploads/{{upload_id}}"

ROWS: tuple[Operation, ...] = (
    Operation(
        name="create_upload",
        capability="ingest",
        method="POST",
        path=f"{DATASET}/uploads",
        summary="Begin to upload a large file in parts, which go straight to S3",
        action=Action.UPLOAD,
        body=uploads.CreateUploadBody,
        reply=uploads.OfferReply,
        status=201,
        function="functions.ingest.create_upload",
        # The upload's row is a staged one; of the catalog it only reads.
        grants=(STAGE - {Grant.CATALOG_WRITE}) | {Grant.LANDING_WRITE},
        memory_mb=1024,
    ),
    Operation(
        name="get_upload",
        capability="ingest",
        method="GET",
        path=_UPLOAD,
        summary="Get one upload: whether it is open, and its job once it is completed",
        action=Action.UPLOAD,
        reply=uploads.UploadReply,
        status=200,
        function="functions.ingest.get_upload",
        grants=frozenset({Grant.STAGING_READ}),
    ),
    Operation(
        name="list_upload_parts",
        capability="ingest",
        method="GET",
        path=f"{_UPLOAD}/parts",
        summary="List an upload's parts: those that have arrived, and where to send the others",
        action=Action.UPLOAD,
        query=uploads.ListUploadPartsQuery,
        reply=uploads.PartListReply,
        status=200,
        function="functions.ingest.list_upload_parts",
        grants=HISTORY | {Grant.STAGING_READ, Grant.LANDING_LIST, Grant.LANDING_SIGN},
        memory_mb=1024,
    ),
    Operation(
        name="complete_upload",
        capability="ingest",
        method="POST",
        path=f"{_UPLOAD}/complete",
        summary="Put an upload's parts together and ask for the job that takes the file in",
        action=Action.UPLOAD,
        body=uploads.CompleteUploadBody,
        reply=jobs.JobReply,
        status=202,
        function="functions.ingest.complete_upload",
        grants=STAGE
        | PUT_OBJECTS
        | {
            Grant.LANDING_WRITE,
            Grant.LANDING_DELETE,
            Grant.WORKFLOWS_START,
        },
        memory_mb=1024,
    ),
    Operation(
        name="abort_upload",
        capability="ingest",
        method="DELETE",
        path=_UPLOAD,
        summary="End an upload without a job, and remove what of it has arrived",
        action=Action.UPLOAD,
        status=204,
        function="functions.ingest.abort_upload",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                Grant.LEDGER_APPEND,
                Grant.LANDING_DELETE,
            }
        ),
    ),
)
