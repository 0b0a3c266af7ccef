"""Updating, archiving and searching datasets over HTTP."""

from typing import Any

import pytest

from functions.datasets import archive, clone, create, describe, restore, stats, update
from functions.datasets import list as list_datasets
from functions.records import append, get
from functions.versions import create_commit
from tests.functions.events import CANARY, Client, Reply


def patch(client: Client, dataset_id: str, body: object, etag: str | None, **headers: str) -> Reply:
    stated = headers | ({} if etag is None else {"If-Match": etag})
    return client(update.handler, path={"dataset_id": dataset_id}, json_body=body, headers=stated)


def names(client: Client, **query: str | list[str]) -> list[str]:
    reply = client(list_datasets.handler, query=query)
    assert reply.status == 200, reply.body
    return [each["name"] for each in reply.json["data"]]


def test_a_dataset_is_updated_by_who_has_seen_it(client: Client, dataset_id: str) -> None:
    seen = client(describe.handler, path={"dataset_id": dataset_id})
    assert (seen.headers["ETag"], seen.json["version"]) == ('"1"', 1)
    body = {"name": "talks", "labels": {"team": "x"}, "metadata": {"n": 5, "ok": True}}
    client.vault.clock.advance(1000)
    reply = patch(client, dataset_id, body, '"1"')
    assert (reply.status, reply.headers["ETag"]) == (200, '"2"')
    assert {name: reply.json[name] for name in body} == body
    assert reply.json["description"] == seen.json["description"]
    assert reply.json["updated_at"] > seen.json["updated_at"] == seen.json["created_at"]
    late = patch(client, dataset_id, {"name": "mine"}, '"1"')
    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert late.json["errors"][0]["field"] == "If-Match"
    described = client(describe.handler, path={"dataset_id": dataset_id})
    assert described.json == reply.json | {"schema": None}
    assert patch(client, dataset_id, {"name": "mine"}, "*").json["version"] == 3


@pytest.mark.parametrize("etag", [None, "1", '"1'])
def test_an_update_without_a_precondition_is_refused(
    client: Client, dataset_id: str, etag: str | None
) -> None:
    reply = patch(client, dataset_id, {"name": "b"}, etag)
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "If-Match")


def test_an_update_that_changes_nothing_makes_no_version(client: Client, dataset_id: str) -> None:
    for body in ({}, {"name": "chats"}, {"description": "", "labels": {}}, {"metadata": None}):
        assert patch(client, dataset_id, body, '"1"').json["version"] == 1


def test_a_repeated_update_is_answered_as_the_first_was(client: Client, dataset_id: str) -> None:
    key = {"Idempotency-Key": "u1"}
    first = patch(client, dataset_id, {"name": "b"}, '"1"', **key)
    patch(client, dataset_id, {"name": "c"}, '"2"')
    again = patch(client, dataset_id, {"name": "b"}, '"1"', **key)
    assert (again.status, again.json, again.headers["ETag"]) == (200, first.json, '"2"')


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"metadata": {"a": [CANARY]}}, "metadata/*"),
        ({"metadata": {"a": None}}, "metadata/*"),
        ({"metadata": {"a": 2**53}}, "metadata/*"),
        ({"metadata": {"a": CANARY * 30}}, "metadata/*"),
        ({"metadata": {"a=b": CANARY}}, "metadata/*/*"),
        ({"labels": {"a=b": CANARY}}, "labels/*/*"),
        ({"metadata": {f"{n}": CANARY for n in range(11)}}, "metadata"),
        ({"name": f"{CANARY} "}, "name"),
        ({"record_key": CANARY}, "record_key"),
    ],
)
def test_what_a_dataset_cannot_be_is_refused(
    client: Client, dataset_id: str, body: Any, field: str
) -> None:
    reply = patch(client, dataset_id, body, "*")
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert [each["field"] for each in reply.json["errors"]] == [field]
    assert CANARY not in reply.body.decode()


def test_a_number_beyond_all_numbers_is_refused(client: Client, dataset_id: str) -> None:
    reply = client(
        update.handler,
        path={"dataset_id": dataset_id},
        body=b'{"metadata":{"a":1e999}}',
        headers={"If-Match": "*"},
    )
    assert (reply.status, reply.json["code"]) == (422, "invalid")


