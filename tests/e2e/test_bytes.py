"""What goes in comes out, byte for byte, under whatever id it has."""

import json

import pytest

from datavault.local.session import Session
from tests.e2e.deployment import API, Deployment, Person, Shelf
from tests.support.http import JSON, NDJSON, Call, segment

MIB = 2**20

# As lines they are kept exactly.
TEXTS = {
    "huge": '{"n":1e400}',
    "tiny": '{"n":-1E-400}',
    "long": '{"n":123456789012345678901234567890}',
    "digits": f'{{"n":0.{"1234567890" * 60}}}',
    "longer": f'{{"n":{"9" * 5000}}}',
    "one": '{"n":1}',
    "one point": '{"n":1.0}',
    "one power": '{"n":1E+0}',
    "zero": '{"n":0}',
    "minus zero": '{"n":-0}',
    "minus zero point": '{"n":-0.0}',
    "emoji": '{"t":"👩🏽‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿"}',
    "right to left": '{"שלום":"مرحبا\u200f بالعالم"}',
    "combining": '{"e\u0301":"é","é":"e\u0301"}',
    "ends of planes": '{"t":"\uffff\U00010000\U0010ffff\ufdd0\ufeff"}',
    "separators": '{"t":"\u2028\u2029\u0085\u00a0"}',
    "replacement": '{"t":"\ufffd"}',
    "delete": '{"t":"\x7f\x80"}',
    "escapes": r'{"t":"\u00e9\n\/\\\"\b\f\r\t\ud83d\ude00\u2028","\u0061":1}',
    "order": '{"b":1,"a":2,"B":3,"":4}',
    "space": '{ "b" : [ 1 ,\t2 ] , "a" : { } }',
    "nothing": "{}",
    "deep": '{"a":' * 99 + "{}" + "}" * 99,
    "sealed apart": '{"t":"' + "ü" * 5000 + '"}',
    "true": '{"a":true,"b":false,"c":null}',
    "html": '{"t":"<script>&amp;</script>"}',
}

# In byte order, so that a list has them so.
IDS = sorted(
    (
        ".",
        "..",
        "...",
        "a/b",
        "/",
        "a//b/",
        "100%",
        "%41",
        "%2F",
        "a?b=c&d",
        "a#b",
        "a+b",
        "a b",
        " a ",
        "a;b=c",
        "A",
        "a",
        "'\"<>\\",
        "{record_id}",
        "tab\tand\nline",
        "\x01\x7f",
        "ключ",
        "日本語/キー",
        "e\u0301",
        "é",
        "👩🏽‍🚀",
        "\ufeffa",
        "\U0010ffff",
        "é" * 256,
        "x" * 512,
        "a@b.example:80",
        "null",
        "0",
        "-0",
    ),
    key=str.encode,
)


def test_lines_come_back_as_sent(shelf: Shelf) -> None:
    ids = shelf.append_lines("\n".join(TEXTS.values()).encode())["ids"]
    expected = {name: text.encode() for name, text in zip(ids, TEXTS.values(), strict=True)}
    for ref in ("main", shelf.commit()["id"]):
        for name, line in expected.items():
            assert shelf.record(name, ref=ref).content == line + b"\n"
        assert shelf.lines(ref=ref) == [expected[name] for name in sorted(expected)]


def test_only_the_space_around_a_record_is_lost(shelf: Shelf) -> None:
    lines = b' \t{"n": 1} \r\n\r\n{"n":\t2}'
    first, second = shelf.append_lines(lines)["ids"]
    assert shelf.record(first).content == b'{"n": 1}\n'
    assert shelf.record(second).content == b'{"n":\t2}\n'


@pytest.fixture(scope="module")
def shared(deployed: Deployment) -> Shelf:
    """A dataset with a record for each text and each id: on main committed, on side staged."""
    shelf = deployed.tenant().admin.dataset()
    records = TEXTS | dict.fromkeys(IDS, '{"n":1}')
    assert len(records) == len(TEXTS) + len(IDS)
    shelf.branch("side")
    for branch in ("main", "side"):
        shelf.append(records, branch=branch)
    shelf.commit()
    return shelf


@pytest.mark.parametrize("name", TEXTS)
def test_json_comes_back_compact_and_otherwise_as_sent(name: str, shared: Shelf) -> None:
    text = TEXTS[name]
    compact = '{"b":[1,2],"a":{}}' if name == "space" else text
    for ref in ("main", "side"):
        assert shared.record(name, ref=ref).content.decode() == compact + "\n"
        envelope = shared.person.get(f"{shared.path}/records/{segment(name)}?ref={ref}")
        assert f'"data":{compact},"etag"' in envelope.content.decode()


def test_a_list_in_json_has_records_as_sent(shared: Shelf) -> None:
    listed = shared.person.get(f"{shared.path}/records?limit=1000").content.decode()
    for name, text in TEXTS.items():
        if name != "space":
            assert f'"data":{text},"etag"' in listed


