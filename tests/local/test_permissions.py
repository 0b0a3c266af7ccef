"""Where permissions are enforced, policies know what they ask about."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import REGION, LocalCloud, Permissions

MIB = 2**20


@pytest.fixture(scope="module")
def enforced() -> Iterator[LocalCloud]:
    with LocalCloud.start(permissions=Permissions.ENFORCED) as cloud:
        yield cloud


@pytest.fixture
def user(enforced: LocalCloud) -> Any:
    """A client of S3 who is not root, whom no policy of a bucket binds, and may do all else."""
    return user_of(enforced, "s3", "s3:*")


def user_of(enforced: LocalCloud, service: str, action: str) -> Any:
    """A client of a service who is not root and may do just that."""
    iam, name = enforced.boto3("iam"), f"user-{uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        service,
        endpoint_url=enforced.endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def bucket(cloud: LocalCloud, action: str, condition: Mapping[str, Any]) -> str:
    """A bucket that denies ``action`` under a condition."""
    name = f"bucket-{uuid4().hex[:8]}"
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": condition,
    }
    s3 = cloud.boto3("s3")
    s3.create_bucket(Bucket=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=name, Policy=document)
    return name


@pytest.mark.parametrize(
    "condition",
    [{"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}],
)
def test_a_request_counts_as_made_over_tls(
    condition: Mapping[str, Any], enforced: LocalCloud, user: Any
) -> None:
    name = bucket(enforced, "s3:*", condition)
    user.put_object(Bucket=name, Key="k", Body=b"1")
    assert user.get_object(Bucket=name, Key="k")["Body"].read() == b"1"


def test_a_policy_against_plain_requests_is_heard(enforced: LocalCloud, user: Any) -> None:
    name = bucket(enforced, "s3:*", {"Bool": {"aws:SecureTransport": "true"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        user.put_object(Bucket=name, Key="k", Body=b"1")


def test_a_bucket_can_insist_on_conditional_writes(enforced: LocalCloud, user: Any) -> None:
    name = bucket(
        enforced,
        "s3:PutObject",
        {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        user.put_object(Bucket=name, Key="k", Body=b"1")
    user.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")
    # Parts carry no condition, what they are put together with does.
    upload = user.create_multipart_upload(Bucket=name, Key="parts")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": user.upload_part(
                Bucket=name, Key="parts", UploadId=upload, PartNumber=number, Body=b"x" * 5 * MIB
            )["ETag"],
        }
        for number in (1, 2)
    ]
    put_together = {
        "Bucket": name,
        "Key": "parts",
        "UploadId": upload,
        "MultipartUpload": {"Parts": parts},
    }
    with pytest.raises(ClientError, match="AccessDenied"):
        user.complete_multipart_upload(**put_together)
    user.complete_multipart_upload(**put_together, IfNoneMatch="*")


def test_a_batch_of_messages_is_sent_by_who_may_send_one(enforced: LocalCloud) -> None:
    url = enforced.boto3("sqs").create_queue(QueueName=f"queue-{uuid4().hex[:8]}")["QueueUrl"]
    entries = [{"Id": str(at), "MessageBody": "{}"} for at in range(2)]
    sender = user_of(enforced, "sqs", "sqs:SendMessage")
    assert len(sender.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        sender.receive_message(QueueUrl=url)
    receiver = user_of(enforced, "sqs", "sqs:ReceiveMessage")
    with pytest.raises(ClientError, match="AccessDenied"):
        receiver.send_message_batch(QueueUrl=url, Entries=entries)
