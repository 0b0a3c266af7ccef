"""Examples of the operations of jobs."""

from typing import Any

from datavault.contracts.examples.shared import AT, COMMIT, DATASET, ONE_PAGE

JOB = "job_0197c1b0-9a11-7c52-8f03-6b1d2e7a4c90"

JOB_REPLY: dict[str, Any] = {
    "id": JOB,
    "kind": "ingest_objects",
    "dataset_id": DATASET,
    "branch": "main",
    "state": "succeeded",
    "phase": "done",
    "progress": {
        "records": 410249,
        "stored": 410249,
        "quarantined": 0,
        "bytes": 1000000000,
        "bytes_total": 1000000000,
        "parts": 8,
        "parts_total": 8,
        "bytes_per_second": 41000000.0,
        "remaining_seconds": None,
    },
    "warnings": [],
    "error": None,
    "commit": COMMIT,
    "created_at": AT,
    "created_by": "ada",
    "updated_at": AT,
    "ended_at": AT,
    "_links": {
        "self": {"href": f"/api/v1/jobs/{JOB}"},
        "dataset": {"href": f"/api/v1/datasets/{DATASET}"},
        "commit": {"href": f"/api/v1/datasets/{DATASET}/commits/{COMMIT}"},
    },
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {"job_id": ("A job.", JOB)}

REPLIES: dict[str, Any] = {
    "list_jobs": {
        "data": [JOB_REPLY],
        "pagination": ONE_PAGE,
        "_links": {"self": {"href": "/api/v1/jobs?limit=100"}},
    },
    "get_job": JOB_REPLY,
    "list_quarantined": {
        "data": [
            {
                "file": "chats.jsonl",
                "line": 7,
                "offset": 16384,
                "code": "malformed",
                "reason": "not JSON (RFC 8259) of 120 bytes, at byte 17",
                "size": 120,
                "_links": {"job": {"href": f"/api/v1/jobs/{JOB}"}},
            }
        ],
        "pagination": ONE_PAGE,
        "_links": {
            "self": {"href": f"/api/v1/jobs/{JOB}/quarantine"},
            "job": {"href": f"/api/v1/jobs/{JOB}"},
        },
    },
    "cancel_job": {
        **JOB_REPLY,
        "state": "cancelling",
        "phase": "reading",
        "commit": None,
        "ended_at": None,
        "_links": {
            "self": {"href": f"/api/v1/jobs/{JOB}"},
            "dataset": {"href": f"/api/v1/datasets/{DATASET}"},
        },
    },
}
