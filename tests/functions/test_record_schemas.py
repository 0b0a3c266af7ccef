"""Schemas of records over HTTP: given, shown, and held against what comes in."""

import json
from typing import Any

import pytest

from functions.datasets import create, describe, update
from functions.datasets import list as list_datasets
from functions.records import append
from tests.functions.events import CANARY, Client, Reply

SCHEMA = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "pattern": "^[a-z]+$"},
        "people": {"additionalProperties": {"type": "integer"}},
    },
}


@pytest.fixture
def checked(client: Client) -> str:
    """The id of a dataset with a schema."""
    made = client(create.handler, json_body={"name": "checked", "schema": SCHEMA})
    assert made.status == 201, made.body
    return str(made.json["id"])


def patched(client: Client, dataset_id: str, schema: object) -> Reply:
    return client(
        update.handler,
        path={"dataset_id": dataset_id},
        json_body={"schema": schema},
        headers={"If-Match": "*"},
    )


def appended(client: Client, dataset_id: str, *records: object) -> Reply:
    body = {"records": [{"data": record} for record in records]}
    return client(append.handler, path={"dataset_id": dataset_id}, json_body=body)


def test_a_schema_is_shown_by_the_one_dataset_and_its_hash_by_all(
    client: Client, checked: str
) -> None:
    shown = client(describe.handler, path={"dataset_id": checked}).json
    assert shown["schema"] == SCHEMA
    (listed,) = client(list_datasets.handler).json["data"]
    assert "schema" not in listed
    assert len(listed["schema_hash"]) == 32
    changed = patched(client, checked, {"type": "object"})
    assert (changed.status, changed.json["version"]) == (200, 2)
    assert changed.json["schema_hash"] not in {None, listed["schema_hash"]}
    none = patched(client, checked, {})
    assert (none.json["version"], none.json["schema_hash"]) == (3, None)
    assert client(describe.handler, path={"dataset_id": checked}).json["schema"] is None


@pytest.mark.parametrize(
    ("record", "field", "keyword"),
    [
        ({"prompt": CANARY}, "/prompt", "pattern"),
        ({"people": {}}, "/prompt", "required"),
        ({"prompt": "a", "people": {CANARY: CANARY}}, "/people/*", "type"),
    ],
)
def test_a_record_that_does_not_match_is_refused_by_its_place(
    client: Client, checked: str, record: Any, field: str, keyword: str
) -> None:
    for reply, name in (
        (appended(client, checked, {"prompt": "a"}, record), "records/1/data"),
        (
            client(
                append.handler,
                path={"dataset_id": checked},
                body=b'{"prompt":"a"}\n\n' + json.dumps(record).encode(),
                headers={"Content-Type": "application/x-ndjson"},
            ),
            "line 3",
        ),
    ):
        assert (reply.status, reply.json["code"]) == (422, "invalid")
        (error,) = reply.json["errors"]
        assert error["field"] == name + field
        assert error["message"] == f"does not match the dataset's schema at {field}: {keyword}"
        assert CANARY not in reply.body.decode()
    assert appended(client, checked, {"prompt": "a"}).status == 201


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": CANARY}, "schema/type"),
        ({"properties": {"a": {"pattern": f"(?={CANARY})"}}}, "schema/properties/a/pattern"),
        ({"$ref": f"https://{CANARY}/a"}, "schema/$ref"),
        ({"title": CANARY * 10_000}, "schema"),
        ([CANARY], "schema"),
        (CANARY, "schema"),
        (True, "schema"),
    ],
)
def test_a_schema_that_will_not_do_is_refused(
    client: Client, dataset_id: str, schema: Any, field: str
) -> None:
    made = client(create.handler, json_body={"name": "other", "schema": schema})
    for reply in (made, patched(client, dataset_id, schema)):
        assert reply.status in {413, 422}
        assert [each["field"] for each in reply.json["errors"]] == [field]
        assert CANARY not in reply.body.decode()
