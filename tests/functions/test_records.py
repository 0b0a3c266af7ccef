"""Records over HTTP: their own bytes in, the same bytes out."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.edge.responses import RESPONSE_BYTES_MAX
from functions.records import append, batch_get, count, delete, get, list_history
from functions.records import list as list_records
from functions.versions import create_branch, create_commit
from tests.functions.events import Client, Reply

NDJSON = "application/x-ndjson"
AS_LINES = {"Accept": NDJSON}
# Number spellings, spaces, escapes and order that a parser would not give back.
ODD = [
    b'{"n":1.0,"e":1E5,"z":-0,"big":12345678901234567890123}',
    b'{ "b" : 1 , "a":[ 1,2 ] }',
    '{"s":"\\u00e9\\/é🔒","t":"\\ud83d\\ude00"}'.encode(),
    b"{}",
]


def append_lines(client: Client, dataset_id: str, lines: list[bytes], **parts: Any) -> Reply:
    headers = {"Content-Type": NDJSON, **parts.pop("headers", {})}
    body = b"\n".join(lines)
    return client(
        append.handler, path={"dataset_id": dataset_id}, body=body, headers=headers, **parts
    )


@pytest.mark.parametrize("committed", [False, True])
def test_lines_come_back_byte_for_byte(client: Client, dataset_id: str, committed: bool) -> None:
    ids = append_lines(client, dataset_id, ODD).json["ids"]
    path = {"dataset_id": dataset_id}
    if committed:
        client(create_commit.handler, path=path, json_body={})
    listed = client(list_records.handler, path=path, headers=AS_LINES)
    assert listed.headers["Content-Type"] == NDJSON
    assert listed.is_base64
    assert listed.body == b"".join(line + b"\n" for line in ODD)
    for record_id, line in zip(ids, ODD, strict=True):
        one = {"path": path | {"record_id": record_id}}
        assert client(get.handler, **one, headers=AS_LINES).body == line + b"\n"
        enveloped = client(get.handler, **one)
        assert b'"data":' + line + b',"etag":' in enveloped.body
        assert enveloped.json["staged"] is not committed
        assert enveloped.headers["ETag"] == f'"{enveloped.json["etag"]}"'
    page = client(list_records.handler, path=path)
    assert all(b'"data":' + line + b',"etag":' in page.body for line in ODD)
    assert [each["id"] for each in page.json["data"]] == ids


def test_a_json_body_keeps_numbers_and_escapes_and_drops_spaces(
    client: Client, dataset_id: str
) -> None:
    body = b'{"records":[{"id":"a","data": { "n": 1.50, "s": "\\u00e9" } }]}'
    path = {"dataset_id": dataset_id}
    assert client(append.handler, path=path, body=body).status == 201
    reply = client(get.handler, path=path | {"record_id": "a"}, headers=AS_LINES)
    assert reply.body == b'{"n":1.50,"s":"\\u00e9"}\n'


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_record_comes_back(client: Client, dataset_id: str, record: dict[str, Any]) -> None:
    line = json.dumps(record, ensure_ascii=False).encode()
    (record_id,) = append_lines(client, dataset_id, [line]).json["ids"]
    path = {"dataset_id": dataset_id, "record_id": record_id}
    assert client(get.handler, path=path, headers=AS_LINES).body == line + b"\n"
    assert client(get.handler, path=path).json["data"] == record


def test_lines_go_to_the_branch_of_the_query(client: Client, dataset_id: str) -> None:
    assert append_lines(client, dataset_id, [b"{}"]).json["branch"] == "main"
    missing = append_lines(client, dataset_id, [b"{}"], query={"branch": "other"})
    assert (missing.status, missing.json["code"]) == (404, "not_found")


def test_blank_lines_and_carriage_returns_are_no_records(client: Client, dataset_id: str) -> None:
    reply = append_lines(client, dataset_id, [b"", b'{"a":1}\r', b"  ", b'{"b":2}', b""])
    assert reply.json["count"] == 2
    listed = client(list_records.handler, path={"dataset_id": dataset_id}, headers=AS_LINES)
    assert listed.body == b'{"a":1}\n{"b":2}\n'


def test_pages_of_lines_follow_each_other_by_their_headers(client: Client, dataset_id: str) -> None:
    lines = [b'{"n":%d}' % number for number in range(5)]
    append_lines(client, dataset_id, lines)
    path = {"dataset_id": dataset_id}
    first = client(list_records.handler, path=path, query={"limit": "3"}, headers=AS_LINES)
    cursor = first.headers["X-Next-Cursor"]
    assert first.headers["Link"].startswith("<?ref=main&limit=3&cursor=")
    assert first.headers["Link"].endswith('>; rel="next"')
    query = {"limit": "3", "cursor": cursor}
    second = client(list_records.handler, path=path, query=query, headers=AS_LINES)
    assert first.body + second.body == b"".join(line + b"\n" for line in lines)
    assert "Link" not in second.headers


@pytest.mark.parametrize(
    ("accept", "is_lines"),
    [
        (NDJSON, True),
        (f"{NDJSON}, */*", True),
        ("Application/X-NDJSON;q=0.5", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        (f"application/json, {NDJSON}", False),
    ],
)
def test_the_first_accepted_type_decides(
    client: Client, dataset_id: str, accept: str, is_lines: bool
) -> None:
    headers = {"Accept": accept}
    reply = client(list_records.handler, path={"dataset_id": dataset_id}, headers=headers)
    assert reply.headers.get("Content-Type", NDJSON) == (NDJSON if is_lines else "application/json")


def test_a_deleted_record_is_gone(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id, "record_id": "a/b"}
    client(
        append.handler,
        path={"dataset_id": dataset_id},
        json_body={"records": [{"id": "a/b", "data": {}}]},
    )
    removed = client(delete.handler, path=path)
    assert (removed.status, removed.body) == (204, b"")
    assert client(get.handler, path=path).status == 404
    assert client(delete.handler, path=path).status in {204, 404}


def test_a_page_that_lambda_could_not_return_is_cut(client: Client, dataset_id: str) -> None:
    # All quotes: 4 MB of these take 8 MB within Lambda's JSON.
    lines = [b'{"s":"%s"}' % (b'\\"' * 240_000) for _ in range(8)]
    append_lines(client, dataset_id, lines)
    path = {"dataset_id": dataset_id}
    got, cursor = 0, None
    for _ in range(8):
        page = client(
            list_records.handler, path=path, query={} if cursor is None else {"cursor": cursor}
        )
        assert page.status == 200
        assert len(json.dumps(page.body.decode())) <= RESPONSE_BYTES_MAX + 100
        got += len(page.json["data"])
        cursor = page.json["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert got == 8


def test_a_record_that_fits_no_json_reply_fits_one_of_lines(
    client: Client, dataset_id: str
) -> None:
    line = b'{"s":"%s"}' % (b'\\"' * 1_900_000)
    (record_id,) = append_lines(client, dataset_id, [line]).json["ids"]
    path = {"dataset_id": dataset_id, "record_id": record_id}
    refused = client(get.handler, path=path)
    assert (refused.status, refused.json["code"]) == (413, "too_large")
    assert NDJSON in refused.json["detail"]
    assert client(get.handler, path=path, headers=AS_LINES).body == line + b"\n"


def test_an_append_with_a_key_is_carried_out_once(client: Client, dataset_id: str) -> None:
    headers = {"Idempotency-Key": "append-1"}
    first = append_lines(client, dataset_id, [b'{"a":1}'], headers=headers)
    again = append_lines(client, dataset_id, [b'{"a":1}'], headers=headers)
    other = append_lines(client, dataset_id, [b'{"a":2}'], headers=headers)
    client(create_branch.handler, path={"dataset_id": dataset_id}, json_body={"name": "other"})
    elsewhere = append_lines(
        client, dataset_id, [b'{"a":1}'], headers=headers, query={"branch": "other"}
    )
    assert again.json == first.json
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert (elsewhere.status, elsewhere.json["code"]) == (409, "conflict")


def test_a_batch_of_records_comes_in_one_reply(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    texts = {"a": b'{"n":1.0}', "b/c": b'{"n":2}'}
    envelope = b",".join(b'{"id":"%s","data":%s}' % (i.encode(), t) for i, t in texts.items())
    client(
        append.handler,
        path=path,
        body=b'{"records":[' + envelope + b"]}",
        headers={"Content-Type": "application/json"},
    )
    body = {"ids": ["b/c", "none", "a"]}
    reply = client(batch_get.handler, path=path, json_body=body)
    assert reply.status == 200
    assert [each["id"] for each in reply.json["data"]] == ["b/c", "a"]
    assert b'"data":{"n":1.0}' in reply.body, "verbatim"
    assert (reply.json["missing"], reply.json["remaining"]) == (["none"], [])
    lines = client(batch_get.handler, path=path, json_body=body, headers={"Accept": NDJSON})
    assert lines.body == b'{"n":2}\n{"n":1.0}\n'
    assert (lines.headers["X-Missing"], "X-Remaining" in lines.headers) == ("1", False)


@pytest.mark.parametrize(
    ("ids", "field"),
    [([], "ids"), (["x"] * 101, "ids"), (["a", "b", "a"], "ids/2"), (["a", ""], "ids/1")],
)
def test_a_batch_names_what_is_wrong_with_it(
    client: Client, dataset_id: str, ids: list[str], field: str
) -> None:
    reply = client(batch_get.handler, path={"dataset_id": dataset_id}, json_body={"ids": ids})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("accept", ["application/json", NDJSON])
def test_a_batch_that_would_not_fit_gives_the_rest_back(
    client: Client, dataset_id: str, accept: str
) -> None:
    """A backslash is two bytes in JSON within Lambda's JSON, so 4 MB of them are over 6 MB."""
    path = {"dataset_id": dataset_id}
    for number in range(4):
        record = {"id": f"r{number}", "data": {"t": "\\" * 500_000}}
        client(append.handler, path=path, json_body={"records": [record]})
    asked, got, rounds = [f"r{number}" for number in range(4)], 0, 0
    while asked:
        rounds += 1
        body = {"ids": asked}
        reply = client(batch_get.handler, path=path, json_body=body, headers={"Accept": accept})
        assert reply.status == 200
        if accept == NDJSON:
            got += len(reply.body.splitlines())
            left = reply.headers.get("X-Remaining", "")
            asked = [asked[int(at)] for at in left.split(",") if at]
        else:
            got += len(reply.json["data"])
            asked = reply.json["remaining"]
    assert got == 4
    assert rounds > 1 or accept == NDJSON


