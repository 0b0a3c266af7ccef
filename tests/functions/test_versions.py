"""Commits, branches and tags over HTTP."""

import pytest

from functions.records import append, get, restore
from functions.versions import (
    cherry_pick_commit,
    count_changes,
    create_branch,
    create_commit,
    create_tag,
    delete_branch,
    diff_refs,
    get_branch,
    get_commit,
    get_tag,
    list_branches,
    list_commits,
    list_conflicts,
    list_reflog,
    list_tags,
    merge_refs,
    preview_merge,
    reset_branch,
    revert_commit,
    update_branch,
    verify,
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


def test_a_deletion_with_a_key_spares_the_branch_that_comes_after(
    client: Client, dataset_id: str
) -> None:
    path = {"dataset_id": dataset_id}
    headers = {"Idempotency-Key": "delete-1"}
    for _ in range(2):
        client(create_branch.handler, path=path, json_body={"name": "dev"})
        for _ in range(2):
            removed = client(delete_branch.handler, path=path | {"branch": "dev"}, headers=headers)
            assert removed.status == 204
    listed = client(list_branches.handler, path=path)
    assert [each["name"] for each in listed.json["data"]] == ["dev", "main"]


@pytest.mark.parametrize("name", ["", "a b", "..", "deadbeef", "a/", "x" * 129])
def test_a_branch_name_of_another_form_is_named(client: Client, dataset_id: str, name: str) -> None:
    body = {"name": name}
    reply = client(create_branch.handler, path={"dataset_id": dataset_id}, json_body=body)
    assert reply.status == 422
    assert [each["field"] for each in reply.json["errors"]] == ["name"]


def test_a_tag_is_made_found_and_listed(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id}
    body = {"name": "release/1.0", "message": "for the paper"}
    made = client(create_tag.handler, path=path, json_body=body)
    assert (made.status, made.json["commit"], made.json["created_by"]) == (201, commit_id, "ada")
    assert made.json["_links"]["self"]["href"].endswith("/tags/release%2F1.0")
    assert client(get_tag.handler, path=path | {"tag": "release/1.0"}).json == made.json
    listed = client(list_tags.handler, path=path)
    assert (listed.json["data"], listed.json["pagination"]["has_more"]) == ([made.json], False)
    again = client(create_tag.handler, path=path, json_body=body)
    assert (again.status, again.json["code"]) == (409, "conflict")
    history = client(list_commits.handler, path=path, query={"ref": "release/1.0"})
    assert history.json["data"][0]["id"] == commit_id
    assert client(get_tag.handler, path=path | {"tag": "release/2"}).status == 404


def test_a_branch_is_protected_and_says_so(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id, "branch": "main"}
    assert client(get_branch.handler, path=path).json["protected"] is False
    reply = client(update_branch.handler, path=path, json_body={"protected": True})
    assert (reply.status, reply.json["protected"], reply.json["commit"]) == (200, True, commit_id)
    assert client(get_branch.handler, path=path).json == reply.json
    body = {"records": [{"data": {"n": 2}}]}
    refused = client(append.handler, path={"dataset_id": dataset_id}, json_body=body)
    assert (refused.status, refused.json["errors"][0]["field"]) == (409, "branch")
    client(update_branch.handler, path=path, json_body={"protected": False})
    assert client(append.handler, path={"dataset_id": dataset_id}, json_body=body).status == 201


@pytest.mark.parametrize("body", [{}, {"protected": "yes"}, {"protected": None}, {"name": "x"}])
def test_what_cannot_be_said_of_a_branch_is_refused(
    client: Client, dataset_id: str, body: dict[str, object]
) -> None:
    path = {"dataset_id": dataset_id, "branch": "main"}
    assert client(update_branch.handler, path=path, json_body=body).status == 422


def test_a_reset_goes_back_and_the_reflog_leads_forth(
    client: Client, dataset_id: str, commit_id: str
) -> None:
    path = {"dataset_id": dataset_id, "branch": "main"}
    commit = client(get_commit.handler, path=path | {"commit_id": commit_id}).json
    parent = commit["parents"][0]
    body = {"to": parent[:12], "expected_commit": commit_id}
    reply = client(reset_branch.handler, path=path, json_body=body)
    assert (reply.status, reply.json["commit"]) == (200, parent)
    late = client(reset_branch.handler, path=path, json_body=body)
    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert late.json["errors"][0]["field"] == "expected_commit"
    assert parent in late.json["detail"]
    steps = client(list_reflog.handler, path=path).json["data"]
    assert [(step["operation"], step["source"], step["target"]) for step in steps] == [
        ("reset_branch", commit_id, parent),
        ("create_commit", parent, commit_id),
        ("create_dataset", None, parent),
    ]
    assert all(step["actor"] == "ada" and step["branch_id"].startswith("br_") for step in steps)
    client(reset_branch.handler, path=path, json_body={"to": steps[0]["source"]})
    assert client(get_branch.handler, path=path).json["commit"] == commit_id


def test_a_reset_says_what_to_do_about_staged_changes(
    client: Client, dataset_id: str, commit_id: str
) -> None:
    path = {"dataset_id": dataset_id, "branch": "main"}
    client(append.handler, path=path, json_body={"records": [{"data": {}}]})
    refused = client(reset_branch.handler, path=path, json_body={"to": "main"})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    body = {"to": "main", "staged": "discard"}
    reply = client(reset_branch.handler, path=path, json_body=body)
    assert (reply.status, reply.json["commit"]) == (200, commit_id)
    wrong = client(reset_branch.handler, path=path, json_body={"to": "main", "staged": "keep"})
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "staged")


