"""THE table: operation, method, path, action, body, reply, status, function, grants.

Routes (``infra.api``), permissions (``infra.grants``), OpenAPI (``contracts.openapi``), the client
and the tests are all derived from it. An operation's name is also its service function's, its
metric's and its ``operationId``; its function is a module under ``functions/`` and the Lambda
handler string is that module's ``handler``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from datavault.contracts import datasets, health, records, versions
from datavault.domain.access import Action

type Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
HTML = "text/html"
PROBLEM = "application/problem+json"


class Grant(StrEnum):
    """A word for what a function may do; ``infra.grants`` says what it means in IAM."""

    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    STAGING_READ = "staging:read"
    STAGING_WRITE = "staging:write"
    LEDGER_APPEND = "ledger:append"
    OBJECTS_READ = "objects:read"
    OBJECTS_WRITE = "objects:write"
    OBJECTS_DELETE = "objects:delete"
    KEYS_GENERATE = "keys:generate"
    KEYS_UNWRAP = "keys:unwrap"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. ``action`` is ``None`` for what needs no credentials.

    ``query`` is a model of the query parameters; ``accepts`` and ``returns`` are media types, the
    first being the default.
    """

    name: str
    capability: str
    method: Method
    path: str
    summary: str
    action: Action | None
    function: str
    grants: frozenset[Grant]
    status: int
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None
    accepts: tuple[str, ...] = (JSON,)
    returns: tuple[str, ...] = (JSON,)
    memory_mb: int = 512
    timeout_s: int = 29


@dataclass(frozen=True, slots=True)
class Task:
    """A function that no route reaches: the authorizer, or what a schedule starts."""

    name: str
    capability: str
    summary: str
    function: str
    grants: frozenset[Grant]
    every_minutes: int | None = None
    memory_mb: int = 512
    timeout_s: int = 60


_API = "/api/v1"
_DATASET = f"{_API}/datasets/{{dataset_id}}"

