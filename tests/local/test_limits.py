"""The sizes that AWS refuses are refused here."""

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import LocalCloud
from tests.local.rig import deploy_function

MIB = 1024 * 1024


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("kind", "limit"), [("RequestResponse", 6 * MIB), ("Event", MIB)], ids=["waited for", "queued"]
)
def test_an_event_beyond_lambdas_limit_is_refused(cloud: LocalCloud, kind: str, limit: int) -> None:
    function = deploy_function(cloud, "def handler(event, context): return len(event)")
    client = cloud.boto3("lambda")

    def invoke(length: int) -> int:
        payload = json.dumps("x" * (length - 2))
        reply = client.invoke(FunctionName=function.name, InvocationType=kind, Payload=payload)
        return int(reply["StatusCode"])

    assert invoke(limit) in {200, 202}
    with pytest.raises(ClientError) as caught:
        invoke(limit + 1)
    assert code_of(caught) == "RequestTooLargeException"


def test_only_the_last_part_may_be_small(cloud: LocalCloud) -> None:
    s3 = cloud.boto3("s3")
    bucket = f"bucket-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)

    def upload(*sizes: int) -> None:
        where = {"Bucket": bucket, "Key": "k"}
        where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
        parts = [
            {
                "PartNumber": number,
                "ETag": s3.upload_part(**where, PartNumber=number, Body=b"x" * size)["ETag"],
            }
            for number, size in enumerate(sizes, 1)
        ]
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

    upload(5 * MIB, 5 * MIB, 1)
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 10 * MIB + 1
    with pytest.raises(ClientError) as caught:
        upload(5 * MIB - 1, 1)
    assert code_of(caught) == "EntityTooSmall"


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> str:
    name = f"table-{uuid4().hex}"
    cloud.boto3("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def item(key: object, length: int) -> dict[str, Any]:
    return {"p": {"S": str(key)}, "body": {"B": b"x" * length}}


def test_an_item_is_at_most_400_kilobytes(cloud: LocalCloud, table: str) -> None:
    dynamodb = cloud.boto3("dynamodb")
    overhead = len("p") + len("a") + len("body")
    dynamodb.put_item(TableName=table, Item=item("a", 400 * 1024 - overhead))
    with pytest.raises(ClientError) as caught:
        dynamodb.put_item(TableName=table, Item=item("a", 400 * 1024 - overhead + 1))
    assert code_of(caught) == "ValidationException"


@pytest.mark.parametrize(("count", "length"), [(101, 1), (12, 380_000)])
def test_a_transaction_is_at_most_100_items_and_4_megabytes(
    cloud: LocalCloud, table: str, count: int, length: int
) -> None:
    puts = [{"Put": {"TableName": table, "Item": item(n, length)}} for n in range(count)]
    with pytest.raises(ClientError) as caught:
        cloud.boto3("dynamodb").transact_write_items(TransactItems=puts)
    assert code_of(caught) == "ValidationException"


def test_a_batch_read_stops_at_16_megabytes(cloud: LocalCloud, table: str) -> None:
    dynamodb = cloud.boto3("dynamodb")
    for number in range(44):
        dynamodb.put_item(TableName=table, Item=item(f"big{number}", 390_000))
    keys = [{"p": {"S": f"big{number}"}} for number in range(44)]
    read = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
    left = read["UnprocessedKeys"][table]["Keys"]
    assert 40 <= len(read["Responses"][table]) <= 43
    assert len(read["Responses"][table]) + len(left) == 44


@pytest.mark.parametrize("count", [101])
def test_a_batch_read_is_at_most_100_keys(cloud: LocalCloud, table: str, count: int) -> None:
    keys = [{"p": {"S": str(number)}} for number in range(count)]
    with pytest.raises(ClientError) as caught:
        cloud.boto3("dynamodb").batch_get_item(RequestItems={table: {"Keys": keys}})
    assert code_of(caught) == "ValidationException"


def test_a_batch_write_is_at_most_25_items(cloud: LocalCloud, table: str) -> None:
    puts = [{"PutRequest": {"Item": item(number, 1)}} for number in range(26)]
    with pytest.raises(ClientError) as caught:
        cloud.boto3("dynamodb").batch_write_item(RequestItems={table: puts})
    assert code_of(caught) == "ValidationException"
