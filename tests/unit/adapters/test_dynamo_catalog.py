"""What the catalog does with answers that a healthy DynamoDB seldom gives."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from datavault.adapters.aws.catalog import DynamoCatalog
from datavault.adapters.aws.client import ATTEMPTS_MAX, JsonClient
from datavault.adapters.aws.credentials import Credentials, FixedCredentials
from datavault.adapters.aws.errors import AwsError
from datavault.domain.errors import TooLarge, Unavailable
from datavault.domain.rows import Change, Key, Put, Row, Table, Update
from datavault.ports import ConditionFailed
from tests.unit.adapters.scripted import Answer, ScriptedServer

KEYS = [Key(Table.CATALOG, "p", sort) for sort in "abcd"]
CHANGES: list[Change] = [Put(KEYS[0], {}), Update(KEYS[1], add={"n": 1})]


@pytest.fixture
def catalog(server: ScriptedServer) -> Iterator[DynamoCatalog]:
    client = JsonClient(
        service="dynamodb",
        region="eu-west-1",
        endpoint=server.url,
        target="DynamoDB_20120810",
        json_version="1.0",
        credentials=FixedCredentials(Credentials("AKID", "SECRET")),
        sleep=lambda _: None,
    )
    yield DynamoCatalog(client, {table: table.value for table in Table}, sleep=lambda _: None)
    client.close()


def ok(body: Any) -> Answer:
    return Answer(body=json.dumps(body).encode())


def item(key: Key, **attributes: Any) -> Any:
    return {"pk": {"S": key.partition}, "sk": {"S": key.sort}, **attributes}


def cancelled(*codes: str, **more: Any) -> Answer:
    reasons = [{"Code": code, **more} if code != "None" else {"Code": code} for code in codes]
    body = {"__type": "x#TransactionCanceledException", "CancellationReasons": reasons}
    return Answer(400, json.dumps(body).encode())


def asked(server: ScriptedServer) -> list[Any]:
    return [json.loads(request.body) for request in server.requests]


def test_keys_left_over_are_asked_for_again(catalog: DynamoCatalog, server: ScriptedServer) -> None:
    left = {"catalog": {"Keys": [item(KEYS[1])], "ConsistentRead": True}}
    server.script(
        ok({"Responses": {"catalog": [item(KEYS[0])]}, "UnprocessedKeys": left}),
        ok({"Responses": {}, "UnprocessedKeys": left}),
        ok({"Responses": {"catalog": [item(KEYS[1], n={"N": "1"})]}, "UnprocessedKeys": {}}),
    )
    assert catalog.get_many(KEYS[:2]) == {
        KEYS[0]: Row(KEYS[0], {}),
        KEYS[1]: Row(KEYS[1], {"n": 1}),
    }
    assert asked(server)[2] == {"RequestItems": left}


def test_rows_left_over_are_written_again(catalog: DynamoCatalog, server: ScriptedServer) -> None:
    left = {"catalog": [{"DeleteRequest": {"Key": item(KEYS[1])}}]}
    server.script(ok({"UnprocessedItems": left}), ok({"UnprocessedItems": {}}))
    catalog.delete_many(KEYS[:2])
    assert asked(server)[1] == {"RequestItems": left}


def test_rows_that_are_always_left_over_are_unavailable(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    server.script(ok({"UnprocessedItems": {"catalog": [{"PutRequest": {"Item": item(KEYS[1])}}]}}))
    with pytest.raises(Unavailable, match="1 rows over"):
        catalog.put_many([Put(key, {}) for key in KEYS])
    assert len(server.requests) == ATTEMPTS_MAX


def test_a_collision_names_no_row(catalog: DynamoCatalog, server: ScriptedServer) -> None:
    server.script(cancelled("TransactionConflict", "None"))
    with pytest.raises(ConditionFailed) as failed:
        catalog.write(CHANGES, token="t")
    assert failed.value.indices == ()
    assert len(server.requests) == 1


def test_a_failed_condition_counts_more_than_a_collision(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    server.script(cancelled("TransactionConflict", "ConditionalCheckFailed"))
    with pytest.raises(ConditionFailed) as failed:
        catalog.write(CHANGES, token="t")
    assert failed.value.rows == {1: None}


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_throttled_transaction_is_tried_again_with_its_token(
    catalog: DynamoCatalog, server: ScriptedServer, code: str
) -> None:
    server.script(cancelled("None", code), cancelled("None", code), ok({}))
    catalog.write(CHANGES, token="t")
    assert [request["ClientRequestToken"] for request in asked(server)] == ["t", "t", "t"]
    server.script(cancelled("None", code))
    with pytest.raises(Unavailable):
        catalog.write(CHANGES, token="t")


def test_a_row_that_grew_too_large_is_too_large(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    words = "Item size to update has exceeded the maximum allowed size"
    server.script(cancelled("None", "ValidationError", Message=words))
    with pytest.raises(TooLarge):
        catalog.write(CHANGES, token="t")


def test_what_nobody_has_thought_of_propagates(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    server.script(cancelled("ValidationError", "None", Message="something else"))
    with pytest.raises(AwsError, match="TransactionCanceled"):
        catalog.write(CHANGES, token="t")
    server.script(Answer(400, b'{"__type": "x#AccessDeniedException"}'))
    with pytest.raises(AwsError, match="AccessDenied"):
        catalog.get(KEYS[0])


def test_a_ping_that_is_refused_is_unavailable(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    server.script(Answer(400, b'{"__type": "x#ResourceNotFoundException"}'))
    with pytest.raises(Unavailable, match="ResourceNotFound"):
        catalog.ping()


def test_a_page_of_very_large_rows_is_cut_and_says_that_more_follow(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    pages = [
        ok({"Items": [item(Key(Table.CATALOG, "p", f"{n:02}"))], "LastEvaluatedKey": item(KEYS[0])})
        for n in range(20)
    ]
    server.script(*pages)
    page = catalog.page(Table.CATALOG, "p")
    assert page.more
    assert [row.key.sort for row in page.rows] == [f"{n:02}" for n in range(15)]


def test_a_last_key_with_nothing_after_it_is_the_end(
    catalog: DynamoCatalog, server: ScriptedServer
) -> None:
    server.script(
        ok({"Items": [item(KEYS[0])], "LastEvaluatedKey": item(KEYS[0])}), ok({"Items": []})
    )
    page = catalog.page(Table.CATALOG, "p", limit=1)
    assert [row.key for row in page.rows] == KEYS[:1]
    assert not page.more
