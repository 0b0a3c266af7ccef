"""POST /datasets/{dataset_id}/records."""

from datavault.contracts.records import (
    AppendBody,
    AppendQuery,
    AppendReply,
    RecordIn,
    split_lines,
)
from datavault.domain.datasets import DEFAULT_BRANCH
from datavault.domain.errors import Invalid
from datavault.domain.expectations import Version
from datavault.domain.ids import parse_branch_name
from datavault.domain.staging import NewRecord
from datavault.ports import Vault
from datavault.services.records.changing import append_records
from functions.edge.http import Request, endpoint


@endpoint("append_records")
def handler(vault: Vault, request: Request[AppendQuery, AppendBody | None]) -> AppendReply:
    """Stage records."""
    branch, records = _batch(request)
    receipt = append_records(
        vault,
        caller=request.caller,
        dataset_id=request.dataset_id,
        branch=parse_branch_name(branch),
        records=records,
        request=request.once,
    )
    return AppendReply.of(receipt, request.dataset_id)


def _batch(request: Request[AppendQuery, AppendBody | None]) -> tuple[str, list[NewRecord]]:
    """Branch and records of a JSON body, or of an NDJSON body and the query."""
    if request.lines is not None:
        lines = split_lines(request.lines)
        branch = request.query.branch or DEFAULT_BRANCH
        return branch, [NewRecord(text, None, field) for field, text in lines]
    assert request.body is not None, "a body is one or the other"
    if request.query.branch is not None:
        raise Invalid("a JSON body names its branch itself", field="branch")
    return request.body.branch, [
        NewRecord(record.data, record.id, f"records/{index}/data", _expected(record))
        for index, record in enumerate(request.body.records)
    ]


def _expected(record: RecordIn) -> Version | None:
    """The version that a record states; null states that there is none, and absence nothing."""
    if "expected_version" not in record.model_fields_set:
        return None
    return Version(record.expected_version)
