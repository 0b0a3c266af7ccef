"""Examples of the operations of records."""

from typing import Any

from datavault.contracts.examples.shared import (
    AT,
    COMMIT,
    DATASET,
    ONE_PAGE,
    RECORD,
    RECORD_ID,
    links,
)

RECORD_REPLY = {
    "id": RECORD_ID,
    "data": RECORD,
    "etag": "5f0c1e9ab3d27468",
    "staged": True,
    "_links": links(self=f"/{DATASET}/records/{RECORD_ID}?ref=main", dataset=f"/{DATASET}"),
}

APPENDED = {
    "branch": "main",
    "count": 1,
    "ids": [RECORD_ID],
    "_links": links(
        dataset=f"/{DATASET}",
        records=f"/{DATASET}/records?ref=main",
        commits=f"/{DATASET}/commits",
    ),
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "record_id": (
        "A record's id, percent-encoded whole: a `/` in it is `%2F`.",
        RECORD_ID,
    ),
}

REQUESTS: dict[str, Any] = {
    "append_records": {
        "branch": "main",
        "records": [{"data": RECORD, "expected_version": "5f0c1e9ab3d274685f0c1e9ab3d27468"}],
    },
    "batch_get_records": {"ref": "main", "ids": [RECORD_ID, "chat-0002"]},
    "restore_record": {"ref": COMMIT, "branch": "main"},
}

REPLIES: dict[str, Any] = {
    "append_records": APPENDED,
    "restore_record": APPENDED,
    "list_records": {
        "data": [RECORD_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/records?ref=main&limit=100", dataset=f"/{DATASET}"),
    },
    "get_record": RECORD_REPLY,
    "batch_get_records": {
        "data": [RECORD_REPLY],
        "missing": ["chat-0002"],
        "remaining": [],
        "_links": links(dataset=f"/{DATASET}"),
    },
    "count_records": {
        "records": 1,
        "commit": COMMIT,
        "staged": 1,
        "_links": links(
            self=f"/{DATASET}/count?ref=main",
            dataset=f"/{DATASET}",
            records=f"/{DATASET}/records?ref=main",
            commit=f"/{DATASET}/commits/{COMMIT}",
        ),
    },
    "list_staged": {
        "commit": COMMIT,
        "data": [
            {
                "id": RECORD_ID,
                "kind": "changed",
                "_links": links(record=f"/{DATASET}/records/{RECORD_ID}?ref=experiment"),
            }
        ],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/branches/experiment/staged?limit=100",
            dataset=f"/{DATASET}",
            commit=f"/{DATASET}/commits/{COMMIT}",
        ),
    },
    "list_record_history": {
        "data": [
            {
                "kind": "added",
                "commit": COMMIT,
                "author": "ada",
                "committed_at": AT,
                "etag": "5f0c1e9ab3d274685f0c1e9ab3d27468",
                "_links": links(
                    commit=f"/{DATASET}/commits/{COMMIT}",
                    record=f"/{DATASET}/records/{RECORD_ID}?ref={COMMIT}",
                ),
            }
        ],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/records/{RECORD_ID}/history?ref=main&limit=100",
            dataset=f"/{DATASET}",
        ),
    },
}
