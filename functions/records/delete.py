"""DELETE /datasets/{dataset_id}/records/{record_id}."""

from datavault.contracts.records import DeleteRecordQuery
from datavault.domain.expectations import Version
from datavault.domain.ids import parse_branch_name, parse_record_id
from datavault.ports import Vault
from datavault.services.records.changing import delete_record
from functions.edge.http import Request, endpoint


@endpoint("delete_record")
def handler(vault: Vault, request: Request[DeleteRecordQuery, None]) -> None:
    """Stage the removal of one record."""
    expected = request.query.expected_version
    delete_record(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        branch=parse_branch_name(request.query.branch),
        record_id=parse_record_id(request.path["record_id"], field="record_id"),
        expected=None if expected is None else Version(expected),
        request=request.once,
    )
