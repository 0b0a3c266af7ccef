"""What each grant word allows, and that functions hold what their words say and no more."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from aws_cdk import Stack

from datavault.contracts.operations import OPERATIONS, TASKS, Grant, Task
from infra.grants import Permission, permissions
from infra.names import Names, Row
from tests.infra.conftest import Assembly, Json, plain

ROWS: tuple[Row, ...] = (*OPERATIONS, *TASKS)
KEY = "arn:aws:kms:eu-central-1:111122223333:key/data"
TABLE = "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/datavault-test"
BUCKET = "arn:<AWS::Partition>:s3:::datavault-test-objects-<AWS::AccountId>-<AWS::Region>"
LANDING = "arn:<AWS::Partition>:s3:::datavault-test-landing-<AWS::AccountId>-<AWS::Region>"
STATES = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
WORKSPACE_KEYS = "arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*"
OF_THE_STAGE = {"StringEquals": {"aws:ResourceTag/datavault:stage": "test"}}
THROUGH_DYNAMODB = {"StringEquals": {"kms:ViaService": "dynamodb.<AWS::Region>.amazonaws.com"}}
THROUGH_S3 = {"StringEquals": {"kms:ViaService": "s3.<AWS::Region>.amazonaws.com"}}
LANDING_KEY = {
    **THROUGH_S3,
    "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/datavault-test-landing"},
}
READ = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
)
WRITE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
READ_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
STATES, EVENTS, QUEUES = (
    f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>"
    for service in ("states", "events", "sqs")
)
NAMED = "datavault-test-"
OPEN_KEY = ("kms:Decrypt", "kms:DescribeKey")
SEAL_KEY = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)

type Allowed = tuple[str, tuple[str, ...], str, Json]

MEANINGS: dict[Grant, list[Allowed]] = {
    Grant.CATALOG_READ: [
        ("CatalogRead", READ, f"{TABLE}-catalog", {}),
        ("DataKeyThroughDynamodb", OPEN_KEY, KEY, THROUGH_DYNAMODB),
    ],
    Grant.CATALOG_WRITE: [
        ("CatalogWrite", WRITE, f"{TABLE}-catalog", {}),
        ("DataKeyThroughDynamodb", SEAL_KEY, KEY, THROUGH_DYNAMODB),
    ],
    Grant.STAGING_READ: [
        ("StagingRead", READ, f"{TABLE}-staging", {}),
        ("DataKeyThroughDynamodb", OPEN_KEY, KEY, THROUGH_DYNAMODB),
    ],
    Grant.STAGING_WRITE: [
        ("StagingWrite", WRITE, f"{TABLE}-staging", {}),
        ("DataKeyThroughDynamodb", SEAL_KEY, KEY, THROUGH_DYNAMODB),
    ],
    Grant.LEDGER_APPEND: [
        (
            "LedgerAppend",
            ("dynamodb:PutItem",),
            f"{TABLE}-ledger",
            {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}},
        ),
        ("DataKeyThroughDynamodb", SEAL_KEY, KEY, THROUGH_DYNAMODB),
    ],
    Grant.OBJECTS_READ: [
        ("ObjectsRead", ("s3:GetObject",), f"{BUCKET}/*", {}),
        ("ObjectsList", ("s3:ListBucket",), BUCKET, {}),
        ("DataKeyThroughS3", ("kms:Decrypt",), KEY, THROUGH_S3),
    ],
    Grant.OBJECTS_WRITE: [
        ("ObjectsWrite", ("s3:AbortMultipartUpload", "s3:PutObject"), f"{BUCKET}/*", {}),
        ("DataKeyThroughS3", ("kms:Decrypt", "kms:GenerateDataKey"), KEY, THROUGH_S3),
    ],
    Grant.OBJECTS_DELETE: [("ObjectsDelete", ("s3:DeleteObject",), f"{BUCKET}/*", {})],
    Grant.KEYS_GENERATE: [("KeysGenerate", ("kms:GenerateDataKey",), WORKSPACE_KEYS, OF_THE_STAGE)],
    Grant.KEYS_UNWRAP: [("KeysUnwrap", ("kms:Decrypt",), WORKSPACE_KEYS, OF_THE_STAGE)],
    Grant.WORKFLOWS_START: [
        (
            "WorkflowsStart",
            ("states:StartExecution",),
            f"{STATES}:stateMachine:datavault-test-*",
            {},
        )
    ],
    Grant.WORKFLOWS_READ: [
        (
            "WorkflowsRead",
            ("states:DescribeExecution",),
            f"{STATES}:execution:datavault-test-*",
            {},
        )
    ],
    Grant.WORKFLOWS_STOP: [
        ("WorkflowsStop", ("states:StopExecution",), f"{STATES}:execution:datavault-test-*", {})
    ],
    Grant.LANDING_LIST: [
        ("LandingList", ("s3:ListMultipartUploadParts",), f"{LANDING}/uploads/*", {}),
    ],
    Grant.LANDING_READ: [
        ("LandingRead", ("s3:GetObject",), f"{LANDING}/*", {}),
        ("LandingReadFinds", ("s3:ListBucket",), LANDING, {}),
        ("LandingKeyThroughS3", ("kms:Decrypt",), WORKSPACE_KEYS, LANDING_KEY),
    ],
    Grant.LANDING_WRITE: [
        ("LandingWrite", ("s3:PutObject",), f"{LANDING}/uploads/*", {}),
        ("LandingWriteFinds", ("s3:ListBucket",), LANDING, {}),
        (
            "LandingKeyThroughS3",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            WORKSPACE_KEYS,
            LANDING_KEY,
        ),
    ],
    Grant.LANDING_SIGN: [
        ("LandingSign", ("s3:PutObject",), f"{LANDING}/uploads/*", {}),
        (
            "LandingKeyThroughS3",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            WORKSPACE_KEYS,
            LANDING_KEY,
        ),
    ],
    Grant.LANDING_DELETE: [
        (
            "LandingDelete",
            ("s3:AbortMultipartUpload", "s3:DeleteObject"),
            f"{LANDING}/*",
            {},
        ),
        ("LandingDeleteFinds", ("s3:ListBucket",), LANDING, {}),
    ],
    Grant.LEDGER_FOLLOW: [
        ("LedgerFollow", READ_STREAM, f"{TABLE}-ledger/stream/*", {}),
        ("StreamsList", ("dynamodb:ListStreams",), "*", {}),
        ("DataKeyThroughDynamodb", ("kms:Decrypt",), KEY, THROUGH_DYNAMODB),
    ],
    Grant.EVENTS_PUBLISH: [
        ("EventsPublish", ("events:PutEvents",), f"{EVENTS}:event-bus/datavault-test", {})
    ],
    Grant.LETTERS_KEEP: [
        ("LettersKeep", ("sqs:SendMessage",), f"{QUEUES}:datavault-test-unpublished", {})
    ],
}


def written(permission: Permission) -> Allowed:
    """A permission with its references as text."""
    stack = Stack()
    (resource,) = plain(stack.resolve(list(permission.resources)))
    conditions = plain(stack.resolve(dict(permission.conditions)))
    return permission.sid, permission.actions, resource, conditions


def test_every_word_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Grant)


@pytest.mark.parametrize("grant", list(Grant))
def test_a_word_means_just_this(grant: Grant) -> None:
    allowed = permissions([grant], Names("test"), data_key_arn=KEY)
    assert [written(permission) for permission in allowed] == MEANINGS[grant]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_function_may_do_what_its_row_says_and_write_its_log(
    row: Row, assembly: Assembly
) -> None:
    stage = assembly.stage.name
    expected: dict[str, tuple[set[str], str, Json]] = {}
    for grant in row.grants:
        for sid, actions, resource, condition in MEANINGS[grant]:
            expected.setdefault(sid, (set(), resource, condition))[0].update(actions)
    own = {"WriteLog"} | ({"WriteTraces"} if assembly.stage.tracing else set())
    if isinstance(row, Task) and row.every_minutes:
        own.add("KeepFailedEvents")
    statements = assembly.statements(row)
    assert set(statements) == set(expected) | own
    for sid, (meant, resource, condition) in expected.items():
        statement = statements[sid]
        assert set(actions_of(statement)) == meant
        if resource == KEY:
            assert "DataKey" in statement["Resource"]
        else:
            assert statement["Resource"] == resource.replace("vault-test", f"vault-{stage}")
        assert statement.get("Condition", {}) == json.loads(
            json.dumps(condition)
            .replace('"test"', f'"{stage}"')
            .replace("vault-test", f"vault-{stage}")
        )
    log = statements["WriteLog"]
    assert log["Resource"].endswith(
        f":log-group:/aws/lambda/datavault-{stage}-{row.name.replace('_', '-')}:log-stream:*"
    )


def test_no_key_of_ours_carries_the_tag_that_makes_it_a_workspace_key(assembly: Assembly) -> None:
    keys = assembly.resources("AWS::KMS::Key").values()
    assert keys
    for key in keys:
        assert "datavault:stage" not in json.dumps(key["Properties"].get("Tags", []))


def allowed(assembly: Assembly) -> Iterator[tuple[str, Json]]:
    for name, role in assembly.resources("AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            for statement in plain(policy["PolicyDocument"]["Statement"]):
                yield name, statement
    assert not assembly.resources("AWS::IAM::Policy")


def actions_of(statement: Json) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


@pytest.fixture(scope="module")
def known_actions() -> dict[str, dict[str, Any]]:
    """Every action of AWS with the types of resources it takes, as cfn-lint ships them."""
    source = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json")
    services = json.loads(source.read_text())
    return {name: each["Actions"] for name, each in services.items()}


def test_every_action_exists_and_stars_stand_only_where_no_resource_can(
    assembly: Assembly, known_actions: dict[str, dict[str, Any]]
) -> None:
    for name, statement in allowed(assembly):
        assert statement["Effect"] == "Allow"
        for action in actions_of(statement):
            service, _, verb = action.partition(":")
            assert "*" not in action, name
            assert verb.lower() in known_actions[service], action
            if statement["Resource"] == "*":
                assert not known_actions[service][verb.lower()].get("Resources"), (name, action)


def test_no_function_may_make_list_or_destroy_keys_and_tables(assembly: Assembly) -> None:
    held = {action for _, statement in allowed(assembly) for action in actions_of(statement)}
    assert not {action for action in held if action.startswith(("iam:", "sts:"))}
    assert not held & {
        "dynamodb:DeleteTable",
        "dynamodb:Scan",
        "kms:CreateGrant",
        "kms:CreateKey",
        "kms:ScheduleKeyDeletion",
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
    }
