"""The findings of cdk-nag that we know of and keep, each with the reason why.

One table for each kind of construct. A finding is acknowledged only on the constructs that give
cause for it, which ``when`` says in a word of theirs, so that no acknowledgement hides what it was
not meant for. ``{name}`` in a finding is filled in by the construct.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One finding, when it comes up, and why it stays."""

    when: str
    finding: str
    reason: str


_RUNTIME = (
    "Python 3.13 is what the lock, the type checks, the tests and the layers' byte code are made "
    "for, and Lambda supports it until 2029; a newer one comes with all of them in one change."
)
_UNTRACED = "This stage runs on one machine, where there is no X-Ray to send traces to."

WORKFLOW_ROLE: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-IAM5[Resource::*]",
        "Log deliveries and X-Ray know no resources; a test holds that no other action stands "
        "beside the star.",
    ),
    Acknowledged(
        "always",
        "AwsSolutions-IAM5[Resource::{prefix}]",
        "Executions are named by the jobs that they work on; the statement is for those of this "
        "machine.",
    ),
    Acknowledged(
        "always",
        "AwsSolutions-IAM5[Resource::{runs}]",
        "Step Functions names the executions of a distributed map; the statement is for those of "
        "this machine.",
    ),
)

WORKFLOW: tuple[Acknowledged, ...] = (
    Acknowledged("untraced", "AwsSolutions-SF2", _UNTRACED),
    Acknowledged("untraced", "Serverless-StepFunctionStateMachineXray", _UNTRACED),
)

FUNCTION: tuple[Acknowledged, ...] = (
    Acknowledged("always", "AwsSolutions-L1", _RUNTIME),
    Acknowledged("always", "Serverless-LambdaLatestVersion", _RUNTIME),
    Acknowledged(
        "always",
        "AwsSolutions-IAM5[Resource::{log_streams}]",
        "Lambda names a log stream for each environment that it starts; the statement is for the "
        "streams of this function's own log group.",
    ),
    Acknowledged(
        "called",
        "Serverless-LambdaDLQ",
        "API Gateway calls this function and waits for its answer: there is no asynchronous event "
        "that could fail unseen, and the caller is told of every error.",
    ),
    Acknowledged(
        "scheduled",
        "Serverless-LambdaDLQ",
        "Events that fail for good go to the on-failure destination of the function's alias, "
        "which tells why they failed; a dead-letter queue of the function would not.",
    ),
    Acknowledged(
        "fed",
        "Serverless-LambdaDLQ",
        "Lambda calls this function with batches of a stream and waits; what fails for good goes "
        "to the on-failure destination of the event source mapping.",
    ),
    Acknowledged(
        "following",
        "AwsSolutions-IAM5[Resource::{streams}]",
        "A table's stream has the time in its ARN at which it was made; the statement is for the "
        "streams of this one table, which has one at a time.",
    ),
    Acknowledged(
        "following",
        "AwsSolutions-IAM5[Resource::*]",
        "dynamodb:ListStreams, which Lambda asks for before it follows a stream, knows no "
        "resources; a test holds that no other action stands beside the star.",
    ),
    Acknowledged(
        "following",
        "Serverless-LambdaStarPermissions",
        "The star is the resource of dynamodb:ListStreams, which knows no other.",
    ),
    Acknowledged(
        "traced",
        "AwsSolutions-IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords know no resources; a test holds that "
        "no other action stands beside the star.",
    ),
    Acknowledged(
        "traced",
        "Serverless-LambdaStarPermissions",
        "The star is the resource of the two X-Ray actions, which know no other.",
    ),
    Acknowledged("untraced", "Serverless-LambdaTracing", _UNTRACED),
    Acknowledged(
        "restored",
        "Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish",
        "Every function publishes a version with each change, and callers use the alias to it.",
    ),
    Acknowledged(
        "keys",
        "AwsSolutions-IAM5[Resource::{workspace_keys}]",
        "Workspace keys are made by operators when a workspace is, so their ARNs are not known "
        "at deployment; the statement's condition asks for the stage's tag on the key.",
    ),
    Acknowledged(
        "objects",
        "AwsSolutions-IAM5[Resource::{bucket}/*]",
        "The statement is for the objects of the vault's one bucket, whose keys are drawn at "
        "random when they are written.",
    ),
    Acknowledged(
        "machines",
        "AwsSolutions-IAM5[Resource::{machines}*]",
        "The statement is for the state machines of this stage, which are deployed after those "
        "that start them and have the stage in their names.",
    ),
    Acknowledged(
        "executions",
        "AwsSolutions-IAM5[Resource::{executions}*]",
        "Executions are named by the jobs that they work on; the statement is for those of this "
        "stage's machines.",
    ),
    Acknowledged(
        "landing",
        "AwsSolutions-IAM5[Resource::{landing}/*]",
        "The statement is for the files in the landing bucket, whose keys others choose.",
    ),
    Acknowledged(
        "uploads",
        "AwsSolutions-IAM5[Resource::{landing}/uploads/*]",
        "The statement is for uploads, whose keys are drawn when they begin.",
    ),
    Acknowledged(
        "landing key",
        "AwsSolutions-IAM5[Resource::{workspace_keys}]",
        "The landing's key is known by its alias, which the statement's condition asks for: an "
        "ARN would be an export that locks two stacks together.",
    ),
)

