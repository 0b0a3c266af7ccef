"""Commits and branches over HTTP."""

import pytest

from functions.records import append
from functions.versions import (
    create_branch,
    create_commit,
    delete_branch,
    get_commit,
    list_branches,
    list_commits,
)
from tests.functions.events import Client


@pytest.fixture
def commit_id(client: Client, dataset_id: str) -> str:
    path = {"dataset_id": dataset_id}
    client(append.handler, path=path, json_body={"records": [{"data": {"n": 1}}]})
    reply = client(create_commit.handler, path=path, json_body={"message": "first"})
    assert reply.status == 201
    return str(reply.json["id"])


def test_a_commit_says_what_it_holds(client: Client, dataset_id: str, commit_id: str) -> None:
    reply = client(get_commit.handler, path={"dataset_id": dataset_id, "commit_id": commit_id})
    assert reply.status == 200
    assert (reply.json["author"], reply.json["message"]) == ("ada", "first")
    assert (reply.json["records"], reply.json["added"], reply.json["removed"]) == (1, 1, 0)
    links = reply.json["_links"]
    assert links["parent"]["href"].endswith(reply.json["parents"][0])
    assert links["records"]["href"].endswith(f"/records?ref={commit_id}")


def test_a_commit_is_found_by_a_prefix(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id, "commit_id": commit_id[:8]}
    assert client(get_commit.handler, path=path).json["id"] == commit_id
    path["commit_id"] = commit_id[:7]
    assert client(get_commit.handler, path=path).status in {404, 422}


def test_history_is_listed_newest_first(client: Client, dataset_id: str, commit_id: str) -> None:
    reply = client(list_commits.handler, path={"dataset_id": dataset_id}, query={"limit": "1"})
    assert [each["id"] for each in reply.json["data"]] == [commit_id]
    following = {"limit": "1", "cursor": reply.json["pagination"]["next_cursor"]}
    rest = client(list_commits.handler, path={"dataset_id": dataset_id}, query=following)
    assert [each["parents"] for each in rest.json["data"]] == [[]]
    assert rest.json["pagination"] == {"next_cursor": None, "has_more": False}


def test_a_commit_with_a_key_is_made_once(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    client(append.handler, path=path, json_body={"records": [{"data": {}}]})
    headers = {"Idempotency-Key": "commit-1"}
    first = client(create_commit.handler, path=path, json_body={}, headers=headers)
    again = client(create_commit.handler, path=path, json_body={}, headers=headers)
    assert first.json == again.json


def test_a_branch_comes_and_goes(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id}
    body = {"name": "feature/one", "start": commit_id[:10]}
    created = client(create_branch.handler, path=path, json_body=body)
    assert created.status == 201
    assert created.json["commit"] == commit_id
    assert created.json["_links"]["self"]["href"].endswith("/branches/feature%2Fone")
    listed = client(list_branches.handler, path=path)
    assert [each["name"] for each in listed.json["data"]] == ["feature/one", "main"]
    again = client(create_branch.handler, path=path, json_body=body)
    assert (again.status, again.json["code"]) == (409, "conflict")
    removed = client(delete_branch.handler, path=path | {"branch": "feature/one"})
    assert (removed.status, removed.body) == (204, b"")
    listed = client(list_branches.handler, path=path)
    assert [each["name"] for each in listed.json["data"]] == ["main"]


@pytest.mark.parametrize("name", ["", "a b", "..", "deadbeef", "a/", "x" * 129])
def test_a_branch_name_of_another_form_is_named(client: Client, dataset_id: str, name: str) -> None:
    body = {"name": name}
    reply = client(create_branch.handler, path={"dataset_id": dataset_id}, json_body=body)
    assert reply.status == 422
    assert [each["field"] for each in reply.json["errors"]] == ["name"]
