"""POST /datasets/{dataset_id}/records/{record_id}/restore."""

from datavault.contracts.records import AppendReply, RestoreRecordBody
from datavault.domain.ids import parse_branch_name, parse_record_id
from datavault.ports import Vault
from datavault.services.records.changing import restore_record
from functions.edge.http import Request, endpoint


@endpoint("restore_record")
def handler(vault: Vault, request: Request[None, RestoreRecordBody]) -> AppendReply:
    """Stage a record as another ref has it."""
    receipt = restore_record(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        record_id=parse_record_id(request.path["record_id"], field="record_id"),
        ref=request.body.ref,
        branch=parse_branch_name(request.body.branch),
        request=request.once,
    )
    return AppendReply.of(receipt, request.dataset_id)
