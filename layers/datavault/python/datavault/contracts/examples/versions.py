"""Examples of the operations of versions."""

from typing import Any

from datavault.contracts.examples.shared import (
    AT,
    COMMIT,
    DATASET,
    ONE_PAGE,
    PARENT,
    RECORD,
    RECORD_ID,
    ROOT,
    links,
)

COMMIT_REPLY = {
    "id": COMMIT,
    "root": ROOT,
    "parents": [PARENT],
    "author": "ada",
    "message": "Import the May chats",
    "committed_at": AT,
    "records": 1,
    "added": 1,
    "changed": 0,
    "removed": 0,
    "policy": None,
    "_links": links(
        self=f"/{DATASET}/commits/{COMMIT}",
        dataset=f"/{DATASET}",
        records=f"/{DATASET}/records?ref={COMMIT}",
        parent=f"/{DATASET}/commits/{PARENT}",
    ),
}

BRANCH_REPLY = {
    "name": "experiment",
    "commit": COMMIT,
    "created_at": AT,
    "created_by": "ada",
    "protected": False,
    "_links": links(
        self=f"/{DATASET}/branches/experiment",
        dataset=f"/{DATASET}",
        records=f"/{DATASET}/records?ref=experiment",
        commits=f"/{DATASET}/commits?ref=experiment",
        reflog=f"/{DATASET}/branches/experiment/reflog",
    ),
}

MOVE_REPLY = {
    "source": PARENT,
    "target": COMMIT,
    "operation": "create_commit",
    "actor": "ada",
    "moved_at": AT,
    "branch_id": "br_0197c1b0-2f81-7c52-8a17-3be1f09d64c2",
    "_links": links(
        source=f"/{DATASET}/commits/{PARENT}",
        target=f"/{DATASET}/commits/{COMMIT}",
    ),
}

TAG_REPLY = {
    "name": "v1.0",
    "commit": COMMIT,
    "message": "What we trained on in May",
    "created_at": AT,
    "created_by": "ada",
    "_links": links(
        self=f"/{DATASET}/tags/v1.0",
        dataset=f"/{DATASET}",
        commit=f"/{DATASET}/commits/{COMMIT}",
        records=f"/{DATASET}/records?ref=v1.0",
    ),
}

_ASKED = "source=experiment&target=main&granularity=fields&histories=related"
_MERGED = {
    "outcome": "committed",
    "commit": COMMIT_REPLY,
    "_links": links(
        dataset=f"/{DATASET}",
        records=f"/{DATASET}/records?ref=main",
        commits=f"/{DATASET}/commits?ref=main",
    ),
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "commit_id": ("A commit's id, or a unique prefix of at least 8 characters.", COMMIT),
    "branch": ("A branch's name, percent-encoded whole: a `/` in it is `%2F`.", "experiment"),
    "tag": ("A tag's name, percent-encoded whole: a `/` in it is `%2F`.", "v1.0"),
}

REQUESTS: dict[str, Any] = {
    "create_commit": {"branch": "main", "message": "Import the May chats"},
    "create_branch": {"name": "experiment", "start": "main"},
    "update_branch": {"protected": True},
    "reset_branch": {"to": PARENT, "staged": "refuse", "expected_commit": COMMIT},
    "create_tag": {"name": "v1.0", "ref": "main", "message": "What we trained on in May"},
    "merge_refs": {
        "source": "experiment",
        "target": "main",
        "resolutions": [
            {"id": RECORD_ID, "data": RECORD},
            {"id": "chat-0002", "take": "theirs"},
        ],
    },
    "cherry_pick_commit": {"commit": COMMIT, "branch": "main"},
    "revert_commit": {"commit": COMMIT, "branch": "main"},
}

REPLIES: dict[str, Any] = {
    "create_commit": COMMIT_REPLY,
    "list_commits": {
        "data": [COMMIT_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/commits?ref=main&limit=100", dataset=f"/{DATASET}"),
    },
    "get_commit": COMMIT_REPLY,
    "create_branch": BRANCH_REPLY,
    "get_branch": BRANCH_REPLY,
    "update_branch": BRANCH_REPLY | {"protected": True},
    "reset_branch": BRANCH_REPLY | {"commit": PARENT},
    "list_reflog": {
        "data": [MOVE_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/branches/experiment/reflog?limit=100", dataset=f"/{DATASET}"
        ),
    },
    "create_tag": TAG_REPLY,
    "list_tags": {
        "data": [TAG_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/tags?limit=100", dataset=f"/{DATASET}"),
    },
    "get_tag": TAG_REPLY,
    "verify_version": {
        "commit": COMMIT,
        "nodes": 1,
        "blocks": 1,
        "records": 1,
        "bytes": 88,
        "corrupt": [{"part": "block", "name": "0f3c5a9be1d274680f3c5a9be1d27468", "records": 12}],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/verify?ref=main",
            dataset=f"/{DATASET}",
            commit=f"/{DATASET}/commits/{COMMIT}",
        ),
    },
    "list_branches": {
        "data": [BRANCH_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/branches?limit=100", dataset=f"/{DATASET}"),
    },
    "diff_refs": {
        "base": PARENT,
        "target": COMMIT,
        "data": [
            {
                "id": RECORD_ID,
                "kind": "added",
                "before": None,
                "after": {"etag": "5f0c1e9ab3d27468", "data": RECORD},
                "_links": links(record=f"/{DATASET}/records/{RECORD_ID}?ref={COMMIT}"),
            }
        ],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/diff?base={PARENT}&target=main&include=records&limit=100",
            counts=f"/{DATASET}/diff/counts?base={PARENT}&target=main",
            dataset=f"/{DATASET}",
        ),
    },
    "count_changes": {
        "base": PARENT,
        "target": COMMIT,
        "added": 1,
        "changed": 0,
        "removed": 0,
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/diff/counts?base={PARENT}&target=main", dataset=f"/{DATASET}"
        ),
    },
    "preview_merge": {
        "outcome": "conflicts",
        "bases": [PARENT],
        "ours": COMMIT,
        "theirs": ROOT,
        "changes": 12,
        "conflicts": {"edit_edit": 1},
        "_links": links(
            self=f"/{DATASET}/merge/preview?{_ASKED}",
            conflicts=f"/{DATASET}/merge/conflicts?{_ASKED}",
            dataset=f"/{DATASET}",
        ),
    },
    "list_conflicts": {
        "bases": [PARENT],
        "ours": COMMIT,
        "theirs": ROOT,
        "data": [
            {
                "id": RECORD_ID,
                "kind": "edit_edit",
                "fields": ["/response"],
                "base": {"etag": "5f0c1e9ab3d27468", "data": None},
                "ours": {"etag": "a81b2d0c44f7e935", "data": None},
                "theirs": {"etag": "0c7d9e512ab6f384", "data": None},
                "_links": links(record=f"/{DATASET}/records/{RECORD_ID}?ref={COMMIT}"),
            }
        ],
        "pagination": ONE_PAGE,
        "_links": links(
            self=f"/{DATASET}/merge/conflicts?{_ASKED}&include=etags&limit=100",
            preview=f"/{DATASET}/merge/preview?{_ASKED}",
            dataset=f"/{DATASET}",
        ),
    },
    "merge_refs": _MERGED,
    "cherry_pick_commit": _MERGED,
    "revert_commit": _MERGED,
}
