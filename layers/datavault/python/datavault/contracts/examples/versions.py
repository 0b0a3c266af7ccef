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
    "_links": links(
        self=f"/{DATASET}/branches/experiment",
        dataset=f"/{DATASET}",
        records=f"/{DATASET}/records?ref=experiment",
        commits=f"/{DATASET}/commits?ref=experiment",
    ),
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "commit_id": ("A commit's id, or a unique prefix of at least 8 characters.", COMMIT),
    "branch": ("A branch's name, percent-encoded whole: a `/` in it is `%2F`.", "experiment"),
}

REQUESTS: dict[str, Any] = {
    "create_commit": {"branch": "main", "message": "Import the May chats"},
    "create_branch": {"name": "experiment", "start": "main"},
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
    "list_branches": {
        "data": [BRANCH_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self=f"/{DATASET}/branches?limit=100", dataset=f"/{DATASET}"),
    },
}
