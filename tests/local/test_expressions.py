"""A query finds what its key condition says, whichever of the emulator's ways decides it."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import LocalCloud

PREFIX = "p = :p AND begins_with(s, :s)"


@pytest.fixture(scope="module")
def dynamodb(cloud: LocalCloud) -> Any:
    return cloud.boto3("dynamodb")


def table_of(dynamodb: Any, kind: str, *keys: Any) -> str:
    """A table with items of one partition, whose sort keys are of a type."""
    name = f"table-{uuid4().hex}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": kind},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for partition in ("one", "two"):
        for key in keys:
            dynamodb.put_item(TableName=name, Item={"p": {"S": partition}, "s": {kind: key}})
    return name


def found(dynamodb: Any, table: str, condition: str, **more: Any) -> list[Any]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table, KeyConditionExpression=condition, **more
    )
    return [next(iter(item["s"].values())) for page in pages for item in page["Items"]]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_prefix_finds_what_begins_with_it_in_order_and_by_pages(dynamodb: Any, size: int) -> None:
    table = table_of(dynamodb, "S", "b/2", "a", "b/10", "b", "c", "b/ü", "b/")
    asked = {":p": {"S": "one"}, ":s": {"S": "b/"}}
    paged = {"PaginationConfig": {"PageSize": size}, "ExpressionAttributeValues": asked}
    assert found(dynamodb, table, PREFIX, **paged) == ["b/", "b/10", "b/2", "b/ü"]
    whole = {":p": {"S": "two"}}
    everything = found(dynamodb, table, "p = :p", ExpressionAttributeValues=whole)
    assert everything == ["a", "b", "b/", "b/10", "b/2", "b/ü", "c"]
    nobody = {":p": {"S": "three"}}
    assert found(dynamodb, table, "p = :p", ExpressionAttributeValues=nobody) == []


def test_names_and_bytes_go_the_emulators_way(dynamodb: Any) -> None:
    table = table_of(dynamodb, "B", b"ab", b"b", b"aa")
    asked = {":p": {"S": "one"}, ":s": {"B": b"a"}}
    assert found(dynamodb, table, PREFIX, ExpressionAttributeValues=asked) == [b"aa", b"ab"]
    named = found(
        dynamodb,
        table,
        "#p = :p AND begins_with(#s, :s)",
        ExpressionAttributeNames={"#p": "p", "#s": "s"},
        ExpressionAttributeValues=asked,
    )
    assert named == [b"aa", b"ab"]


def test_a_condition_of_the_wrong_type_is_refused_each_time(dynamodb: Any) -> None:
    table = table_of(dynamodb, "S", "a")
    asked = {":p": {"S": "one"}, ":s": {"N": "1"}}
    for _ in range(2):
        with pytest.raises(ClientError, match="ValidationException"):
            found(dynamodb, table, PREFIX, ExpressionAttributeValues=asked)
        with pytest.raises(ClientError, match="ValidationException"):
            found(dynamodb, table, "p = = :p", ExpressionAttributeValues={":p": {"S": "one"}})
