"""Examples of the operations of datasets."""

from typing import Any

from datavault.contracts.examples.shared import AT, COMMIT, DATASET, ONE_PAGE, PARENT, links

DATASET_REPLY = {
    "id": DATASET,
    "name": "support-chats",
    "description": "Chats of the support desk",
    "labels": {"team": "assist"},
    "record_key": "id",
    "default_branch": "main",
    "metadata": {"language": "en", "turns": 4},
    "state": "active",
    "version": 1,
    "origin": None,
    "schema_hash": None,
    "privacy": "off",
    "created_at": AT,
    "created_by": "ada",
    "updated_at": AT,
    "_links": links(
        self=f"/{DATASET}",
        stats=f"/{DATASET}/stats",
        records=f"/{DATASET}/records",
        commits=f"/{DATASET}/commits",
        branches=f"/{DATASET}/branches",
    ),
}

_SCHEMA = {"type": "object", "required": ["id", "prompt"]}

STATS_REPLY = {
    "commit": COMMIT,
    "base": PARENT,
    "records": 1000,
    "logical_bytes": 2500000,
    "stored": {"bytes": 760000, "records_bytes": 700000, "nodes_bytes": 60000},
    "unique": {"bytes": 20000, "records_bytes": 14000, "nodes_bytes": 6000},
    "shared": {"bytes": 740000, "records_bytes": 686000, "nodes_bytes": 54000},
    "dedup": [
        {
            "workload": "version",
            "logical_bytes": 2500000,
            "stored_bytes": 760000,
            "ratio": 3.2895,
        },
        {
            "workload": "version_and_base",
            "logical_bytes": 5000000,
            "stored_bytes": 780000,
            "ratio": 6.4103,
        },
    ],
    "_links": links(
        self=f"/{DATASET}/stats?ref=main",
        dataset=f"/{DATASET}",
        commit=f"/{DATASET}/commits/{COMMIT}",
    ),
}

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "dataset_id": ("A dataset.", DATASET),
}

REQUESTS: dict[str, Any] = {
    "create_dataset": {
        "name": "support-chats",
        "description": "Chats of the support desk",
        "labels": {"team": "assist"},
        "metadata": {"language": "en", "turns": 4},
        "record_key": "id",
        "schema": _SCHEMA,
    },
    "clone_dataset": {"name": "support-chats-cleaned", "ref": "main"},
    "update_dataset": {"description": "Chats of the support desk, cleaned", "labels": {}},
}

_WITH_SCHEMA = {"schema_hash": "5b0c7a914e2f4d08a3c1d2e9b7f6a054"}

REPLIES: dict[str, Any] = {
    "create_dataset": DATASET_REPLY | _WITH_SCHEMA,
    "list_datasets": {
        "data": [DATASET_REPLY],
        "pagination": ONE_PAGE,
        "_links": links(self="?limit=100"),
    },
    "describe_dataset": DATASET_REPLY | _WITH_SCHEMA | {"schema": _SCHEMA},
    "update_dataset": DATASET_REPLY
    | {"description": "Chats of the support desk, cleaned", "labels": {}, "version": 2},
    "clone_dataset": DATASET_REPLY
    | {"name": "support-chats-cleaned", "origin": {"dataset": DATASET, "commit": COMMIT}},
    "get_dataset_stats": STATS_REPLY,
    "archive_dataset": DATASET_REPLY | {"state": "archived", "version": 2},
    "restore_dataset": DATASET_REPLY | {"version": 3},
}
