"""What outlives deployments: tables, bucket, key and bus."""

import pytest

from tests.infra.conftest import Assembly, Json, plain


def table(assembly: Assembly, name: str) -> Json:
    (found,) = (
        resource
        for resource in assembly.resources("AWS::DynamoDB::Table", "Stateful").values()
        if resource["Properties"]["TableName"] == f"datavault-{assembly.stage.name}-{name}"
    )
    return dict(found)


@pytest.mark.parametrize("name", ["catalog", "staging", "ledger"])
def test_a_table_holds_rows_under_two_keys_encrypted_and_paid_by_request(
    name: str, assembly: Assembly
) -> None:
    properties = table(assembly, name)["Properties"]
    assert properties["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert plain(properties["SSESpecification"]["KMSMasterKeyId"]).startswith("<DataKey")
    assert properties["DeletionProtectionEnabled"] is assembly.stage.deletion_protection


def test_catalog_and_ledger_can_be_restored_and_staging_cannot(assembly: Assembly) -> None:
    for name in ("catalog", "ledger"):
        assert table(assembly, name)["Properties"]["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": assembly.stage.recovery_days,
        }
    staging = table(assembly, "staging")["Properties"]["PointInTimeRecoverySpecification"]
    assert staging == {"PointInTimeRecoveryEnabled": False}


def test_rows_expire_in_catalog_and_staging_and_never_in_the_ledger(assembly: Assembly) -> None:
    for name in ("catalog", "staging"):
        assert table(assembly, name)["Properties"]["TimeToLiveSpecification"] == {
            "AttributeName": "expires_at",
            "Enabled": True,
        }
    assert "TimeToLiveSpecification" not in table(assembly, "ledger")["Properties"]


def test_only_the_ledger_is_streamed_and_with_what_was_written(assembly: Assembly) -> None:
    assert table(assembly, "ledger")["Properties"]["StreamSpecification"] == {
        "StreamViewType": "NEW_IMAGE"
    }
    for name in ("catalog", "staging"):
        assert "StreamSpecification" not in table(assembly, name)["Properties"]


@pytest.mark.parametrize(
    ("name", "deleted", "replaced"),
    [("local", "Delete", "Delete"), ("prod", "RetainExceptOnCreate", "Retain")],
)
def test_data_are_kept_where_the_stage_says_so_unless_they_were_never_there(
    name: str, deleted: str, replaced: str, assemblies: dict[str, Assembly]
) -> None:
    resources = assemblies[name].stacks()["Stateful"]["Resources"].values()
    found = [
        each for each in resources if each["Type"] in {"AWS::DynamoDB::Table", "AWS::KMS::Key"}
    ]
    assert len(found) == 5
    for resource in found:
        assert resource["DeletionPolicy"] == deleted
        assert resource["UpdateReplacePolicy"] == replaced


@pytest.mark.parametrize(("name", "kept"), [("local", False), ("prod", True)])
def test_objects_are_kept_where_the_stage_says_so(
    name: str, kept: bool, assemblies: dict[str, Assembly]
) -> None:
    bucket = bucket_of(assemblies[name], "objects")
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert bucket[policy].startswith("Retain") is kept


def bucket_of(assembly: Assembly, name: str) -> Json:
    """One of the two buckets."""
    (found,) = (
        resource
        for resource in assembly.resources("AWS::S3::Bucket").values()
        if f"-{name}-" in plain(resource["Properties"]["BucketName"])
    )
    return found


def bucket_policy(assembly: Assembly, construct: str) -> list[Json]:
    """What a bucket's policy says, as text."""
    (found,) = (
        resource
        for name, resource in assembly.resources("AWS::S3::BucketPolicy").items()
        if name.startswith(f"Stateful/{construct}")
    )
    statements: list[Json] = plain(found["Properties"]["PolicyDocument"]["Statement"])
    return statements


def test_the_bucket_keeps_no_old_versions_and_is_private_and_encrypted(
    assembly: Assembly,
) -> None:
    properties = bucket_of(assembly, "objects")["Properties"]
    assert "VersioningConfiguration" not in properties
    assert "ObjectLockEnabled" not in properties
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert lifecycle["Status"] == "Enabled"


def test_the_bucket_refuses_plain_http_old_tls_and_overwriting(assembly: Assembly) -> None:
    statements = bucket_policy(assembly, "Objects")
    assert all(statement["Effect"] == "Deny" for statement in statements)
    assert [statement["Condition"] for statement in statements] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
        {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    ]
    assert statements[2]["Action"] == "s3:PutObject"


def test_keys_rotate(assembly: Assembly) -> None:
    keys = assembly.resources("AWS::KMS::Key")
    assert any(name.startswith("Stateful/") for name in keys)
    for name, key in keys.items():
        assert key["Properties"]["EnableKeyRotation"] is True, name


def test_events_are_archived(assembly: Assembly) -> None:
    (bus,) = assembly.resources("AWS::Events::EventBus").values()
    (archive,) = assembly.resources("AWS::Events::Archive").values()
    assert bus["Properties"]["Name"] == f"datavault-{assembly.stage.name}"
    assert archive["Properties"]["RetentionDays"] == assembly.stage.archive_days
    assert archive["Properties"]["EventPattern"] == {"source": [{"prefix": "io.llm-data-vault"}]}


def test_people_and_tools_are_told_the_names(assembly: Assembly) -> None:
    outputs = assembly.stacks()["Stateful"]["Outputs"]
    told = {"CatalogTable", "StagingTable", "LedgerTable", "LedgerStreamArn", "ObjectBucket"}
    assert told | {"LandingBucket", "EventBus", "DeadLetters"} <= set(outputs)
    # The two values that cross stacks as exports: see `infra.names`.
    exported = [plain(output["Value"]) for output in outputs.values() if "Export" in output]
    assert sorted(value.strip("<>")[:7] for value in exported) == ["DataKey", "TablesL"]