# Reading at a ref: the dataset, its heads and keys, staged changes, then nodes and packs.
_READ = frozenset({Grant.CATALOG_READ, Grant.STAGING_READ, Grant.OBJECTS_READ, Grant.KEYS_UNWRAP})
# Commits are sealed, and so are list cursors: reading either takes a key.
_HISTORY = frozenset({Grant.CATALOG_READ, Grant.KEYS_UNWRAP})
# Staging a change moves a head's tick (catalog) and writes rows (staging); so do commits and
# branches, in their way, and the ledger tells of each.
_STAGE = frozenset(
    {
        Grant.CATALOG_READ,
        Grant.CATALOG_WRITE,
        Grant.STAGING_READ,
        Grant.STAGING_WRITE,
        Grant.LEDGER_APPEND,
        Grant.KEYS_UNWRAP,
    }
)
# A PUT whose answer was lost is compared with what is there.
_PUT_OBJECTS = frozenset({Grant.OBJECTS_READ, Grant.OBJECTS_WRITE})

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="create_dataset",
        capability="datasets",
        method="POST",
        path=f"{_API}/datasets",
        summary="Create a dataset with its own store and keys, and its branch main",
        action=Action.CREATE_DATASET,
        body=datasets.CreateDatasetBody,
        reply=datasets.DatasetReply,
        status=201,
        function="functions.datasets.create",
        grants=_STAGE | _PUT_OBJECTS | {Grant.KEYS_GENERATE},
    ),
    Operation(
        name="list_datasets",
        capability="datasets",
        method="GET",
        path=f"{_API}/datasets",
        summary="List the workspace's datasets, oldest first",
        action=Action.DESCRIBE_DATASET,
        query=datasets.ListQuery,
        reply=datasets.DatasetListReply,
        status=200,
        function="functions.datasets.list",
        grants=_HISTORY,
    ),
    Operation(
        name="describe_dataset",
        capability="datasets",
        method="GET",
        path=_DATASET,
        summary="Describe one dataset",
        action=Action.DESCRIBE_DATASET,
        reply=datasets.DatasetReply,
        status=200,
        function="functions.datasets.describe",
        grants=frozenset({Grant.CATALOG_READ}),
    ),
    Operation(
        name="append_records",
        capability="records",
        method="POST",
        path=f"{_DATASET}/records",
        summary="Stage records on a branch: new ids are added, known ids replaced",
        action=Action.APPEND_RECORDS,
        query=records.AppendQuery,
        body=records.AppendBody,
        accepts=(JSON, NDJSON),
        reply=records.AppendReply,
        status=201,
        function="functions.records.append",
        grants=_STAGE | _PUT_OBJECTS,
        memory_mb=1024,
    ),
    Operation(
        name="list_records",
        capability="records",
        method="GET",
        path=f"{_DATASET}/records",
        summary="List the records of a branch or commit in the order of their ids",
        action=Action.READ_RECORDS,
        query=records.ListRecordsQuery,
        reply=records.RecordListReply,
        returns=(JSON, NDJSON),
        status=200,
        function="functions.records.list",
        grants=_READ,
        memory_mb=1024,
    ),
    Operation(
        name="get_record",
        capability="records",
        method="GET",
        path=f"{_DATASET}/records/{{record_id}}",
        summary="Get one record as a branch or commit has it",
        action=Action.READ_RECORDS,
        query=records.GetRecordQuery,
        reply=records.RecordReply,
        returns=(JSON, NDJSON),
        status=200,
        function="functions.records.get",
        grants=_READ,
        memory_mb=1024,
    ),
    Operation(
        name="delete_record",
        capability="records",
        method="DELETE",
        path=f"{_DATASET}/records/{{record_id}}",
        summary="Stage the removal of one record on a branch",
        action=Action.DELETE_RECORDS,
        query=records.DeleteRecordQuery,
        status=204,
        function="functions.records.delete",
        grants=_STAGE | {Grant.OBJECTS_READ},
        memory_mb=1024,
    ),
    Operation(
        name="create_commit",
        capability="versions",
        method="POST",
        path=f"{_DATASET}/commits",
        summary="Commit everything staged on a branch as one new version",
        action=Action.COMMIT,
        body=versions.CreateCommitBody,
        reply=versions.CommitReply,
        status=201,
        function="functions.versions.create_commit",
        grants=_STAGE | _PUT_OBJECTS,
        memory_mb=2048,
    ),
    Operation(
        name="list_commits",
        capability="versions",
        method="GET",
        path=f"{_DATASET}/commits",
        summary="List a branch's history, newest first",
        action=Action.READ_HISTORY,
        query=versions.ListCommitsQuery,
        reply=versions.CommitListReply,
        status=200,
        function="functions.versions.list_commits",
        grants=_HISTORY,
    ),
    Operation(
        name="get_commit",
        capability="versions",
        method="GET",
        path=f"{_DATASET}/commits/{{commit_id}}",
        summary="Get one commit by its id or a unique prefix of at least 8 characters",
        action=Action.READ_HISTORY,
        reply=versions.CommitReply,
        status=200,
        function="functions.versions.get_commit",
        grants=_HISTORY,
    ),
    Operation(
        name="create_branch",
        capability="versions",
        method="POST",
        path=f"{_DATASET}/branches",
        summary="Create a branch at the commit another ref names; staged changes stay behind",
        action=Action.CHANGE_BRANCHES,
        body=versions.CreateBranchBody,
        reply=versions.BranchReply,
        status=201,
        function="functions.versions.create_branch",
        grants=_STAGE,
    ),
    Operation(
        name="list_branches",
        capability="versions",
        method="GET",
        path=f"{_DATASET}/branches",
        summary="List a dataset's branches by name",
        action=Action.READ_HISTORY,
        query=datasets.ListQuery,
        reply=versions.BranchListReply,
        status=200,
        function="functions.versions.list_branches",
        grants=_HISTORY,
    ),
    Operation(
        name="delete_branch",
        capability="versions",
        method="DELETE",
        path=f"{_DATASET}/branches/{{branch}}",
        summary="Delete a branch and what is staged on it; its commits stay",
        action=Action.CHANGE_BRANCHES,
        status=204,
        function="functions.versions.delete_branch",
        # A commit that is pending on the branch is finished first.
        grants=_STAGE | _PUT_OBJECTS,
        memory_mb=2048,
    ),
    Operation(
        name="check_live",
        capability="health",
        method="GET",
        path="/health/live",
        summary="Say that the service answers",
        action=None,
        reply=health.HealthReply,
        status=200,
        function="functions.health.live",
        grants=frozenset(),
        memory_mb=256,
    ),
    Operation(
        name="check_ready",
        capability="health",
        method="GET",
        path="/health/ready",
        summary="Probe the catalog, the objects and the keys for real",
        action=None,
        reply=health.HealthReply,
        status=200,
        function="functions.health.ready",
        # Asking KMS for a sign of life takes no permission.
        grants=frozenset({Grant.CATALOG_READ, Grant.OBJECTS_READ}),
    ),
    Operation(
        name="describe_api",
        capability="health",
        method="GET",
        path="/openapi.json",
        summary="This API as an OpenAPI 3.1 document",
        action=None,
        status=200,
        function="functions.health.openapi",
        grants=frozenset(),
    ),
    Operation(
        name="browse_docs",
        capability="health",
        method="GET",
        path="/docs",
        summary="This API as a page to read",
        action=None,
        returns=(HTML,),
        status=200,
        function="functions.health.docs",
        grants=frozenset(),
    ),
)

TASKS: tuple[Task, ...] = (
    Task(
        name="authorize",
        capability="access",
        summary="Verify a caller's token for the API",
        function="functions.access.authorize",
        grants=frozenset(),
        timeout_s=10,
    ),
    Task(
        name="sweep_staging",
        capability="retention",
        summary="Remove staged changes an hour after their commit, and those of deleted branches",
        function="functions.retention.sweep_staging",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                # Not OBJECTS_READ: S3 says of what is not there that it has been deleted.
                Grant.OBJECTS_DELETE,
            }
        ),
        every_minutes=15,
        timeout_s=900,
    ),
)


def operation(name: str) -> Operation:
    """The row of that name; a ``KeyError`` for a name that is not in the table."""
    return _BY_NAME[name]


_BY_NAME = {row.name: row for row in OPERATIONS}