TABLE: tuple[Acknowledged, ...] = (
    Acknowledged(
        "unrecoverable",
        "AwsSolutions-DDB3",
        "Staged changes live for hours and may be withdrawn for good; a backup would keep what "
        "was never committed. What is committed is in the catalog, which can be restored.",
    ),
)

BUCKET: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-S1",
        "Objects are ciphertext whose keys only KMS unwraps, and CloudTrail records each "
        "unwrapping with its principal. Server access logs may lack requests, and would be one "
        "more place that keeps the names of erased objects.",
    ),
)

LANDING: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-S1",
        "Files stay for days and each becomes a job, whose ledger entries say who sent it; server "
        "access logs would keep the names that people give to files for longer than the files.",
    ),
)

DEAD_LETTERS: tuple[Acknowledged, ...] = (
    Acknowledged("always", "AwsSolutions-SQS3", "This queue is the dead-letter queue."),
    Acknowledged("always", "Serverless-SQSRedrivePolicy", "This queue is the dead-letter queue."),
)

API: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-APIG2",
        "Functions validate each request against the very models that describe it in the OpenAPI "
        "document and answer with problem documents; API Gateway's validator takes neither NDJSON "
        "nor those models, and a second set of rules could disagree with the first.",
    ),
    Acknowledged(
        "unguarded",
        "AwsSolutions-APIG3",
        "This stage runs on one machine, whose emulator has no web ACL that would refuse anything.",
    ),
    Acknowledged(
        "always",
        "Serverless-APIGWXrayEnabled",
        "API Gateway's segments hold the request's path and query, and so record ids and search "
        "filters; the functions behind it are traced, and the access log names their requests.",
    ),
)

METHOD: tuple[Acknowledged, ...] = (
    Acknowledged(
        "authorized",
        "AwsSolutions-COG4",
        "Any OpenID Connect issuer can be configured, Cognito being one of them, so the Lambda "
        "authorizer verifies tokens instead of API Gateway's Cognito authorizer.",
    ),
    Acknowledged(
        "open",
        "AwsSolutions-COG4",
        "Health and documentation need no credentials and tell nothing of any workspace.",
    ),
    Acknowledged(
        "open",
        "AwsSolutions-APIG4",
        "Health and documentation need no credentials and tell nothing of any workspace.",
    ),
)

LOGGING_ROLE: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        "AmazonAPIGatewayPushToCloudWatchLogs]",
        "API Gateway refuses a logging role that lacks any permission of this policy, which AWS "
        "keeps up to date; it is for writing logs and no function has the role.",
    ),
)

SUBSCRIPTION: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "Serverless-SNSRedrivePolicy",
        "SNS tries again for hours; an alarm that reached nobody by then would wait in a queue "
        "that nobody reads either. CloudWatch keeps the state and the history of every alarm.",
    ),
)

ROLLOUT: tuple[Acknowledged, ...] = (
    Acknowledged(
        "always",
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        "AWSCodeDeployRoleForLambdaLimited]",
        "What CodeDeploy needs to move an alias and to read alarms, kept up to date by AWS; the "
        "smaller of its two policies for Lambda, and CodeDeploy alone may take the role.",
    ),
)


def acknowledge(
    construct: IConstruct,
    table: Iterable[Acknowledged],
    *applying: str,
    **names: str,
) -> None:
    """Acknowledge on ``construct`` the findings that always hold, and those ``applying``."""
    stack = Stack.of(construct)
    printed = {name: _as_nag_prints(stack.resolve(value)) for name, value in names.items()}
    for row in table:
        if row.when in {"always", *applying}:
            finding = Acknowledgment(id=row.finding.format(**printed), reason=row.reason)
            Validations.of(construct).acknowledge(finding)


def _as_nag_prints(value: object) -> str:
    """A resolved string as findings show it: references in angle brackets."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(map(_as_nag_prints, parts))
    raise TypeError(f"{value} is neither text nor a reference")
