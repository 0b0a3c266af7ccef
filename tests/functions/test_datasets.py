"""Datasets over HTTP."""

from datavault.domain import datasets as domain
from functions.datasets import create, describe
from functions.datasets import list as list_datasets
from tests.functions.events import Client

REPLAYED = {"Idempotency-Key": "create-1"}


def test_a_dataset_is_created_described_and_listed(client: Client) -> None:
    body = {
        "name": "chats",
        "description": "Chats of the desk",
        "labels": {"team": "assist", "a": "1"},
        "record_key": "id",
    }
    created = client(create.handler, json_body=body)
    assert created.status == 201
    assert {name: created.json[name] for name in body} == body
    assert created.json["default_branch"] == domain.DEFAULT_BRANCH
    assert created.json["privacy"] == "off"
    assert created.json["created_at"] == "2026-01-01T00:00:00Z"
    assert created.json["created_by"] == "ada"
    dataset_id = created.json["id"]
    assert created.json["_links"]["self"]["href"] == f"/api/v1/datasets/{dataset_id}"
    described = client(describe.handler, path={"dataset_id": dataset_id})
    listed = client(list_datasets.handler)
    assert (described.status, described.json) == (200, created.json | {"schema": None})
    assert (listed.status, listed.json["data"]) == (200, [created.json])


def test_a_name_is_taken_once(client: Client, dataset_id: str) -> None:
    reply = client(create.handler, json_body={"name": "chats"})
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert dataset_id


def test_a_repeated_request_is_answered_as_the_first_was(client: Client) -> None:
    first = client(create.handler, json_body={"name": "a"}, headers=REPLAYED)
    again = client(create.handler, json_body={"name": "a"}, headers=REPLAYED)
    other = client(create.handler, json_body={"name": "b"}, headers=REPLAYED)
    assert (again.status, again.json) == (201, first.json)
    assert (other.status, other.json["code"]) == (409, "conflict")


def test_pages_of_a_list_follow_each_other_by_their_links(client: Client) -> None:
    for number in range(5):
        client(create.handler, json_body={"name": f"set-{number}"})
        client.vault.clock.advance(1)
    names, cursor = [], None
    for _ in range(3):
        query = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = client(list_datasets.handler, query=query).json
        names += [each["name"] for each in page["data"]]
        cursor = page["pagination"]["next_cursor"]
        assert page["pagination"]["has_more"] == (cursor is not None) == ("next" in page["_links"])
    assert names == [f"set-{number}" for number in range(5)]
    assert cursor is None


def test_a_cursor_that_is_not_ours_is_refused(client: Client) -> None:
    reply = client(list_datasets.handler, query={"cursor": "AAAA"})
    assert reply.status in {400, 422}
