"""Generated from the operations table: routes of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.client.messages import Lines
    from datavault.contracts.records import (
        AppendReply,
        BatchGetReply,
        CountReply,
        RecordHistoryReply,
        RecordListReply,
        RecordReply,
    )
    from datavault.contracts.staged import StagedListReply

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
BATCH_GET_RECORDS: Route[BatchGetReply] = Route(
    "batch_get_records",
    "POST",
    "/api/v1/datasets/{dataset_id}/batch-get",
    "datavault.contracts.records:BatchGetReply",
)
BATCH_GET_RECORDS_AS_LINES: Route[Lines] = Route(
    "batch_get_records",
    "POST",
    "/api/v1/datasets/{dataset_id}/batch-get",
    returns="application/x-ndjson",
)
COUNT_RECORDS: Route[CountReply] = Route(
    "count_records",
    "GET",
    "/api/v1/datasets/{dataset_id}/count",
    "datavault.contracts.records:CountReply",
)
LIST_STAGED: Route[StagedListReply] = Route(
    "list_staged",
    "GET",
    "/api/v1/datasets/{dataset_id}/branches/{branch}/staged",
    "datavault.contracts.staged:StagedListReply",
)
LIST_RECORD_HISTORY: Route[RecordHistoryReply] = Route(
    "list_record_history",
    "GET",
    "/api/v1/datasets/{dataset_id}/records/{record_id}/history",
    "datavault.contracts.records:RecordHistoryReply",
)
DELETE_RECORD: Route[None] = Route(
    "delete_record", "DELETE", "/api/v1/datasets/{dataset_id}/records/{record_id}"
)
RESTORE_RECORD: Route[AppendReply] = Route(
    "restore_record",
    "POST",
    "/api/v1/datasets/{dataset_id}/records/{record_id}/restore",
    "datavault.contracts.records:AppendReply",
)
