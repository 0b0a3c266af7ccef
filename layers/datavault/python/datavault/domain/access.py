"""Who may do what: roles, actions and the one decision function.

A caller comes from verified claims (the API) or from an IAM identity (an operator). Roles are
those of one workspace; the workspace is a wall: what belongs to another one does not exist.
"""

from dataclasses import dataclass
from enum import StrEnum

from datavault.domain.errors import Denied
from datavault.domain.ids import WorkspaceId


class Role(StrEnum):
    """What a person or service is in a workspace."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What can be asked for; written ``<capability>:<verb>`` in ledger entries."""

    CREATE_DATASET = "datasets:create"
    DESCRIBE_DATASET = "datasets:describe"
    UPDATE_DATASET = "datasets:update"
    ARCHIVE_DATASET = "datasets:archive"
    CLONE_DATASET = "datasets:clone"
    APPEND_RECORDS = "records:append"
    READ_RECORDS = "records:read"
    DELETE_RECORDS = "records:delete"
    COMMIT = "versions:commit"
    READ_HISTORY = "versions:read"
    CHANGE_BRANCHES = "versions:branch"
    READ_JOBS = "jobs:read"
    CANCEL_JOBS = "jobs:cancel"
    PROTECT_BRANCHES = "versions:protect"
    CREATE_TAG = "versions:tag"
    COMPARE = "versions:compare"
    MERGE = "versions:merge"
    VERIFY = "versions:verify"
    UPLOAD = "ingest:upload"
    # Of those who run the vault: no role permits it, AWS has decided (``Operator``).
    OPERATE = "vault:operate"


_READ = frozenset(
    {
        Action.DESCRIBE_DATASET,
        Action.READ_RECORDS,
        Action.READ_HISTORY,
        Action.COMPARE,
        Action.VERIFY,
        Action.READ_JOBS,
    }
)
_WRITE = _READ | {
    Action.UPDATE_DATASET,
    Action.APPEND_RECORDS,
    Action.DELETE_RECORDS,
    Action.COMMIT,
    Action.CHANGE_BRANCHES,
    Action.CANCEL_JOBS,
    Action.CREATE_TAG,
    Action.MERGE,
    Action.UPLOAD,
}

# An auditor sees that things happened and not what they hold: history without records.
PERMITTED: dict[Role, frozenset[Action]] = {
    Role.READER: _READ,
    Role.WRITER: _WRITE,
    Role.ADMIN: _WRITE
    | {
        Action.CREATE_DATASET,
        Action.ARCHIVE_DATASET,
        Action.CLONE_DATASET,
        Action.PROTECT_BRANCHES,
    },
    Role.AUDITOR: frozenset(
        {Action.DESCRIBE_DATASET, Action.READ_HISTORY, Action.VERIFY, Action.READ_JOBS}
    ),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified identity, in one request: ``subject`` is the token's ``sub``.

    ``correlation_id`` is the request's, and goes into every ledger entry that comes of it.
    """

    subject: str
    workspace: WorkspaceId
    roles: frozenset[Role]
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs the vault, during one command: ``identity`` is AWS's name for them, an ARN.

    ``correlation_id`` is the command's, and joins the ledger entries that come of it.
    """

    identity: str
    correlation_id: str


def require(caller: Caller, action: Action) -> None:
    """Return if one of the caller's roles permits ``action``; else raise ``Denied`` saying why."""
    if any(action in PERMITTED[role] for role in caller.roles):
        return
    permitting = ", ".join(role for role, actions in PERMITTED.items() if action in actions)
    raise Denied(f"{action} needs one of the roles {permitting}")
