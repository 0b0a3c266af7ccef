"""GET /datasets/{dataset_id}/records/{record_id}."""

from datavault.contracts.operations import JSON, NDJSON
from datavault.contracts.records import GetRecordQuery, encode_record
from datavault.domain.ids import parse_record_id
from datavault.ports import Vault
from datavault.services.records.reading import get_record
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("get_record")
def handler(vault: Vault, request: Request[GetRecordQuery, None]) -> Answer:
    """Get one record: in an envelope, or its own bytes as a line."""
    dataset_id, ref = request.dataset_id, request.query.ref
    view = get_record(
        vault,
        caller=request.caller,
        dataset_id=dataset_id,
        ref=ref,
        record_id=parse_record_id(request.path["record_id"], field="record_id"),
    )
    etag = {"ETag": f'"{view.etag}"'}
    if request.wants_lines:
        return Answer(view.body + b"\n", NDJSON, headers=etag)
    return Answer(encode_record(view, dataset_id, ref), JSON, headers=etag)
