"""The one table of who may do what, as a whole."""

import pytest

from datavault.domain.access import Action, Caller, Role, require
from datavault.domain.errors import Denied
from datavault.domain.ids import WorkspaceId

READ = {
    Action.DESCRIBE_DATASET,
    Action.READ_RECORDS,
    Action.READ_HISTORY,
    Action.COMPARE,
    Action.VERIFY,
    Action.READ_JOBS,
}
WRITE = READ | {
    Action.APPEND_RECORDS,
    Action.DELETE_RECORDS,
    Action.COMMIT,
    Action.CHANGE_BRANCHES,
    Action.CREATE_TAG,
    Action.MERGE,
    Action.UPDATE_DATASET,
    Action.CANCEL_JOBS,
    Action.UPLOAD,
}
ALLOWED = {
    Role.READER: READ,
    Role.WRITER: WRITE,
    # What operators do is nobody's in a workspace.
    Role.ADMIN: {*Action} - {Action.OPERATE},
    Role.AUDITOR: {
        Action.DESCRIBE_DATASET,
        Action.READ_HISTORY,
        Action.VERIFY,
        Action.READ_JOBS,
    },
}


def caller(*roles: Role) -> Caller:
    return Caller("somebody", WorkspaceId("ws"), frozenset(roles), "c")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_permits_what_the_table_says(role: Role, action: Action) -> None:
    if action in ALLOWED[role]:
        require(caller(role), action)
    else:
        with pytest.raises(Denied, match=f"{action} needs one of the roles"):
            require(caller(role), action)


def test_no_role_permits_nothing_and_roles_add_up() -> None:
    for action in Action:
        with pytest.raises(Denied):
            require(caller(), action)
    for action in READ | ALLOWED[Role.AUDITOR]:
        require(caller(Role.AUDITOR, Role.READER), action)


def test_a_refusal_names_the_roles_that_would_do() -> None:
    with pytest.raises(Denied, match=r"records:append needs one of the roles writer, admin$"):
        require(caller(Role.READER), Action.APPEND_RECORDS)
