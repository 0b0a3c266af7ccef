"""What each grant word means in IAM: exact actions on exact resources.

A row of OPERATIONS holds words; this module is the only one that turns them into statements. Each
statement's ``Sid`` is its word. Three facts that are not obvious:

- A transaction needs the permissions of the changes in it; there is no action of its own.
- Without ``s3:ListBucket`` S3 answers 403 instead of 404 for an object that is not there, and the
  vault could not tell a missing object from a missing permission.
- Tables and bucket are encrypted under one key of the stage. DynamoDB and S3 use it in the caller's
  name, so the caller needs it too, but only through them (``kms:ViaService``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aws_cdk import Aws, aws_iam

from datavault.contracts.operations import Grant
from infra.names import Names, workspace_keys_arn

# Operators make a key per workspace outside these stacks, and tag it with the stage it serves.
WORKSPACE_KEY_TAG = "datavault:stage"

# A transaction's condition on a row that it leaves as it is reads it.
_READ_ROWS = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
)
_WRITE_ROWS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
_READ_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_OPEN = ("kms:Decrypt", "kms:DescribeKey")
_SEAL = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")

# Through which service, and for what, a grant uses the stage's data key.
_DATA_KEY: Mapping[Grant, tuple[str, tuple[str, ...]]] = {
    Grant.CATALOG_READ: ("dynamodb", _OPEN),
    Grant.CATALOG_WRITE: ("dynamodb", (*_OPEN, *_SEAL)),
    Grant.STAGING_READ: ("dynamodb", _OPEN),
    Grant.STAGING_WRITE: ("dynamodb", (*_OPEN, *_SEAL)),
    Grant.LEDGER_APPEND: ("dynamodb", (*_OPEN, *_SEAL)),
    Grant.LEDGER_FOLLOW: ("dynamodb", ("kms:Decrypt",)),
    Grant.OBJECTS_READ: ("s3", ("kms:Decrypt",)),
    # Completing a multipart upload decrypts the parts.
    Grant.OBJECTS_WRITE: ("s3", ("kms:Decrypt", "kms:GenerateDataKey")),
}
# The same of the landing's own key. Whoever has a URL acts with the permissions of its signer.
_LANDING_KEY: Mapping[Grant, tuple[str, ...]] = {
    Grant.LANDING_READ: ("kms:Decrypt",),
    Grant.LANDING_WRITE: ("kms:Decrypt", "kms:GenerateDataKey"),
    Grant.LANDING_SIGN: ("kms:Decrypt", "kms:GenerateDataKey"),
}
# What the landing bucket's policy knows functions by (``infra.landing``).
LANDING_TAGS: Mapping[Grant, str] = {
    Grant.LANDING_READ: "datavault:landing-read",
    Grant.LANDING_WRITE: "datavault:landing-upload",
    Grant.LANDING_SIGN: "datavault:landing-upload",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """One IAM statement that allows something."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def statement(self) -> aws_iam.PolicyStatement:
        """The same for the CDK."""
        return aws_iam.PolicyStatement(
            sid=self.sid,
            actions=list(self.actions),
            resources=list(self.resources),
            conditions=dict(self.conditions) or None,
        )


def permissions(grants: Iterable[Grant], names: Names, *, data_key_arn: str) -> list[Permission]:
    """All that a function with ``grants`` may do, in a stable order."""
    held = sorted(grants)
    return [
        *(permission for grant in held for permission in _permissions(grant, names)),
        *_data_key(held, data_key_arn),
        *_landing_key(held, names),
    ]


def landing_tags(grants: Iterable[Grant]) -> list[str]:
    """The tags of a role with ``grants``, each with the stage for a value."""
    return sorted({LANDING_TAGS[grant] for grant in grants if grant in LANDING_TAGS})


