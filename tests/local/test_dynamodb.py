"""What the catalog's commits stand on, as the emulator does it without a shim."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import LocalCloud


@pytest.fixture(scope="module")
def dynamodb(cloud: LocalCloud) -> Any:
    return cloud.boto3("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = f"table-{uuid4().hex}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def put(table: str, key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"TableName": table, "Item": {"p": {"S": key}, "v": {"S": value}}, **more}


def test_a_cancelled_transaction_says_why_and_returns_the_old_item(
    dynamodb: Any, table: str
) -> None:
    dynamodb.put_item(**put(table, "head", "old"))
    guarded = put(
        table,
        "head",
        "new",
        ConditionExpression="v = :expected",
        ExpressionAttributeValues={":expected": {"S": "other"}},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[{"Put": put(table, "beside", "x")}, {"Put": guarded}]
        )
    reasons = caught.value.response["CancellationReasons"]
    assert [each["Code"] for each in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == {"p": {"S": "head"}, "v": {"S": "old"}}
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"p": {"S": "beside"}})


def test_a_failed_condition_returns_the_old_item(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(**put(table, "k", "old"))
    with pytest.raises(ClientError) as caught:
        dynamodb.put_item(
            **put(table, "k", "new"),
            ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert caught.value.response["Item"]["v"] == {"S": "old"}


def test_a_repeated_transaction_with_its_token_does_nothing_again(
    dynamodb: Any, table: str
) -> None:
    add = {
        "TableName": table,
        "Key": {"p": {"S": "n"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        dynamodb.transact_write_items(
            TransactItems=[{"Update": add}], ClientRequestToken="the-same-request"
        )
    read = dynamodb.get_item(TableName=table, Key={"p": {"S": "n"}}, ConsistentRead=True)
    assert read["Item"]["n"] == {"N": "1"}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[{"Put": put(table, "other", "x")}],
            ClientRequestToken="the-same-request",
        )
    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