def test_the_reflog_comes_page_by_page(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id, "branch": "main"}
    first = client(list_reflog.handler, path=path, query={"limit": "1"}).json
    assert first["data"][0]["target"] == commit_id
    following = {"limit": "1", "cursor": first["pagination"]["next_cursor"]}
    rest = client(list_reflog.handler, path=path, query=following).json
    assert [step["operation"] for step in rest["data"]] == ["create_dataset"]
    assert rest["pagination"]["has_more"] is False
    assert client(list_reflog.handler, path=path | {"branch": "never"}).status == 404


def test_a_difference_has_the_texts_as_they_were_sent(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    for text in (b'{"n":1.50,"n2":1e3}', b'{"n":1.500,"n2":1e3}'):
        body = b'{"records":[{"id":"r","data":' + text + b"}]}"
        client(append.handler, path=path, body=body, headers={"Content-Type": "application/json"})
        made = client(create_commit.handler, path=path, json_body={})
    query = {"base": made.json["parents"][0], "target": "main", "include": "records"}
    reply = client(diff_refs.handler, path=path, query=query)
    assert reply.status == 200
    assert b'"data":{"n":1.50,"n2":1e3}' in reply.body
    assert b'"data":{"n":1.500,"n2":1e3}' in reply.body
    (change,) = reply.json["data"]
    assert (change["id"], change["kind"]) == ("r", "changed")
    assert reply.json["target"] == made.json["id"]
    del query["include"]
    counts = client(count_changes.handler, path=path, query=query)
    assert [counts.json[name] for name in ("added", "changed", "removed")] == [0, 1, 0]


def test_texts_too_long_for_a_reply_are_left_out(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    for letter in ("x", "y"):
        record = {"id": "long", "data": {"t": letter * (4 * 2**20 - 100)}}
        client(append.handler, path=path, json_body={"records": [record]})
        made = client(create_commit.handler, path=path, json_body={})
    query = {"base": made.json["parents"][0], "include": "records"}
    reply = client(diff_refs.handler, path=path, query=query)
    assert reply.status == 200
    (change,) = reply.json["data"]
    assert change["before"]["data"] is change["after"]["data"] is None


@pytest.fixture
def diverged(client: Client, dataset_id: str) -> dict[str, str]:
    """main and dev disagree on a number of one record, and agree to differ on another."""
    path = {"dataset_id": dataset_id}

    def write(branch: str, *records: str) -> str:
        body = f'{{"branch":"{branch}","records":[{",".join(records)}]}}'.encode()
        sent = {"Content-Type": "application/json"}
        assert client(append.handler, path=path, body=body, headers=sent).status == 201
        made = client(create_commit.handler, path=path, json_body={"branch": branch})
        return str(made.json["id"])

    write("main", '{"id":"r","data":{"n":1.0,"m":1.0}}')
    client(create_branch.handler, path=path, json_body={"name": "dev"})
    write("dev", '{"id":"r","data":{"n":1.50,"m":1.0}}')
    write("main", '{"id":"r","data":{"n":2.50,"m":1.00}}')
    return path


def test_a_conflict_is_listed_and_settled_with_the_text_that_is_given(
    client: Client, diverged: dict[str, str]
) -> None:
    query = {"source": "dev", "include": "records"}
    listed = client(list_conflicts.handler, path=diverged, query=query)
    assert listed.status == 200
    assert b'"theirs":{"etag":' in listed.body
    assert b'"data":{"n":1.50,"m":1.0}' in listed.body
    (conflict,) = listed.json["data"]
    assert (conflict["id"], conflict["kind"], conflict["fields"]) == ("r", "edit_edit", ["/n"])
    preview = client(preview_merge.handler, path=diverged, query={"source": "dev"})
    assert preview.json["conflicts"] == {"edit_edit": 1}
    assert preview.json["outcome"] == "conflicts"
    refused = client(merge_refs.handler, path=diverged, json_body={"source": "dev"})
    assert (refused.status, refused.json["code"]) == (409, "merge_conflicts")
    assert "1 records conflict (1 edit_edit)" in refused.json["detail"]
    body = b'{"source":"dev","resolutions":[{"id":"r","data":{"n":3.250, "m":1.00}}]}'
    sent = {"Content-Type": "application/json"}
    merged = client(merge_refs.handler, path=diverged, body=body, headers=sent)
    assert (merged.status, merged.json["outcome"]) == (200, "committed")
    assert len(merged.json["commit"]["parents"]) == 2
    got = client(get.handler, path=diverged | {"record_id": "r"})
    assert b'"data":{"n":3.250,"m":1.00}' in got.body
    undone = client(
        revert_commit.handler,
        path=diverged,
        json_body={"commit": merged.json["commit"]["id"], "mainline": 1},
    )
    assert undone.json["outcome"] == "committed"
    restored = client(
        restore.handler,
        path=diverged | {"record_id": "r"},
        json_body={"ref": merged.json["commit"]["id"]},
    )
    assert (restored.status, restored.json["ids"]) == (201, ["r"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "dev", "resolutions": [{"id": "r"}]}, "resolutions/0"),
        ({"source": "dev", "resolutions": [{"id": "r", "take": "mine"}]}, "resolutions/0/take"),
        ({"source": "dev", "resolutions": [{"id": "x", "take": "ours"}]}, "resolutions/0"),
        ({"source": "dev", "resolutions": [{"id": "r", "data": []}]}, "resolutions/0/data"),
        ({"source": "dev", "strategy": "both"}, "strategy"),
    ],
)
def test_what_does_not_settle_a_conflict_is_named(
    client: Client, diverged: dict[str, str], body: dict[str, object], field: str
) -> None:
    settled: list[object] = [{"id": "r", "take": "ours"}]
    if field == "resolutions/0" and "x" in str(body):
        body = {"source": "dev", "resolutions": [{"id": "x", "take": "ours"}, *settled]}
    reply = client(merge_refs.handler, path=diverged, json_body=body)
    assert reply.status == 422, reply.body
    assert [each["field"] for each in reply.json["errors"]] == [field]


