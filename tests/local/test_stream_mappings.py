"""A function that follows a table is given again what failed, and all behind it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from datavault.local.cloud import LocalCloud
from tests.local.rig import Function, deploy_function

FOLLOWER = """
import json, os

def handler(event, context):
    rows = [record["dynamodb"]["NewImage"]["pk"]["S"] for record in event["Records"]]
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(rows) + "\\n")
    times = sum("busy" in line for line in open(os.environ["NOTES"]))
    if "poison" in rows:
        raise ValueError("poison")
    failed = [
        {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
        for record, row in zip(event["Records"], rows)
        if row == "busy" and times < 3
    ]
    return {"batchItemFailures": failed}
"""

type Follow = Callable[[list[str]], tuple[Path, Any, str]]


@pytest.fixture
def follow(cloud: LocalCloud, tmp_path: Path) -> Follow:
    """Rows put into a table that a function follows: its notes, the queue's client and URL."""

    def begin(rows: list[str]) -> tuple[Path, Any, str]:
        name = f"t-{uuid4().hex[:12]}"
        notes = tmp_path / "notes"
        dynamodb, sqs = cloud.boto3("dynamodb"), cloud.boto3("sqs")
        table = dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]
        for row in rows:
            dynamodb.put_item(TableName=name, Item={"pk": {"S": row}})
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        function: Function = deploy_function(
            cloud, FOLLOWER, Environment={"Variables": {"NOTES": str(notes)}}
        )
        cloud.boto3("lambda").create_event_source_mapping(
            EventSourceArn=table["LatestStreamArn"],
            FunctionName=function.name,
            StartingPosition="TRIM_HORIZON",
            BatchSize=10,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=1,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": arn["Attributes"]["QueueArn"]}},
        )
        return notes, sqs, queue

    return begin


def handed(notes: Path, *, until: str, times: int = 1) -> list[list[str]]:
    """The batches that the function was given, once it has seen a row so often."""
    for _ in range(200):
        lines = notes.read_text().splitlines() if notes.exists() else []
        batches = [json.loads(line) for line in lines]
        if sum(until in batch for batch in batches) >= times:
            return batches
        time.sleep(0.1)
    raise AssertionError(f"the function has not seen {until}")


def test_what_failed_comes_again_with_all_behind_it(follow: Follow) -> None:
    notes, _, _ = follow(["a", "busy", "b"])
    batches = handed(notes, until="b", times=3)
    assert batches[0] == ["a", "busy", "b"]
    assert batches[1:] == [["busy", "b"]] * 2


def test_what_makes_the_function_fail_is_cut_out_and_given_up(follow: Follow) -> None:
    notes, sqs, queue = follow(["a", "b", "poison", "c"])
    batches = handed(notes, until="c", times=3)
    assert batches[0] == ["a", "b", "poison", "c"]
    assert ["a", "b"] in batches
    assert batches[-1] == ["c"], batches
    (letter,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    about = json.loads(letter["Body"])
    assert about["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert about["DDBStreamBatchInfo"]["batchSize"] == 1
