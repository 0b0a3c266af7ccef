"""GET /datasets/{dataset_id}/records/{record_id}/history."""

from datavault.contracts.records import ListRecordsQuery, RecordHistoryReply
from datavault.domain.ids import parse_record_id
from datavault.ports import Vault
from datavault.services.records.past import list_record_history
from functions.edge.http import Request, endpoint


@endpoint("list_record_history")
def handler(vault: Vault, request: Request[ListRecordsQuery, None]) -> RecordHistoryReply:
    """List the commits that changed a record."""
    query = request.query
    record_id = parse_record_id(request.path["record_id"], field="record_id")
    page = list_record_history(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        ref=query.ref,
        record_id=record_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return RecordHistoryReply.of(page, request.dataset_id, record_id, query)
