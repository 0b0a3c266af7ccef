"""The landing: private, short-lived, closed to all but the pipeline; and what starts it."""

import json
import re
from functools import reduce
from operator import getitem

from datavault.contracts.operations import OPERATIONS, TASKS, Grant
from datavault.domain.keyspace import LANDING_PREFIX
from functions.ingest import open_drop
from infra.landing import PREFIX
from infra.names import Row
from tests.functions.test_uploads import event
from tests.infra.conftest import Assembly, Json, plain
from tests.infra.test_data import bucket_of, bucket_policy

ROWS: tuple[Row, ...] = (*OPERATIONS, *TASKS)
READS, UPLOADS = "datavault:landing-read", "datavault:landing-upload"


def role_tags(assembly: Assembly, row: Row) -> set[str]:
    role_id = assembly.function(row)["Role"]["Fn::GetAtt"][0]
    (role,) = (
        resource["Properties"]
        for name, resource in assembly.resources("AWS::IAM::Role").items()
        if name == f"{row.capability.capitalize()}/{role_id}"
    )
    return {
        tag["Key"]
        for tag in role.get("Tags", [])
        if tag["Key"].startswith("datavault:landing") and tag["Value"] == assembly.stage.name
    }


def test_files_are_private_encrypted_under_a_key_of_their_own_and_gone_in_days(
    assembly: Assembly,
) -> None:
    properties = bucket_of(assembly, "landing")["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert "VersioningConfiguration" not in properties
    (ownership,) = properties["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    key = plain(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
    assert key.startswith("<LandingKey")
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["ExpirationInDays"] == 3
    assert lifecycle["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1


def test_others_neither_read_nor_put_outside_of_the_prefix(assembly: Assembly) -> None:
    statements = {each["Sid"]: each for each in bucket_policy(assembly, "Landing") if "Sid" in each}
    reading = statements["OnlyThePipelineReads"]
    assert (reading["Effect"], reading["Principal"]) == ("Deny", {"AWS": "*"})
    assert "s3:GetObject" in reading["Action"]
    stage = assembly.stage.name
    assert reading["Condition"] == {"StringNotEquals": {f"aws:PrincipalTag/{READS}": stage}}
    putting = statements["OthersPutUnderLandingOnly"]
    assert (putting["Effect"], putting["Action"]) == ("Deny", "s3:PutObject")
    assert putting["NotResource"].endswith(f"/{PREFIX}*")
    assert putting["Condition"] == {"StringNotEquals": {f"aws:PrincipalTag/{UPLOADS}": stage}}


def test_plain_http_and_old_tls_are_refused(assembly: Assembly) -> None:
    conditions = [each.get("Condition") for each in bucket_policy(assembly, "Landing")]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_only_roles_with_the_grants_carry_the_tags_that_the_policy_asks_for(
    prod: Assembly,
) -> None:
    for row in ROWS:
        tags = role_tags(prod, row)
        assert (READS in tags) is (Grant.LANDING_READ in row.grants), row.name
        uploads = row.grants & {Grant.LANDING_WRITE, Grant.LANDING_SIGN}
        assert (UPLOADS in tags) is bool(uploads), row.name


def test_no_function_of_the_api_reads_what_has_landed() -> None:
    assert not [row.name for row in OPERATIONS if Grant.LANDING_READ in row.grants]


def test_events_of_the_bucket_start_the_machine_and_are_kept_when_they_cannot(
    assembly: Assembly,
) -> None:
    properties = bucket_of(assembly, "landing")["Properties"]
    assert properties["NotificationConfiguration"]["EventBridgeConfiguration"] == {
        "EventBridgeEnabled": True
    }
    (rule,) = (
        resource["Properties"]
        for resource in assembly.resources("AWS::Events::Rule").values()
        if resource["Properties"]["Name"] == f"datavault-{assembly.stage.name}-drops"
    )
    pattern = plain(rule["EventPattern"])
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"] == {"key": [{"prefix": LANDING_PREFIX}]}
    assert pattern["detail"]["bucket"]["name"] == [plain(properties["BucketName"])]
    (target,) = plain(rule["Targets"])
    assert target["Arn"].endswith(f":stateMachine:datavault-{assembly.stage.name}-ingest-objects")
    assert target["DeadLetterConfig"]["Arn"].startswith("<DeadLetters")
    assert _may_be_sent(assembly)


def test_the_machine_is_told_what_it_needs_of_an_object_and_not_where_it_came_from(
    assembly: Assembly,
) -> None:
    (told,) = (
        target["InputTransformer"]
        for resource in assembly.resources("AWS::Events::Rule").values()
        for target in resource["Properties"]["Targets"]
        if "InputTransformer" in target
    )
    put = event('landing/a "quoted" name', "e")

    def value(found: re.Match[str]) -> str:
        path = told["InputPathsMap"][found[1]].removeprefix("$.").split(".")
        return json.dumps(reduce(getitem, path, put))

    passed = json.loads(re.sub("<([a-z]+)>", value, told["InputTemplate"]))
    assert put["detail"]["source-ip-address"] not in str(passed)
    assert open_drop._dropped(passed) == open_drop._dropped(put)


def _may_be_sent(assembly: Assembly) -> list[Json]:
    return [
        statement
        for policy in assembly.resources("AWS::SQS::QueuePolicy", "Ingest").values()
        for statement in plain(policy["Properties"]["PolicyDocument"]["Statement"])
        if statement.get("Sid") == "KeepDrops"
        and statement["Condition"]["ArnEquals"]["aws:SourceArn"].endswith("-drops")
    ]
