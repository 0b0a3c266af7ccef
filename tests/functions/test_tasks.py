"""Functions that no route reaches: the authorizer, the sweep."""

import traceback
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.access import Role
from datavault.domain.errors import Unavailable
from datavault.domain.ids import WorkspaceId
from datavault.domain.usage import usage_identifier
from datavault.ports import Claims
from functions.access import authorize
from functions.edge.caller import caller_of
from functions.edge.task import Failed, Task
from functions.records import append
from functions.retention import sweep_staging
from functions.versions import create_commit
from tests.functions.events import CANARY, Client

METHOD_ARN = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/live/GET/api/v1/datasets"
WORKSPACE = "ws_019b76da-a800-726a-9e3a-53ce41d29686"


def token_for(vault: MemoryVault, **said: Any) -> str:
    expires_s = vault.clock.now_ms() // 1000 + 900
    claims = Claims("ada", WORKSPACE, ("writer", "emperor"), mfa=True, expires_s=expires_s)
    return vault.tokens.issue(replace(claims, **said))


@pytest.mark.parametrize("form", ["token", "headers"])
def test_a_good_token_is_allowed_the_whole_api(vault: MemoryVault, form: str) -> None:
    bearer = f"Bearer {token_for(vault)}"
    given = (
        {"type": "TOKEN", "authorizationToken": bearer}
        if form == "token"
        else {"type": "REQUEST", "headers": {"authorization": bearer}}
    )
    allowed = authorize.handler.run(vault, given | {"methodArn": METHOD_ARN})
    assert allowed["principalId"] == allowed["context"]["workspace"]
    (statement,) = allowed["policyDocument"]["Statement"]
    assert statement == {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/live/*",
    }
    assert all(isinstance(value, str) for value in allowed["context"].values())
    assert allowed["usageIdentifierKey"] == usage_identifier(WorkspaceId(WORKSPACE))
    assert allowed["context"]["expires_s"] == str(vault.clock.now_ms() // 1000 + 900)


def test_the_caller_is_whom_the_authorizer_found(vault: MemoryVault) -> None:
    given = {"authorizationToken": f"Bearer {token_for(vault)}", "methodArn": METHOD_ARN}
    context = authorize.handler.run(vault, given)["context"]
    event = {"requestContext": {"authorizer": context}}
    caller = caller_of(event, "c-1", now_ms=vault.clock.now_ms())
    assert (caller.subject, caller.workspace) == ("ada", WORKSPACE)
    assert caller.roles == {Role.WRITER}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authorizationToken": ""},
        {"authorizationToken": "Bearer"},
        {"authorizationToken": "Bearer "},
        {"authorizationToken": "Basic YTpi"},
        {"authorizationToken": f"Bearer {CANARY}"},
        {"authorizationToken": CANARY},
        {"headers": {}},
        {"headers": None},
    ],
)
def test_without_a_good_token_the_answer_is_the_word_that_becomes_401(
    vault: MemoryVault, given: dict[str, Any]
) -> None:
    with pytest.raises(authorize.Unauthorized) as raised:
        authorize.handler.run(vault, given | {"methodArn": METHOD_ARN})
    assert str(raised.value) == "Unauthorized"


@pytest.mark.parametrize("said", [{"workspace": "acme"}, {"workspace": ""}, {"expires_s": 0}])
def test_a_token_without_a_workspace_or_out_of_force_is_not_one(
    vault: MemoryVault, said: dict[str, Any]
) -> None:
    given = {"authorizationToken": f"Bearer {token_for(vault, **said)}", "methodArn": METHOD_ARN}
    with pytest.raises(authorize.Unauthorized):
        authorize.handler.run(vault, given)


def test_a_vault_error_leaves_a_task_by_its_own_name(vault: MemoryVault) -> None:
    def handle(_vault: object, _payload: object) -> dict[str, Any]:
        raise Unavailable("no answer")

    with pytest.raises(Unavailable):
        Task("sweep_staging", handle).run(vault, {})


def test_lambda_logs_no_message_but_ours(vault: MemoryVault) -> None:
    def handle(_vault: object, _payload: object) -> dict[str, Any]:
        raise KeyError(CANARY)

    with pytest.raises(Failed) as raised:
        Task("sweep_staging", handle).run(vault, {})
    shown = "".join(traceback.format_exception(raised.value))
    assert CANARY not in shown
    assert shown.endswith("Failed: KeyError\n")


def test_a_sweep_says_what_it_removed(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    large = {"id": "large", "text": "x" * 5000}
    staged = client(append.handler, path=path, json_body={"records": [{"data": large}]})
    assert staged.status == HTTPStatus.CREATED
    committed = client(create_commit.handler, path=path, json_body={})
    assert committed.status == HTTPStatus.CREATED
    client.vault.clock.advance(2 * 3600)
    swept = sweep_staging.handler.run(client.vault, {})
    assert swept == {"generations": 1, "rows": 2, "objects": 1}