def test_a_picked_commit_is_found_by_its_prefix(client: Client, diverged: dict[str, str]) -> None:
    listed = client(list_commits.handler, path=diverged, query={"ref": "dev"})
    commit = listed.json["data"][0]["id"]
    body = {"commit": commit[:10], "strategy": "theirs"}
    reply = client(cherry_pick_commit.handler, path=diverged, json_body=body)
    assert reply.json["outcome"] == "committed"
    got = client(get.handler, path=diverged | {"record_id": "r"})
    assert b'"data":{"n":1.50,"m":1.00}' in got.body


def test_a_version_is_verified(client: Client, dataset_id: str, commit_id: str) -> None:
    path = {"dataset_id": dataset_id}
    reply = client(verify.handler, path=path, query={"ref": commit_id[:8]})
    assert reply.status == 200
    counted = {name: reply.json[name] for name in ("commit", "nodes", "blocks", "records")}
    assert counted == {"commit": commit_id, "nodes": 1, "blocks": 1, "records": 1}
    assert (reply.json["corrupt"], reply.json["pagination"]["has_more"]) == ([], False)
    name = next(key for key in client.vault.objects.keys("") if "/packs/" in key)
    client.vault.objects.delete(name)
    (found,) = client(verify.handler, path=path).json["corrupt"]
    assert found == {"part": "block", "name": name.rpartition("/")[2], "records": 1}
