"""Examples of requests and replies, for the OpenAPI document; a test parses each by its model."""

from typing import Any

_DATASET = "ds_0197c1b0-2f80-7a3e-9c41-5d2b8f6e0a17"
_COMMIT = "9f2c4e71a0b3d58697e1f4c2ab7d03e65c1f8892d4ab60e7735c19fe02d8b6a4"
_PARENT = "1b7e09c3f45a2d8860b1c97e3fd25a4468e90b1c7d3f52a6e8140c9b7f2d6e35"
_ROOT = "c40d96be13f7a8525e0b67d19c3fa4e281d75b06e9f3c4a812d6570b9e8fc134"
_RECORD_ID = "chat-0001"
_RECORD = {"id": _RECORD_ID, "prompt": "What is a vault?", "response": "A room that locks."}
_AT = "2026-05-04T09:30:00Z"


def _links(**hrefs: str) -> dict[str, Any]:
    return {name: {"href": f"/api/v1/datasets{path}"} for name, path in hrefs.items()}


_ONE_PAGE = {"next_cursor": None, "has_more": False}

_DATASET_REPLY = {
    "id": _DATASET,
    "name": "support-chats",
    "description": "Chats of the support desk",
    "labels": {"team": "assist"},
    "record_key": "id",
    "default_branch": "main",
    "privacy": "off",
    "created_at": _AT,
    "created_by": "ada",
    "_links": _links(
        self=f"/{_DATASET}",
        records=f"/{_DATASET}/records",
        commits=f"/{_DATASET}/commits",
        branches=f"/{_DATASET}/branches",
    ),
}

_RECORD_REPLY = {
    "id": _RECORD_ID,
    "data": _RECORD,
    "etag": "5f0c1e9ab3d27468",
    "staged": True,
    "_links": _links(self=f"/{_DATASET}/records/{_RECORD_ID}?ref=main", dataset=f"/{_DATASET}"),
}

_COMMIT_REPLY = {
    "id": _COMMIT,
    "root": _ROOT,
    "parents": [_PARENT],
    "author": "ada",
    "message": "Import the May chats",
    "committed_at": _AT,
    "records": 1,
    "added": 1,
    "changed": 0,
    "removed": 0,
    "policy": None,
    "_links": _links(
        self=f"/{_DATASET}/commits/{_COMMIT}",
        dataset=f"/{_DATASET}",
        records=f"/{_DATASET}/records?ref={_COMMIT}",
        parent=f"/{_DATASET}/commits/{_PARENT}",
    ),
}

_BRANCH_REPLY = {
    "name": "experiment",
    "commit": _COMMIT,
    "created_at": _AT,
    "created_by": "ada",
    "_links": _links(
        self=f"/{_DATASET}/branches/experiment",
        dataset=f"/{_DATASET}",
        records=f"/{_DATASET}/records?ref=experiment",
        commits=f"/{_DATASET}/commits?ref=experiment",
    ),
}

_HEALTH_REPLY = {
    "status": "healthy",
    "checks": [
        {"name": "catalog", "status": "healthy", "latency_ms": 4.2, "message": "answers"},
        {"name": "objects", "status": "healthy", "latency_ms": 9.8, "message": "answers"},
        {"name": "keys", "status": "healthy", "latency_ms": 6.1, "message": "answers"},
    ],
    "timestamp": _AT,
    "version": "0.1.0",
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "dataset_id": ("A dataset.", _DATASET),
    "record_id": (
        "A record's id, percent-encoded whole: a `/` in it is `%2F`.",
        _RECORD_ID,
    ),
    "commit_id": ("A commit's id, or a unique prefix of at least 8 characters.", _COMMIT),
    "branch": ("A branch's name, percent-encoded whole: a `/` in it is `%2F`.", "experiment"),
}

REQUESTS: dict[str, Any] = {
    "create_dataset": {
        "name": "support-chats",
        "description": "Chats of the support desk",
        "labels": {"team": "assist"},
        "record_key": "id",
    },
    "append_records": {"branch": "main", "records": [{"data": _RECORD}]},
    "create_commit": {"branch": "main", "message": "Import the May chats"},
    "create_branch": {"name": "experiment", "start": "main"},
}

REPLIES: dict[str, Any] = {
    "create_dataset": _DATASET_REPLY,
    "list_datasets": {
        "data": [_DATASET_REPLY],
        "pagination": _ONE_PAGE,
        "_links": _links(self="?limit=100"),
    },
    "describe_dataset": _DATASET_REPLY,
    "append_records": {
        "branch": "main",
        "count": 1,
        "ids": [_RECORD_ID],
        "_links": _links(
            dataset=f"/{_DATASET}",
            records=f"/{_DATASET}/records?ref=main",
            commits=f"/{_DATASET}/commits",
        ),
    },
    "list_records": {
        "data": [_RECORD_REPLY],
        "pagination": _ONE_PAGE,
        "_links": _links(self=f"/{_DATASET}/records?ref=main&limit=100", dataset=f"/{_DATASET}"),
    },
    "get_record": _RECORD_REPLY,
    "create_commit": _COMMIT_REPLY,
    "list_commits": {
        "data": [_COMMIT_REPLY],
        "pagination": _ONE_PAGE,
        "_links": _links(self=f"/{_DATASET}/commits?ref=main&limit=100", dataset=f"/{_DATASET}"),
    },
    "get_commit": _COMMIT_REPLY,
    "create_branch": _BRANCH_REPLY,
    "list_branches": {
        "data": [_BRANCH_REPLY],
        "pagination": _ONE_PAGE,
        "_links": _links(self=f"/{_DATASET}/branches?limit=100", dataset=f"/{_DATASET}"),
    },
    "check_live": {**_HEALTH_REPLY, "checks": []},
    "check_ready": _HEALTH_REPLY,
}

LINES = '{"id":"chat-0001","prompt":"What is a vault?","response":"A room that locks."}\n'