def test_records_are_counted_and_their_history_is_told(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}
    record = {"id": "a/b", "data": {"n": 1}}
    client(append.handler, path=path, json_body={"records": [record]})
    first = client(create_commit.handler, path=path, json_body={}).json["id"]
    client(append.handler, path=path, json_body={"records": [{"id": "c", "data": {}}]})
    counted = client(count.handler, path=path).json
    assert (counted["records"], counted["staged"], counted["commit"]) == (2, 1, first)
    assert client(count.handler, path=path, query={"ref": first[:8]}).json["records"] == 1
    reply = client(list_history.handler, path=path | {"record_id": "a/b"})
    (event,) = reply.json["data"]
    assert (event["kind"], event["commit"], event["author"]) == ("added", first, "ada")
    assert event["_links"]["record"]["href"].endswith(f"/records/a%2Fb?ref={first}")
    assert client(list_history.handler, path=path | {"record_id": "c"}).json["data"] == []


def test_an_expected_version_is_kept_to(client: Client, dataset_id: str) -> None:
    path = {"dataset_id": dataset_id}

    def put(number: int, **expected: object) -> Reply:
        record = {"id": "a", "data": {"n": number}, **expected}
        body = {"records": [{"id": "other", "data": {}}, record]}
        return client(append.handler, path=path, json_body=body)

    assert put(1, expected_version=None).status == 201
    late = put(2, expected_version=None)
    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert [each["field"] for each in late.json["errors"]] == ["records/1"]
    etag = client(get.handler, path=path | {"record_id": "a"}).json["etag"]
    assert put(3).status == 201, "what expects nothing is as it was"
    assert put(4, expected_version=etag).status == 412
    place = path | {"record_id": "a"}
    refused = client(delete.handler, path=place, query={"expected_version": etag})
    assert (refused.status, refused.json["errors"][0]["field"]) == (412, "expected_version")
    etag = client(get.handler, path=place).json["etag"]
    assert client(delete.handler, path=place, query={"expected_version": etag}).status == 204
