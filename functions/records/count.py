"""GET /datasets/{dataset_id}/count."""

from datavault.contracts.records import CountQuery, CountReply
from datavault.ports import Vault
from datavault.services.records.reading import count_records
from functions.edge.http import Request, endpoint


@endpoint("count_records")
def handler(vault: Vault, request: Request[CountQuery, None]) -> CountReply:
    """Count records."""
    ref = request.query.ref
    count = count_records(vault, caller=request.caller, dataset_id=request.dataset_id, ref=ref)
    return CountReply.of(count, request.dataset_id, ref)
