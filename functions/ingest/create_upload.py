"""POST /datasets/{dataset_id}/uploads."""

import base64

from datavault.contracts.uploads import CreateUploadBody, OfferReply
from datavault.domain.count_bounds import CountBounds
from datavault.domain.formats.decoding import Compression
from datavault.domain.formats.detect import Shape
from datavault.domain.formats.tables import Kind
from datavault.domain.ids import parse_branch_name
from datavault.domain.papers import JobInput, Mode, SourceRef
from datavault.domain.uploads import plan_parts
from datavault.ports import Vault
from datavault.services.ingest.uploads import create_upload
from functions.edge.http import Request, endpoint


@endpoint("create_upload")
def handler(vault: Vault, request: Request[None, CreateUploadBody]) -> OfferReply:
    """Begin an upload."""
    body = request.body
    offer = create_upload(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        branch=parse_branch_name(body.branch),
        parts=plan_parts(body.size, body.part_bytes),
        wanted=_wanted(body),
        checksums=None if body.checksums is None else [*map(base64.b64decode, body.checksums)],
        request=request.once,
    )
    return OfferReply.offering(offer)


def _wanted(body: CreateUploadBody) -> JobInput:
    """What the job is to do with the file, which has no place yet."""
    source = SourceRef(
        key="",
        etag="",
        size=0,
        name=body.name,
        shape=None if body.format is None else Shape(body.format),
        compression=None if body.compression is None else Compression(body.compression),
        columns={name: Kind(kind) for name, kind in body.columns.items()},
    )
    return JobInput(
        [source],
        Mode(body.mode),
        body.message,
        body.max_bad_records,
        body.max_bad_fraction,
        CountBounds.of(body.min_records, body.max_records),
    )