def _permissions(grant: Grant, names: Names) -> list[Permission]:
    sid = "".join(word.capitalize() for word in grant.split(":"))
    match grant:
        case Grant.CATALOG_READ:
            return [Permission(sid, _READ_ROWS, (names.table_arn("catalog"),))]
        case Grant.CATALOG_WRITE:
            return [Permission(sid, _WRITE_ROWS, (names.table_arn("catalog"),))]
        case Grant.STAGING_READ:
            return [Permission(sid, _READ_ROWS, (names.table_arn("staging"),))]
        case Grant.STAGING_WRITE:
            return [Permission(sid, _WRITE_ROWS, (names.table_arn("staging"),))]
        case Grant.LEDGER_APPEND:
            # An entry is only ever written with the change that it tells of.
            within = {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
            return [
                Permission(
                    sid,
                    ("dynamodb:PutItem",),
                    (names.table_arn("ledger"),),
                    {"ForAnyValue:StringEquals": within},
                )
            ]
        case Grant.OBJECTS_READ:
            return [
                Permission(sid, ("s3:GetObject",), (f"{names.bucket_arn}/*",)),
                Permission("ObjectsList", ("s3:ListBucket",), (names.bucket_arn,)),
            ]
        case Grant.OBJECTS_WRITE:
            # That nothing is overwritten is the bucket's own policy: see `infra.data`.
            actions = ("s3:AbortMultipartUpload", "s3:PutObject")
            return [Permission(sid, actions, (f"{names.bucket_arn}/*",))]
        case Grant.OBJECTS_DELETE:
            return [Permission(sid, ("s3:DeleteObject",), (f"{names.bucket_arn}/*",))]
        case (
            Grant.LANDING_LIST
            | Grant.LANDING_READ
            | Grant.LANDING_WRITE
            | Grant.LANDING_SIGN
            | Grant.LANDING_DELETE
        ):
            return _on_landing(grant, sid, names)
        case Grant.KEYS_GENERATE:
            return [_on_workspace_keys(sid, "kms:GenerateDataKey", names)]
        case Grant.KEYS_UNWRAP:
            return [_on_workspace_keys(sid, "kms:Decrypt", names)]
        case Grant.WORKFLOWS_START:
            machines = (f"{names.state_machines_prefix}*",)
            return [Permission(sid, ("states:StartExecution",), machines)]
        case Grant.WORKFLOWS_READ:
            executions = (f"{names.executions_prefix}*",)
            return [Permission(sid, ("states:DescribeExecution",), executions)]
        case Grant.WORKFLOWS_STOP:
            executions = (f"{names.executions_prefix}*",)
            return [Permission(sid, ("states:StopExecution",), executions)]
        case Grant.LEDGER_FOLLOW:
            return _following(sid, names)
        case Grant.EVENTS_PUBLISH:
            return [Permission(sid, ("events:PutEvents",), (names.bus_arn,))]
        case Grant.LETTERS_KEEP:
            return [Permission(sid, ("sqs:SendMessage",), (names.dead_letters_arn,))]


def _following(sid: str, names: Names) -> list[Permission]:
    """Lambda reads in the function's name. It asks for the list of streams too, which is of all."""
    return [
        Permission(sid, _READ_STREAM, (names.streams_arn("ledger"),)),
        Permission("StreamsList", ("dynamodb:ListStreams",), ("*",)),
    ]


def _on_landing(grant: Grant, sid: str, names: Names) -> list[Permission]:
    """An object is looked for by listing, before it is deleted and after it was made too."""
    everything, uploads = (f"{names.landing_arn}/*",), (f"{names.landing_arn}/uploads/*",)
    found = Permission(f"{sid}Finds", ("s3:ListBucket",), (names.landing_arn,))
    match grant:
        case Grant.LANDING_READ:
            return [Permission(sid, ("s3:GetObject",), everything), found]
        case Grant.LANDING_WRITE:
            return [Permission(sid, ("s3:PutObject",), uploads), found]
        case Grant.LANDING_SIGN:
            return [Permission(sid, ("s3:PutObject",), uploads)]
        case Grant.LANDING_DELETE:
            actions = ("s3:AbortMultipartUpload", "s3:DeleteObject")
            return [Permission(sid, actions, everything), found]
        case _:
            return [Permission(sid, ("s3:ListMultipartUploadParts",), uploads)]


def _landing_key(grants: Iterable[Grant], names: Names) -> list[Permission]:
    """Its key is known by its alias, so that stacks share no export of it."""
    actions = {action for grant in grants for action in _LANDING_KEY.get(grant, ())}
    if not actions:
        return []
    return [
        Permission(
            "LandingKeyThroughS3",
            tuple(sorted(actions)),
            (workspace_keys_arn(),),
            {
                "StringEquals": {"kms:ViaService": f"s3.{Aws.REGION}.amazonaws.com"},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.landing_key_alias},
            },
        )
    ]


def _on_workspace_keys(sid: str, action: str, names: Names) -> Permission:
    """Their ARNs are not known here; the tag says which keys are workspace keys of this stage."""
    tagged = {f"aws:ResourceTag/{WORKSPACE_KEY_TAG}": names.stage}
    return Permission(sid, (action,), (workspace_keys_arn(),), {"StringEquals": tagged})


def _data_key(grants: Iterable[Grant], data_key_arn: str) -> list[Permission]:
    actions: dict[str, set[str]] = {}
    for grant in grants:
        if grant in _DATA_KEY:
            service, needed = _DATA_KEY[grant]
            actions.setdefault(service, set()).update(needed)
    return [
        Permission(
            f"DataKeyThrough{service.capitalize()}",
            tuple(sorted(needed)),
            (data_key_arn,),
            {"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}},
        )
        for service, needed in sorted(actions.items())
    ]