def test_an_archived_dataset_is_read_and_not_written(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    archived = client(archive.handler, path=path)
    assert (archived.status, archived.json["state"]) == (200, "archived")
    assert client(describe.handler, path=path).json == archived.json | {"schema": None}
    refused = client(append.handler, path=path, json_body={"records": [{"data": {}}]})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "archived" in refused.json["detail"]
    restored = client(restore.handler, path=path)
    assert (restored.json["state"], restored.json["version"]) == ("active", 3)
    assert client(append.handler, path=path, json_body={"records": [{"data": {}}]}).status == 201


def test_datasets_are_found_by_what_is_said_of_them(client: Client) -> None:
    made: dict[str, dict[str, Any]] = {
        "Été 1": {"labels": {"team": "a"}, "metadata": {"turns": 5, "ok": True}},
        "été 2": {"labels": {"team": "b", "x": ""}, "metadata": {"turns": 5.0}},
        "Winter": {"labels": {"team": "a", "x": "=1=2"}, "metadata": {"turns": "five"}},
    }
    for name, rest in made.items():
        assert client(create.handler, json_body={"name": name, **rest}).status == 201
        client.vault.clock.advance(1)
    assert names(client) == ["Été 1", "été 2", "Winter"]
    assert names(client, name_prefix="ÉTÉ") == names(client, name_prefix="E") == list(made)[:2]
    assert names(client, name_prefix="été 2") == ["été 2"]
    assert names(client, label=["team=a"]) == ["Été 1", "Winter"]
    assert names(client, label=["team=a", "x"]) == names(client, label="x==1=2") == ["Winter"]
    assert names(client, label="x=") == ["été 2"]
    assert names(client, metadata="turns=5") == names(client, metadata="turns=5.00")
    assert names(client, metadata="turns=5") == ["Été 1", "été 2"]
    assert names(client, metadata=["turns=5", "ok=true"]) == ["Été 1"]
    assert names(client, created_by="ada", name_prefix="w") == ["Winter"]
    assert names(client, created_by="bob") == []
    at = "2026-01-01T00:00:01Z"
    assert names(client, created_after=at) == ["Winter"]
    assert names(client, created_before=at) == ["Été 1"]
    assert names(client, created_after="2026-01-01T01:00:00.9999+01:00") == ["été 2", "Winter"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"label": "=x"}, "label/0"),
        ({"metadata": "turns"}, "metadata/0"),
        ({"label": ["a"] * 9}, "label"),
        ({"state": "gone"}, "state"),
        ({"created_after": "1700000000"}, "created_after"),
        ({"created_before": "2026-01-01"}, "created_before"),
        ({"name_prefix": ["a", "b"]}, "name_prefix"),
        ({"name_prefix": ""}, "name_prefix"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    client: Client, query: dict[str, str | list[str]], field: str
) -> None:
    reply = client(list_datasets.handler, query=query)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert [each["field"] for each in reply.json["errors"]] == [field]


def test_the_next_page_of_a_search_is_linked_with_its_criteria(client: Client) -> None:
    for number in range(3):
        labels = {"team": "å&b", "n": f"{number}"}
        client(create.handler, json_body={"name": f"{number}", "labels": labels})
        client.vault.clock.advance(1)
    query: dict[str, str | list[str]] = {"label": ["team=å&b", "n"], "limit": "2"}
    page = client(list_datasets.handler, query=query).json
    assert "label=team%3D%C3%A5%26b&label=n" in page["_links"]["next"]["href"]
    cursor = page["pagination"]["next_cursor"]
    rest = client(list_datasets.handler, query=query | {"cursor": cursor}).json
    assert [each["name"] for each in rest["data"]] == ["2"]
    other = client(list_datasets.handler, query={"cursor": cursor})
    assert (other.status, other.json["errors"][0]["field"]) == (422, "cursor")


def test_a_clone_goes_its_own_way(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    body = {"records": [{"id": "a", "data": {"n": 1}}]}
    assert client(append.handler, path=path, json_body=body).status == 201
    commit = client(create_commit.handler, path=path, json_body={}).json["id"]
    asked = {"name": "copy", "labels": {"of": "chats"}}
    key = {"Idempotency-Key": "clone-1"}
    made = client(clone.handler, path=path, json_body=asked, headers=key)
    assert (made.status, made.headers["ETag"]) == (201, '"1"')
    assert made.json["origin"] == {"dataset": dataset_id, "commit": commit}
    assert (made.json["name"], made.json["labels"]) == ("copy", {"of": "chats"})
    again = client(clone.handler, path=path, json_body=asked, headers=key)
    assert (again.status, again.json) == (201, made.json)
    taken = client(clone.handler, path=path, json_body={"name": "copy"})
    assert (taken.status, taken.json["errors"][0]["field"]) == (409, "name")
    nowhere = client(clone.handler, path=path, json_body={"name": "b", "ref": "nowhere"})
    assert nowhere.status == 404
    copied = client(get.handler, path={"dataset_id": made.json["id"], "record_id": "a"})
    assert copied.json["data"] == {"n": 1}


def test_what_a_version_takes_is_counted(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    body = {"records": [{"id": f"{n}", "data": {"n": n}} for n in range(10)]}
    client(append.handler, path=path, json_body=body)
    commit = client(create_commit.handler, path=path, json_body={}).json
    found = client(stats.handler, path=path)
    assert found.status == 200
    assert (found.json["commit"], found.json["base"]) == (commit["id"], commit["parents"][0])
    assert (found.json["records"], found.json["logical_bytes"]) == (10, 10 * len(b'{"n":1}'))
    alone, both = found.json["dedup"]
    assert alone["ratio"] == round(70 / found.json["stored"]["bytes"], 4)
    assert (alone["workload"], both["workload"]) == ("version", "version_and_base")
    same = client(stats.handler, path=path, query={"base": commit["id"][:8]}).json
    assert (same["unique"]["bytes"], same["shared"]) == (0, same["stored"])
    assert client(stats.handler, path=path, query={"ref": "nowhere"}).status == 404
