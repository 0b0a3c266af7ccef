"""What outlives every deployment: the tables and the bucket of sealed objects.

The catalog and the ledger can be restored to any second of the past days. Staging cannot, on
purpose: what is staged may be withdrawn before it is committed, and a backup would keep it. For the
same reason the bucket has no versions: an erased byte must not stay alive under another name.
"""

from aws_cdk import Duration, RemovalPolicy, aws_dynamodb, aws_iam, aws_kms, aws_s3
from constructs import Construct

from infra.acknowledgements import BUCKET, TABLE, acknowledge
from infra.names import Names
from infra.stages import Stage

EXPIRES_AT = "expires_at"


class VaultTable(aws_dynamodb.Table):
    """A table of rows under ``pk`` and ``sk``, paid by request.

    Not ``TableV2``: with a key of ours it needs the region at synthesis, and one assembly is to
    serve any region.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        key: aws_kms.IKey,
        recoverable: bool,
        expiring: bool,
        streamed: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            table_name=Names(stage.name).table(construct_id.lower()),
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=aws_dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=aws_dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=aws_dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=recoverable,
                recovery_period_in_days=stage.recovery_days if recoverable else None,
            ),
            time_to_live_attribute=EXPIRES_AT if expiring else None,
            stream=aws_dynamodb.StreamViewType.NEW_IMAGE if streamed else None,
            deletion_protection=stage.deletion_protection,
            removal_policy=stage.removal_policy,
        )
        acknowledge(self, TABLE, *(() if recoverable else ("unrecoverable",)))


class Tables(Construct):
    """The catalog's three tables; their differences are what `domain.rows.Table` promises."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, key: aws_kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        self.catalog = VaultTable(
            self, "Catalog", stage=stage, key=key, recoverable=True, expiring=True, streamed=False
        )
        self.staging = VaultTable(
            self, "Staging", stage=stage, key=key, recoverable=False, expiring=True, streamed=False
        )
        self.ledger = VaultTable(
            self, "Ledger", stage=stage, key=key, recoverable=True, expiring=False, streamed=True
        )


class ObjectBucket(aws_s3.Bucket):
    """The bucket of packs, nodes and commits: sealed before they come, never overwritten."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, key: aws_kms.IKey
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=Names(stage.name).bucket,
            encryption=aws_s3.BucketEncryption.KMS,
            encryption_key=key,
            # One KMS call for many objects, instead of one for each.
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=aws_s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=aws_s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=False,
            lifecycle_rules=[
                aws_s3.LifecycleRule(
                    id="AbandonedUploads",
                    abort_incomplete_multipart_upload_after=Duration.days(
                        stage.abort_multipart_days
                    ),
                )
            ],
            removal_policy=_kept_if_protected(stage),
        )
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html:
        # uploads of parts carry no condition, so only what creates an object is held to it.
        self.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="NothingIsOverwritten",
                effect=aws_iam.Effect.DENY,
                principals=[aws_iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("*")],
                conditions={
                    "Null": {"s3:if-none-match": "true"},
                    "Bool": {"s3:ObjectCreationOperation": "true"},
                },
            )
        )
        acknowledge(self, BUCKET)


def _kept_if_protected(stage: Stage) -> RemovalPolicy:
    """S3 has no deletion protection of its own, but it refuses to delete what is not empty."""
    return (
        RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        if stage.deletion_protection
        else stage.removal_policy
    )


def _text(name: str) -> aws_dynamodb.Attribute:
    return aws_dynamodb.Attribute(name=name, type=aws_dynamodb.AttributeType.STRING)
