"""Generated from the operations table: routes of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.client.messages import Lines
    from datavault.contracts.records import AppendReply, RecordListReply, RecordReply

APPEND_RECORDS: Route[AppendReply] = Route(
    "append_records",
    "POST",
    "/api/v1/datasets/{dataset_id}/records",
    "datavault.contracts.records:AppendReply",
)
LIST_RECORDS: Route[RecordListReply] = Route(
    "list_records",
    "GET",
    "/api/v1/datasets/{dataset_id}/records",
    "datavault.contracts.records:RecordListReply",
)
LIST_RECORDS_AS_LINES: Route[Lines] = Route(
    "list_records", "GET", "/api/v1/datasets/{dataset_id}/records", returns="application/x-ndjson"
)
GET_RECORD: Route[RecordReply] = Route(
    "get_record",
    "GET",
    "/api/v1/datasets/{dataset_id}/records/{record_id}",
    "datavault.contracts.records:RecordReply",
)
GET_RECORD_AS_LINES: Route[Lines] = Route(
    "get_record",
    "GET",
    "/api/v1/datasets/{dataset_id}/records/{record_id}",
    returns="application/x-ndjson",
)
DELETE_RECORD: Route[None] = Route(
    "delete_record", "DELETE", "/api/v1/datasets/{dataset_id}/records/{record_id}"
)