def test_numbers_that_are_equal_and_written_otherwise_are_other_records(shelf: Shelf) -> None:
    shelf.append({"r": '{"n":1}'})
    shelf.commit()
    shelf.append({"r": '{"n":1.0}'})
    assert shelf.commit()["changed"] == 1
    shelf.append({"r": '{"n":1.0}'})
    assert shelf.commit()["changed"] == 0
    assert shelf.record("r").content == b'{"n":1.0}\n'


@pytest.mark.parametrize("record_id", IDS)
def test_an_id_is_found_as_it_was_given(record_id: str, shared: Shelf) -> None:
    assert shared.record(record_id).content == b'{"n":1}\n'
    path = f"{API}{shared.path}/records/{segment(record_id)}?ref=main"
    reply = shared.person.ok(Call("GET", path)).json()
    assert (reply["id"], reply["data"], reply["staged"]) == (record_id, {"n": 1}, False)
    assert shared.person.ok(Call("GET", reply["_links"]["self"]["href"])).json() == reply
    assert shared.record(record_id, ref="side").status == 200
    assert shared.remove(record_id, branch="side").status == 204
    assert shared.record(record_id, ref="side").status == 404
    assert shared.remove(record_id, branch="side").status == 404
    assert shared.record(record_id).status == 200


def test_ids_are_listed_in_the_order_of_their_bytes(shelf: Shelf) -> None:
    shelf.append({name: json.dumps({"id": name}) for name in IDS})
    for staged in (True, False):
        data = shelf.person.get(f"{shelf.path}/records?limit=1000").json()["data"]
        assert [row["id"] for row in data] == [row["data"]["id"] for row in data] == IDS
        assert {row["staged"] for row in data} == {staged}
        for row in data:
            assert shelf.person.send(Call("GET", row["_links"]["self"]["href"])).status == 200
        if staged:
            shelf.commit()


@pytest.mark.parametrize(
    ("value", "record_id"),
    [
        ('"a"', "a"),
        (r'"\u0061\/"', "a/"),
        ("17", "17"),
        ("-0", "-0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_the_record_key_names_the_id(value: str, record_id: str, admin: Person) -> None:
    shelf = admin.dataset(record_key="the key/~")
    line = f'{{"n":1,"the key/~":{value}}}'.encode()
    assert shelf.append_lines(line)["ids"] == [record_id]
    assert shelf.record(record_id).content == line + b"\n"


@pytest.mark.parametrize("value", ["1.5", "1.0", "true", "null", "[]", "{}", '""', '"\\u0000"'])
def test_a_record_key_of_another_kind_is_refused(value: str, admin: Person) -> None:
    shelf = admin.dataset(record_key="id")
    line = b'{"id":"good"}\n{"id":%b}' % value.encode()
    path = f"{API}{shelf.path}/records"
    reply = admin.send(Call("POST", path, line, {"Content-Type": NDJSON}))
    assert (reply.status, reply.code) == (422, "invalid")
    assert "line 2" in reply.content.decode()
    assert shelf.lines() == []


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_the_largest_record_goes_in_and_out(media_type: str, shelf: Shelf) -> None:
    # Quotes are the worst a gateway can be given: as text they would count twice.
    line = b'{"t":"' + b'\\"' * (2 * MIB - 4) + b'"}'
    assert len(line) == 4 * MIB
    body = b'{"records":[{"id":"r","data":%b}]}' % line if media_type == JSON else line
    path = f"{API}{shelf.path}/records"
    made = shelf.person.send(Call("POST", path, body, {"Content-Type": media_type}))
    assert made.status == 201, made.content
    for ref in ("main", shelf.commit()["id"]):
        assert shelf.record(made.json()["ids"][0], ref=ref).content == line + b"\n"
        assert shelf.lines(ref=ref) == [line]
    # In an envelope each quote is escaped once more, and Lambda returns 6 MB at most.
    enveloped = shelf.person.get(f"{shelf.path}/records")
    assert (enveloped.status, enveloped.code) == (413, "too_large")
    assert NDJSON in enveloped.json()["detail"]


def test_a_page_ends_where_the_reply_is_full(shelf: Shelf) -> None:
    text = '{"t":"%s"}' % ('\\"' * 750_000)
    for number in range(4):
        shelf.append({str(number): text})
    page = shelf.person.get(f"{shelf.path}/records?limit=1000").json()
    assert 1 <= len(page["data"]) < 4
    assert page["pagination"]["has_more"]
    assert shelf.lines() == [text.encode()] * 4


@pytest.mark.parametrize("record_id", [".", "..", "a/../b"])
def test_a_client_that_tidies_paths_finds_the_record_too(record_id: str, shelf: Shelf) -> None:
    shelf.append({record_id: '{"n":1}'})
    session = Session(shelf.person.tenant.deployment.api_url, shelf.person.token)
    assert session.record(shelf.id, record_id) == b'{"n":1}'
    (row,) = session.call("GET", f"/datasets/{shelf.id}/records")["data"]
    assert session.send("GET", row["_links"]["self"]["href"]).json()["id"] == record_id
