"""Examples of the operations of uploads."""

from typing import Any

from datavault.contracts.examples.jobs import JOB, JOB_REPLY
from datavault.contracts.examples.shared import AT, DATASET, ONE_PAGE

UPLOAD = "up_0197c1af-41d6-7b3e-8a5c-2f90d1c47e6b"
ETAG = "9b2cf535f27731c974343645a3985328"
CHECKSUM = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
_URL = f"https://datavault-prod-landing.s3.eu-central-1.amazonaws.com/uploads/{UPLOAD}"

_LINKS = {
    "self": {"href": f"/api/v1/uploads/{UPLOAD}"},
    "parts": {"href": f"/api/v1/uploads/{UPLOAD}/parts"},
    "dataset": {"href": f"/api/v1/datasets/{DATASET}"},
}
_UPLOAD_REPLY: dict[str, Any] = {
    "id": UPLOAD,
    "dataset_id": DATASET,
    "branch": "main",
    "state": "open",
    "size": 20000000,
    "part_bytes": 16777216,
    "parts_total": 2,
    "has_checksums": False,
    "job": None,
    "created_at": AT,
    "created_by": "ada",
    "expires_at": AT,
    "_links": _LINKS,
}
_TO_SEND = {
    "number": 2,
    "size": 3222784,
    "etag": None,
    "checksum_sha256": None,
    "url": f"{_URL}?partNumber=2&uploadId=VXBsb2Fk&X-Amz-Signature=4f1c",
    "headers": {"content-length": "3222784"},
    "_links": {"upload": {"href": f"/api/v1/uploads/{UPLOAD}"}},
}
_ARRIVED = {
    "number": 1,
    "size": 16777216,
    "etag": ETAG,
    "checksum_sha256": None,
    "url": None,
    "headers": {},
    "_links": {"upload": {"href": f"/api/v1/uploads/{UPLOAD}"}},
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {"upload_id": ("An upload.", UPLOAD)}

REQUESTS: dict[str, Any] = {
    "create_upload": {
        "name": "may/chats.ndjson",
        "size": 20000000,
        "format": "ndjson",
        "message": "Import the May chats",
        "max_bad_records": 10,
        "min_records": 1000,
    },
    "complete_upload": {
        "parts": [
            {"number": 1, "etag": ETAG},
            {"number": 2, "etag": "c3fcd3d76192e4007dfb496cca67e13b"},
        ]
    },
}

REPLIES: dict[str, Any] = {
    "create_upload": {
        **_UPLOAD_REPLY,
        "parts": [
            {
                **_TO_SEND,
                "number": 1,
                "size": 16777216,
                "url": f"{_URL}?partNumber=1&uploadId=VXBsb2Fk&X-Amz-Signature=8b0e",
                "headers": {"content-length": "16777216"},
            },
            _TO_SEND,
        ],
    },
    "get_upload": {
        **_UPLOAD_REPLY,
        "state": "completed",
        "job": JOB,
        "_links": {**_LINKS, "job": {"href": f"/api/v1/jobs/{JOB}"}},
    },
    "list_upload_parts": {
        "data": [_ARRIVED, _TO_SEND],
        "pagination": ONE_PAGE,
        "_links": {"self": {"href": f"/api/v1/uploads/{UPLOAD}/parts?limit=100"}},
    },
    "complete_upload": {
        **JOB_REPLY,
        "state": "queued",
        "phase": "queued",
        "progress": {
            "records": 0,
            "stored": 0,
            "quarantined": 0,
            "bytes": 0,
            "bytes_total": 0,
            "parts": 0,
            "parts_total": 0,
            "bytes_per_second": None,
            "remaining_seconds": None,
        },
        "commit": None,
        "ended_at": None,
        "_links": {
            "self": {"href": f"/api/v1/jobs/{JOB}"},
            "dataset": {"href": f"/api/v1/datasets/{DATASET}"},
        },
    },
}
