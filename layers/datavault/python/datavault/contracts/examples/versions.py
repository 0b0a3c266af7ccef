"""Examples of the operations of versions."""

from typing import Any

from datavault.contracts.examples.shared import AT, COMMIT, DATASET, ONE_PAGE, PARENT, ROOT, links

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
    "list_branches": {
        "data": [BRANCH_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/branches?limit=100", dataset=f"/{DATASET}"),
    },
}
