"""What of an event is accepted, and how what is not is named."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.operations.rows import JSON_BODY_BYTES_MAX, RECORDS_BODY_BYTES_MAX
from functions.datasets import create, describe
from functions.datasets import list as list_datasets
from functions.edge.requests import (
    path_of,
)
from functions.records import append, get
from functions.records import list as list_records
from functions.versions import create_commit
from tests.functions.events import CANARY, Answering, Client, Reply

NDJSON = "application/x-ndjson"


def raw(client: Client, handler: Answering, event: Mapping[str, Any]) -> Reply:
    response = handler.answer(client.vault, event)
    return Reply(response["statusCode"], response["headers"], response["body"].encode(), False)


def fields(reply: Reply) -> dict[str, str]:
    return {each["field"]: each["message"] for each in reply.json["errors"]}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_path_parameter_is_decoded_exactly_once(text: str) -> None:
    event = Client(MemoryVault(), "").event(path={"record_id": text})
    assert path_of(event) == {"record_id": text}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("my-id%2F100", "my-id/100"),
        ("a%252Fb", "a%2Fb"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("%F0%9F%94%92", "🔒"),
        ("user@example.com", "user@example.com"),
    ],
)
def test_a_path_parameter_arrives_as_the_client_wrote_it(sent: str, meant: str) -> None:
    assert path_of({"pathParameters": {"record_id": sent}}) == {"record_id": meant}


@pytest.mark.parametrize("sent", ["100%", "%zz", "a%2", "%ff%fe", "%C3"])
def test_a_path_that_is_not_percent_encoded_utf_8_is_malformed(
    client: Client, dataset_id: str, sent: str
) -> None:
    event = client.event(path={"dataset_id": dataset_id})
    event["pathParameters"]["record_id"] = CANARY + sent
    reply = raw(client, get.handler, event)
    assert (reply.status, reply.json["code"]) == (400, "malformed")
    assert list(fields(reply)) == ["record_id"]
    assert CANARY not in reply.body.decode()


def test_a_record_id_of_any_characters_comes_back(client: Client, dataset_id: str) -> None:
    for record_id in ("a/b", "100%", "%2F", "a b+c", "ü🔒", "?x=1#y", "'\"\\"):
        client(
            append.handler,
            path={"dataset_id": dataset_id},
            json_body={"records": [{"id": record_id, "data": {"n": 1}}]},
        )
        reply = client(get.handler, path={"dataset_id": dataset_id, "record_id": record_id})
        assert reply.json["id"] == record_id


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"limit": "1001"}, "limit", "at most 1000"),
        ({"limit": "0"}, "limit", "at least 1"),
        ({"limit": "9" * 5000}, "limit", "at most 9"),
        ({"limit": CANARY}, "limit", "decimal digits"),
        ({"limit": ""}, "limit", "decimal digits"),
        ({"limit": "+5"}, "limit", "decimal digits"),
        ({"limit": "5.0"}, "limit", "decimal digits"),
        ({"limit": "\u0665"}, "limit", "decimal digits"),
        ({"limit": ["5", "6"]}, "limit", "given 2 times, at most once"),
        ({"lmit": "5"}, "lmit", "not known"),
        ({f"{CANARY} x": "5"}, "(a name of 13 characters)", "not known"),
        ({"cursor": "x" * 4097}, "cursor", "at most 4096 characters, this has 4097"),
    ],
)
def test_a_query_parameter_that_will_not_do_is_named(
    client: Client, query: dict[str, Any], field: str, message: str
) -> None:
    reply = client(list_datasets.handler, query=query)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert message in fields(reply)[field]
    assert CANARY not in reply.body.decode()


def test_a_query_where_none_is_known_is_refused(client: Client, dataset_id: str) -> None:
    reply = client(describe.handler, path={"dataset_id": dataset_id}, query={"verbose": "1"})
    assert reply.status == 422
    assert list(fields(reply)) == ["verbose"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "name", "required"),
        ({"name": ""}, "name", "at least 1 characters, this has 0"),
        ({"name": CANARY * 40}, "name", "at most 256 characters, this has 440"),
        ({"name": 5}, "name", "valid string"),
        ({"name": "a", "labels": [CANARY]}, "labels", "valid dictionary"),
        ({"name": "a", "labels": {CANARY: 1}}, "labels/*", "valid string"),
        ({"name": "a", "labels": {"k": CANARY * 30}}, "labels/*", "at most 256"),
        ({"name": "a", "labels": {CANARY * 20: ""}}, "labels/*/*", "at most 128"),
        (
            {"name": "a", "labels": {f"k{n}": CANARY for n in range(17)}},
            "labels",
            "at most 16 items, this has 17",
        ),
        ({"name": "a", "record_key": ""}, "record_key", "at least 1"),
        ({"name": "a", "colour": CANARY}, "colour", "not known"),
        ({"name": "a", f"{CANARY}@x": 1}, "(a name of 13 characters)", "not known"),
        ({"name": f" {CANARY}"}, "name", "no space at its ends"),
        ({"name": f"{CANARY}\u0007"}, "name", "no control characters"),
    ],
)
def test_a_body_that_will_not_do_is_explained(
    client: Client, body: dict[str, Any], field: str, message: str
) -> None:
    reply = client(create.handler, json_body=body)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert message in fields(reply)[field]
    assert CANARY not in reply.body.decode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b'{"name": "%s"' % CANARY.encode(), "line 1 column"),
        (b'["%s"]' % CANARY.encode(), "not a JSON object"),
        (b'{"name": NaN}', "NaN"),
        (b'{"name": %s1}' % (b"9" * 5000), "too many digits"),
        (b'{"name": %s}' % (b"[" * 100_000), "too deeply"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_malformed(
    client: Client, body: bytes, message: str
) -> None:
    reply = client(create.handler, body=body)
    assert (reply.status, reply.json["code"]) == (400, "malformed")
    assert message in reply.json["detail"]
    assert CANARY not in reply.body.decode()


def test_a_body_that_is_not_utf_8_is_malformed(client: Client) -> None:
    event = client.event(body=b"{}")
    event["body"] = base64.b64encode(b'{"name": "\xff"}').decode()
    event["isBase64Encoded"] = True
    reply = raw(client, create.handler, event)
    assert (reply.status, reply.json["code"]) == (400, "malformed")
    assert "byte 10" in reply.json["detail"]


def test_a_body_of_no_type_in_which_the_gateway_replaced_bytes_is_malformed(client: Client) -> None:
    event = client.event(body=b'{"name": "\xff"}', headers={"Content-Type": "text/plain"})
    event["headers"] = {}
    reply = raw(client, create.handler, event)
    assert (reply.status, reply.json["code"]) == (400, "malformed")
    assert "Content-Type" in reply.json["detail"]


@pytest.mark.parametrize(("body", "is_base64"), [("not base64 !", True), ("\ud800", False)])
def test_a_body_that_did_not_survive_the_journey_is_malformed(
    client: Client, body: str, is_base64: bool
) -> None:
    event = client.event(body=b"{}") | {"body": body, "isBase64Encoded": is_base64}
    reply = raw(client, create.handler, event)
    assert (reply.status, reply.json["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "body", [b'{"name": "a\\u0000"}', b'{"name": "a", "labels": {"k": "\\u0000"}}']
)
def test_a_string_with_nul_is_refused(client: Client, body: bytes) -> None:
    reply = client(create.handler, body=body)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert "NUL" in reply.json["detail"]


def test_an_escaped_backslash_before_u0000_is_no_nul(client: Client) -> None:
    reply = client(create.handler, body=b'{"name": "a\\\\u0000"}')
    assert (reply.status, reply.json["name"]) == (201, "a\\u0000")


def test_a_key_that_stands_twice_is_refused(client: Client) -> None:
    reply = client(create.handler, body=b'{"name": "a", "name": "b"}')
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    reply = client(create.handler, body=b'{"name": "a", "labels": {"k": "1", "k": "2"}}')
    assert (reply.status, reply.json["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "announced",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        NDJSON,
        "application/json; charset=latin-1",
        "application/jsonp",
        "",
    ],
)
def test_a_body_of_another_type_is_refused_by_naming_the_header_and_what_is_accepted(
    client: Client, announced: str
) -> None:
    reply = client(create.handler, body=b'{"name": "a"}', headers={"Content-Type": announced})
    assert (reply.status, reply.json["code"]) == (400, "malformed")
    assert "application/json" in fields(reply)["Content-Type"]


@pytest.mark.parametrize(
    "announced",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_a_json_body_is_accepted(client: Client, announced: str) -> None:
    reply = client(create.handler, body=b'{"name": "a"}', headers={"content-type": announced})
    # The client sends a header of its own too; the last of one name counts.
    assert reply.status == 201


def test_a_body_without_a_type_is_taken_for_json(client: Client) -> None:
    event = client.event(body=b'{"name": "a"}')
    del event["headers"]["Content-Type"]
    assert raw(client, create.handler, event).status == 201


def test_a_body_over_its_limit_is_too_large(client: Client, dataset_id: str) -> None:
    reply = client(create.handler, body=b"{" + b" " * JSON_BODY_BYTES_MAX + b"}")
    assert (reply.status, reply.json["code"]) == (413, "too_large")
    assert str(JSON_BODY_BYTES_MAX) in reply.json["detail"]
    path = {"dataset_id": dataset_id}
    over = b'{"a":"' + b"x" * RECORDS_BODY_BYTES_MAX + b'"}'
    for media_type in ("application/json", NDJSON):
        reply = client(append.handler, path=path, body=over, headers={"Content-Type": media_type})
        assert (reply.status, reply.json["code"]) == (413, "too_large")


def test_a_record_too_large_for_a_batch_is_named(client: Client, dataset_id: str) -> None:
    line = b'{"a":"' + b"x" * (4 * 2**20) + b'"}'
    headers = {"Content-Type": NDJSON}
    reply = client(append.handler, path={"dataset_id": dataset_id}, body=line, headers=headers)
    assert (reply.status, reply.json["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"records": []}, "records"),
        ({"records": [{"data": {}}] * 1001}, "records"),
        ({"records": "x"}, "records"),
        ({"records": 5}, "records"),
        ({"records": [5]}, "records/0"),
        ({"records": [{"id": CANARY}]}, "records/0/data"),
        ({"records": [{"data": {}, "id": 5}]}, "records/0/id"),
        ({"records": [{"data": {}, "x": CANARY}]}, "records/0/x"),
        ({"records": [{"data": {}}, {"data": CANARY}]}, "records/1/data"),
        ({"records": [{"data": {}}], "branch": "a b"}, "branch"),
        ({}, "records"),
    ],
)
def test_records_in_a_bad_envelope_are_named(
    client: Client, dataset_id: str, body: dict[str, Any], field: str
) -> None:
    reply = client(append.handler, path={"dataset_id": dataset_id}, json_body=body)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert field in fields(reply)
    assert CANARY not in reply.body.decode()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 422, "body"),
        (b"\n\n", 422, "body"),
        (b"{}\n" * 1001, 422, "body"),
        (b'{"a":1}\n{"a":"%s}\n' % CANARY.encode(), 400, "line 2"),
        (b'{"a":1}\n\n"%s"\n' % CANARY.encode(), 422, "line 3"),
        (b'{"a":1,"a":2}\n', 422, "line 1"),
    ],
)
def test_a_bad_line_is_named(
    client: Client, dataset_id: str, body: bytes, status: int, field: str
) -> None:
    headers = {"Content-Type": NDJSON}
    reply = client(append.handler, path={"dataset_id": dataset_id}, body=body, headers=headers)
    assert reply.status == status
    assert field in fields(reply)
    assert CANARY not in reply.body.decode()


def test_many_bad_fields_are_explained_by_the_first_few(client: Client, dataset_id: str) -> None:
    body = {"records": [{"id": "x"}] * 1000}
    reply = client(append.handler, path={"dataset_id": dataset_id}, json_body=body)
    assert "1000 fields" in reply.json["detail"]
    assert len(reply.json["errors"]) == 20


def test_a_json_body_names_its_branch_itself(client: Client, dataset_id: str) -> None:
    reply = client(
        append.handler,
        path={"dataset_id": dataset_id},
        query={"branch": "main"},
        json_body={"records": [{"data": {}}]},
    )
    assert reply.status == 422
    assert list(fields(reply)) == ["branch"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "ü"])
def test_an_idempotency_key_of_another_form_is_refused(
    client: Client, dataset_id: str, key: str
) -> None:
    reply = client(
        create_commit.handler,
        path={"dataset_id": dataset_id},
        json_body={},
        headers={"Idempotency-Key": key},
    )
    assert reply.status == 422
    assert list(fields(reply)) == ["Idempotency-Key"]


def test_a_dataset_id_of_another_form_is_named(client: Client) -> None:
    reply = client(list_records.handler, path={"dataset_id": CANARY})
    assert reply.status == 422
    assert list(fields(reply)) == ["dataset_id"]
    assert CANARY not in reply.body.decode()
