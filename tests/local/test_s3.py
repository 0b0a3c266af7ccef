"""Objects are written once when asked, read in ranges, and large ones are cheap."""

import hashlib
import os
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import LocalCloud
from tests.local.rig import request

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def s3(cloud: LocalCloud) -> Any:
    return cloud.boto3("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    name = f"bucket-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


def test_an_object_that_must_not_exist_is_not_replaced(s3: Any, bucket: str) -> None:
    once = {"Bucket": bucket, "Key": "once", "IfNoneMatch": "*"}
    s3.put_object(Body=b"first", **once)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Body=b"second", **once)
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == b"first"


@pytest.mark.parametrize(
    ("wanted", "start", "end"), [("0-9", 0, 10), ("5-", 5, None), ("-7", -7, None)]
)
def test_a_range_is_just_that_range(
    s3: Any, bucket: str, wanted: str, start: int, end: int | None
) -> None:
    body = os.urandom(3 * MIB)
    s3.put_object(Bucket=bucket, Key="ranged", Body=body)
    read = s3.get_object(Bucket=bucket, Key="ranged", Range=f"bytes={wanted}")
    assert read["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert read["Body"].read() == body[start:end]


def test_a_large_object_keeps_its_bytes_and_its_tag(s3: Any, bucket: str) -> None:
    body = os.urandom(9 * MIB)
    tag = s3.put_object(Bucket=bucket, Key="large", Body=body)["ETag"]
    read = s3.get_object(Bucket=bucket, Key="large", IfMatch=tag)
    assert read["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"] == tag
    other = s3.put_object(Bucket=bucket, Key="large", Body=body[::-1])["ETag"]
    assert other != tag


def test_a_body_that_is_not_what_its_digest_says_is_refused(s3: Any, bucket: str) -> None:
    with pytest.raises(ClientError) as caught:
        s3.put_object(
            Bucket=bucket, Key="bad", Body=b"x" * (2 * MIB), ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="
        )
    assert caught.value.response["Error"]["Code"] == "BadDigest"


def test_a_presigned_address_takes_and_gives_bytes(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "signed é+/%"}
    put = s3.generate_presigned_url("put_object", Params=where)
    assert request(put, method="PUT", body=b"by address").status == 200
    get = s3.generate_presigned_url("get_object", Params=where)
    assert request(get).body == b"by address"


@pytest.mark.parametrize(("length", "is_md5"), [(MIB - 1, True), (MIB, False)])
def test_no_md5_is_computed_of_a_large_body(
    s3: Any, bucket: str, length: int, is_md5: bool
) -> None:
    body = os.urandom(length)
    tag = s3.put_object(Bucket=bucket, Key="tagged", Body=body)["ETag"].strip('"')
    assert (tag == hashlib.md5(body).hexdigest()) is is_md5
    assert len(tag) == 32
