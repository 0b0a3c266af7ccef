"""POST /datasets/{dataset_id}/batch-get."""

from datavault.contracts.operations import JSON, NDJSON
from datavault.contracts.records import BatchGetBody, encode_batch
from datavault.domain.ids import RecordId, parse_record_id
from datavault.domain.staging import RecordBatch
from datavault.ports import Vault
from datavault.services.records.reading import batch_get_records
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("batch_get_records")
def handler(vault: Vault, request: Request[None, BatchGetBody]) -> Answer:
    """Get records; fewer than asked for where they would not fit the reply."""
    body = request.body
    ids = [parse_record_id(text, field=f"ids/{at}") for at, text in enumerate(body.ids)]
    asked = len(ids)
    while True:
        batch = batch_get_records(
            vault,
            caller=request.caller,
            dataset_id=request.dataset_id,
            ref=body.ref,
            ids=ids[:asked],
        )
        left = RecordBatch(batch.found, batch.missing, (*batch.remaining, *ids[asked:]))
        answer = _lines(left, ids) if request.wants_lines else _envelope(left, request)
        if answer.fits or len(batch.found) <= 1:
            return answer
        asked = ids.index(batch.found[len(batch.found) // 2].id)


def _envelope(batch: RecordBatch, request: Request[None, BatchGetBody]) -> Answer:
    return Answer(encode_batch(batch, request.dataset_id, request.body.ref), JSON)


def _lines(batch: RecordBatch, ids: list[RecordId]) -> Answer:
    """The records alone; which of the ids have none, or had no room, headers say by position."""
    headers = {
        name: ",".join(str(ids.index(each)) for each in left)
        for name, left in (("X-Missing", batch.missing), ("X-Remaining", batch.remaining))
        if left
    }
    return Answer(b"".join(view.body + b"\n" for view in batch.found), NDJSON, headers=headers)
