"""The landing: where large files come in, stay for days at most, and go out by the pipeline alone.

Its policy knows the vault's functions by tags of their roles, which follow from their grants
(``infra.grants``): nobody else reads what has landed, and nobody else writes outside ``landing/``,
where whoever IAM lets put an object starts a job with it. Nothing here outlives anything: the
vault's own objects are in another bucket under another key.
"""

from aws_cdk import Aws, Duration, RemovalPolicy, aws_events, aws_iam, aws_kms, aws_s3, aws_sqs
from constructs import Construct

from infra.acknowledgements import LANDING, acknowledge
from infra.names import Names
from infra.stages import Stage

# ``domain.keyspace.LANDING_PREFIX``; a test compares the two.
PREFIX = "landing/"
READERS, UPLOADERS = "datavault:landing-read", "datavault:landing-upload"
# A job is over in a day, or its machine is ended.
KEPT_DAYS = 3
EVENT_RETRIES = 24
EVENT_HOURS = 24
# What `functions.ingest.open_drop` reads of an event. Without the address that an object came from,
# which the history of an execution would keep. Whole objects are spliced in as JSON; of a text,
# EventBridge leaves the quotes that are in it as they are.
_TOLD = {
    "id": "$.id",
    "time": "$.time",
    "bucket": "$.detail.bucket",
    "object": "$.detail.object",
    "requester": "$.detail.requester",
}
_TEMPLATE = (
    '{"id": <id>, "time": <time>, "detail":'
    ' {"bucket": <bucket>, "object": <object>, "requester": <requester>}}'
)


class LandingBucket(aws_s3.Bucket):
    """The bucket, with its own key: files are as their owners sent them, not sealed yet."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        names = Names(stage.name)
        key = aws_kms.Key(
            scope,
            f"{construct_id}Key",
            description=f"LLM Data Vault {stage.name}: files on their way in",
            alias=names.landing_key_alias,
            enable_key_rotation=True,
            pending_window=Duration.days(30),
            removal_policy=stage.removal_policy,
        )
        super().__init__(
            scope,
            construct_id,
            bucket_name=names.landing,
            encryption=aws_s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=aws_s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=aws_s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=False,
            lifecycle_rules=[
                aws_s3.LifecycleRule(
                    id="ShortLived",
                    expiration=Duration.days(KEPT_DAYS),
                    abort_incomplete_multipart_upload_after=Duration.days(
                        stage.abort_multipart_days
                    ),
                )
            ],
            # Deleting it needs it empty, which it is a few days after the last file.
            removal_policy=RemovalPolicy.DESTROY,
        )
        # The CDK's own switch for this deploys a function that sets it: it is one property.
        resource = self.node.default_child
        assert isinstance(resource, aws_s3.CfnBucket)
        resource.notification_configuration = aws_s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=aws_s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        self._close(stage)
        acknowledge(self, LANDING)

    def _close(self, stage: Stage) -> None:
        """Deny what only functions with the grants do."""
        self.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="OnlyThePipelineReads",
                effect=aws_iam.Effect.DENY,
                principals=[aws_iam.AnyPrincipal()],
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[self.arn_for_objects("*")],
                conditions=_unless(READERS, stage),
            )
        )
        self.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="OthersPutUnderLandingOnly",
                effect=aws_iam.Effect.DENY,
                principals=[aws_iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                not_resources=[self.arn_for_objects(f"{PREFIX}*")],
                conditions=_unless(UPLOADERS, stage),
            )
        )


class DropRule(Construct):
    """Starts a state machine with each object that is put under ``landing/``.

    S3 tells the account's default bus. The machine is given the object's key, without which nobody
    finds it, and not the address that it came from. An event that cannot be handed over within a
    day is kept in ``dead_letters``, whole; its object stays in the bucket for longer than that.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        machine: str,
        dead_letters: aws_sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        names = Names(stage.name)
        machine_arn = names.state_machine_arn(machine)
        role = self._role(machine, machine_arn)
        rule_name = f"{names.service}-drops"
        rule_arn = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule/{rule_name}"
        dead_letters.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="KeepDrops",
                principals=[aws_iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
            )
        )
        aws_events.CfnRule(
            self,
            "Rule",
            name=rule_name,
            description="Starts a job with each object that is put into the landing",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [names.landing]},
                    "object": {"key": [{"prefix": PREFIX}]},
                },
            },
            targets=[
                aws_events.CfnRule.TargetProperty(
                    id="Machine",
                    arn=machine_arn,
                    role_arn=role.role_arn,
                    input_transformer=aws_events.CfnRule.InputTransformerProperty(
                        input_paths_map=_TOLD, input_template=_TEMPLATE
                    ),
                    dead_letter_config=aws_events.CfnRule.DeadLetterConfigProperty(
                        arn=dead_letters.queue_arn
                    ),
                    retry_policy=aws_events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=EVENT_HOURS * 3600,
                        maximum_retry_attempts=EVENT_RETRIES,
                    ),
                )
            ],
        )

    def _role(self, machine: str, machine_arn: str) -> aws_iam.Role:
        """What EventBridge starts the machine as."""
        return aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("events.amazonaws.com"),
            description=f"What the rule that starts {machine} may do",
            inline_policies={
                "Start": aws_iam.PolicyDocument(
                    statements=[
                        aws_iam.PolicyStatement(
                            sid="StartMachine",
                            actions=["states:StartExecution"],
                            resources=[machine_arn],
                        )
                    ]
                )
            },
        )


def _unless(tag: str, stage: Stage) -> dict[str, object]:
    """Whoever has no such tag has another value, as IAM sees it."""
    return {"StringNotEquals": {f"aws:PrincipalTag/{tag}": stage.name}}
