"""What is not acceptable is refused with its reason, leaves no trace and is never repeated."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.e2e.deployment import API, Deployment, Shelf
from tests.support.http import JSON, NDJSON, Call, Reply

# Nobody but these tests says this; what comes back must not.
CANARY = f"canary-{os.urandom(4).hex()}"
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """A bad request below a dataset, and what its refusal has to say.

    ``says`` is what the problem names: a field, a bound, a size.
    """

    name: str
    status: int
    code: str
    says: tuple[str, ...]
    path: str = "/records"
    method: str = "POST"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})

    def call(self, dataset_path: str) -> Call:
        root = f"{API}/datasets" if self.path.startswith("^") else f"{API}{dataset_path}"
        return Call(self.method, root + self.path.removeprefix("^"), self.body, self.headers)


LINES = {"Content-Type": NDJSON}


def record(text: bytes) -> bytes:
    """A body of one record."""
    return b'{"records":[{"data":%b}]}' % text


def with_id(text: str) -> bytes:
    """A body of one record with an id beside it, in JSON's own escapes."""
    return b'{"records":[{"id":"%b","data":{"t":"%b"}}]}' % (text.encode(), CANARY.encode())


def deep(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b'{"t":"%b"}' % CANARY.encode() + b"}" * (levels - 1)


def sized(size: int) -> bytes:
    """A record of so many bytes."""
    return b'{"t":"' + CANARY.encode().ljust(size - 8, b"x") + b'"}'


C = CANARY.encode()
SEEN = b'{"t":"%b"}' % C

JSON_TEXTS = [
    Case("no body", 400, "malformed", ("body", "empty"), body=b""),
    Case("no JSON", 400, "malformed", ("body", "at byte"), body=b'{"records": %b}' % C),
    Case("cut JSON", 400, "malformed", ("body",), body=b'{"records": [{"data": {"t": "%b' % C),
    Case("two texts", 400, "malformed", ("body",), body=record(SEEN) * 2),
    Case("NaN", 400, "malformed", ("body",), body=record(b'{"t":NaN,"u":"%b"}' % C)),
    Case("no object", 422, "invalid", ("body",), body=b'["%b"]' % C),
    Case("a number", 422, "invalid", ("body",), body=b"17"),
    Case("a key twice", 422, "invalid", ("twice",), body=b'{"records":[],"records":["%b"]}' % C),
    Case("no records", 422, "invalid", ("records", "required"), body=b"{}"),
    Case("empty records", 422, "invalid", ("records", "at least 1"), body=b'{"records":[]}'),
    Case("records of a kind", 422, "invalid", ("records",), body=b'{"records":"%b"}' % C),
    Case("a record of a kind", 422, "invalid", ("records/0",), body=b'{"records":["%b"]}' % C),
    Case("no data", 422, "invalid", ("records/0/data",), body=b'{"records":[{"id":"%b"}]}' % C),
    Case(
        "unknown field",
        422,
        "invalid",
        ("colour", "not known"),
        body=b'{"colour":"%b","records":[{"data":{}}]}' % C,
    ),
    Case(
        "unknown field of a record",
        422,
        "invalid",
        ("records/0/colour", "not known"),
        body=b'{"records":[{"colour":"%b","data":{}}]}' % C,
    ),
    Case(
        "1001 records",
        422,
        "invalid",
        ("records", "1000", "1001"),
        body=b'{"records":[%b]}' % b",".join([b'{"data":%b}' % SEEN] * 1001),
    ),
    Case(
        "a batch over 4 MiB",
        413,
        "too_large",
        ("records", f"{4 * MIB}", f"{4 * MIB + 2}"),
        body=b'{"records":[{"data":%b},{"data":%b}]}' % (sized(2 * MIB), sized(2 * MIB + 2)),
    ),
    Case(
        "a record over 4 MiB",
        413,
        "too_large",
        (f"{4 * MIB}", f"{4 * MIB + 1}"),
        body=record(sized(4 * MIB + 1)),
    ),
    Case(
        "a body over its bound",
        413,
        "too_large",
        ("body", f"{4 * MIB + 256 * 1024}"),
        body=record(SEEN) + b" " * (4 * MIB + 256 * 1024),
    ),
    Case("a body over the gateway's", 413, "too_large", ("10 MB",), body=C * MIB),
    Case("invalid UTF-8", 400, "malformed", ("UTF-8",), body=record(b'{"t":"%b\xff"}' % C)),
    Case(
        "invalid UTF-8 of no type",
        400,
        "malformed",
        ("UTF-8", "Content-Type"),
        body=record(b'{"t":"%b\xff"}' % C),
        headers={},
    ),
    Case("a lone surrogate", 400, "malformed", ("body",), body=record(b'{"t":"%b\\ud83d"}' % C)),
    Case("NUL", 422, "invalid", ("records/0/data", "NUL"), body=record(b'{"t":"%b\\u0000"}' % C)),
    Case("NUL in a key", 422, "invalid", ("NUL",), body=record(b'{"%b\\u0000":1}' % C)),
    Case("a raw NUL", 400, "malformed", ("body",), body=record(b'{"t":"%b\0"}' % C)),
    Case("nesting 101", 422, "invalid", ("100", "101"), body=record(deep(101))),
    Case("nesting 50000", 422, "invalid", ("100",), body=record(deep(50_000))),
    Case("array for a record", 422, "invalid", ("records/0/data",), body=record(b'["%b"]' % C)),
    Case("text for a record", 422, "invalid", ("records/0/data",), body=record(b'"%b"' % C)),
    Case(
        "a record's key twice",
        422,
        "invalid",
        ("records/0/data", "fields 1 and 3 of 3"),
        body=record(b'{"t":"%b","u":1,"\\u0074":2}' % C),
    ),
    Case(
        "an inner key twice",
        422,
        "invalid",
        ("records/0/data", "twice"),
        body=record(b'{"a":[{"%b":1,"%b":2}]}' % (C, C)),
    ),
    Case(
        "ids twice",
        422,
        "invalid",
        ("records 0 and 1", "same id"),
        body=b'{"records":[{"id":"%b","data":{}},{"id":"%b","data":{}}]}' % (C, C),
    ),
    Case(
        "the second of two",
        422,
        "invalid",
        ("records/1/data",),
        body=b'{"records":[{"data":%b},{"data":[]}]}' % SEEN,
    ),
    Case(
        "an id of 513 bytes",
        422,
        "invalid",
        ("records/0", "id", "512", "513"),
        body=with_id("é" * 256 + "e"),
    ),
    Case("an empty id", 422, "invalid", ("records/0", "id", "512", "0"), body=with_id("")),
    Case(
        "an id with NUL",
        422,
        "invalid",
        ("records/0", "id", "NUL"),
        body=with_id(f"{CANARY}\\u0000"),
    ),
    Case("an id that is none", 400, "malformed", ("body",), body=with_id(f"{CANARY}\\ud800")),
    Case(
        "an id of a kind",
        422,
        "invalid",
        ("records/0/id",),
        body=b'{"records":[{"id":17,"data":{}}]}',
    ),
    Case(
        "a branch of another form",
        422,
        "invalid",
        ("branch", "letters, digits"),
        body=b'{"branch":"%b ..","records":[{"data":{}}]}' % C,
    ),
    Case(
        "a branch that is not there",
        404,
        "not_found",
        ("branch",),
        body=b'{"branch":"%b","records":[{"data":{}}]}' % C,
    ),
    Case(
        "a branch twice",
        422,
        "invalid",
        ("branch",),
        path="/records?branch=main",
        body=record(SEEN),
    ),
    Case(
        "a form",
        400,
        "malformed",
        ("Content-Type", JSON),
        body=record(SEEN),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Case(
        "text",
        400,
        "malformed",
        ("Content-Type", NDJSON),
        body=record(SEEN),
        headers={"Content-Type": "text/plain"},
    ),
    Case(
        "another charset",
        400,
        "malformed",
        ("UTF-8",),
        body=record(SEEN),
        headers={"Content-Type": f"{JSON}; charset=latin-1"},
    ),
    Case(
        "a long idempotency key",
        422,
        "invalid",
        ("Idempotency-Key", "128"),
        body=record(SEEN),
        headers={"Idempotency-Key": f"{CANARY:x<129}"},
    ),
    Case(
        "an idempotency key with a space",
        422,
        "invalid",
        ("Idempotency-Key", "ASCII"),
        body=record(SEEN),
        headers={"Idempotency-Key": f"{CANARY} {CANARY}"},
    ),
    Case(
        "an empty idempotency key",
        422,
        "invalid",
        ("Idempotency-Key", "1 to"),
        body=record(SEEN),
        headers={"Idempotency-Key": ""},
    ),
]

LINE_TEXTS = [
    Case("no lines", 422, "invalid", ("body", "1000", "0"), body=b"\n \n", headers=LINES),
    Case(
        "a line that is no JSON",
        400,
        "malformed",
        ("line 2",),
        body=SEEN + b"\n%b\n" % C,
        headers=LINES,
    ),
    Case(
        "a line that is no object",
        422,
        "invalid",
        ("line 3",),
        body=SEEN + b'\n\n["%b"]\n' % C,
        headers=LINES,
    ),
    Case("two objects on a line", 400, "malformed", ("line 1",), body=SEEN + SEEN, headers=LINES),
    Case(
        "a line that is no UTF-8",
        400,
        "malformed",
        ("line 1", "UTF-8", "byte 6"),
        body=b'{"t":"\xed\xa0\x80%b"}' % C,
        headers=LINES,
    ),
    Case(
        "a byte order mark",
        400,
        "malformed",
        ("line 1",),
        body=b"\xef\xbb\xbf" + SEEN,
        headers=LINES,
    ),
    Case(
        "UTF-16", 400, "malformed", ("line 1",), body=SEEN.decode().encode("utf-16"), headers=LINES
    ),
    Case(
        "a lone surrogate in a line",
        400,
        "malformed",
        ("line 1",),
        body=b'{"t":"%b\\udc00"}' % C,
        headers=LINES,
    ),
    Case(
        "NUL in a line",
        422,
        "invalid",
        ("line 1", "NUL"),
        body=b'{"t":"%b\\u0000"}' % C,
        headers=LINES,
    ),
    Case("a deep line", 422, "invalid", ("line 1", "100", "101"), body=deep(101), headers=LINES),
    Case(
        "1001 lines",
        422,
        "invalid",
        ("body", "1000", "1001"),
        body=(SEEN + b"\n") * 1001,
        headers=LINES,
    ),
    Case(
        "lines over 4 MiB",
        413,
        "too_large",
        (f"{4 * MIB}", f"{4 * MIB + 2}"),
        body=sized(2 * MIB) + b"\n" + sized(2 * MIB + 2),
        headers=LINES,
    ),
    Case(
        "a line over 4 MiB",
        413,
        "too_large",
        (f"{4 * MIB}", f"{4 * MIB + 1}"),
        body=sized(4 * MIB + 1),
        headers=LINES,
    ),
    Case(
        "a key twice in a line",
        422,
        "invalid",
        ("line 1", "fields 1 and 2 of 2"),
        body=b'{"%b":1,"%b":2}' % (C, C),
        headers=LINES,
    ),
]

PATHS = [
    Case("another form of dataset", 422, "invalid", ("dataset_id", "ds_"), f"^/{CANARY}", "GET"),
    Case(
        "an id of 513 bytes in a path",
        422,
        "invalid",
        ("record_id", "512", "513"),
        f"/records/{CANARY:x<513}",
        "GET",
    ),
    Case("NUL in a path", 422, "invalid", ("record_id", "NUL"), f"/records/{CANARY}%00", "GET"),
    Case(
        "a surrogate in a path",
        400,
        "malformed",
        ("record_id", "UTF-8"),
        f"/records/{CANARY}%ED%A0%80",
        "GET",
    ),
    Case(
        "a stray percent", 400, "malformed", ("record_id", "%"), f"/records/{CANARY}%zz", "DELETE"
    ),
    Case(
        "a record that is not there",
        404,
        "not_found",
        ("record_id",),
        f"/records/{CANARY}",
        "DELETE",
    ),
    Case("a ref that is not there", 404, "not_found", ("branch",), f"/records?ref={CANARY}", "GET"),
    Case(
        "a ref of another form",
        422,
        "invalid",
        ("ref", "letters"),
        f"/records?ref={CANARY}~1",
        "GET",
    ),
    Case(
        "a long ref", 422, "invalid", ("ref", "128", "129"), f"/records?ref={CANARY:x<129}", "GET"
    ),
    Case(
        "a commit that is not there", 404, "not_found", ("commit",), "/commits/" + "0" * 64, "GET"
    ),
    Case("a short commit", 404, "not_found", ("commit_id", "8", "64"), "/commits/0000000", "GET"),
    Case(
        "unknown parameter",
        422,
        "invalid",
        ("colour", "not known"),
        f"/records?colour={CANARY}",
        "GET",
    ),
    Case(
        "unknown parameter of none",
        422,
        "invalid",
        ("colour", "no query"),
        f"?colour={CANARY}",
        "GET",
    ),
    Case(
        "a parameter twice",
        422,
        "invalid",
        ("ref", "2 times"),
        f"/records?ref=main&ref={CANARY}",
        "GET",
    ),
    Case("a limit of 0", 422, "invalid", ("limit", "at least 1"), "/records?limit=0", "GET"),
    Case(
        "a limit of 1001", 422, "invalid", ("limit", "at most 1000"), "/commits?limit=1001", "GET"
    ),
    Case(
        "a limit in words",
        422,
        "invalid",
        ("limit", "whole number"),
        f"/branches?limit={CANARY}",
        "GET",
    ),
    Case("a cursor of ours", 422, "invalid", ("cursor",), f"/records?cursor={CANARY}", "GET"),
    Case(
        "a cursor in UTF-8", 422, "invalid", ("cursor",), f"/records?cursor={CANARY}%C3%A9", "GET"
    ),
    Case(
        "a long cursor",
        422,
        "invalid",
        ("cursor", "4096", "4097"),
        f"/records?cursor={CANARY:x<4097}",
        "GET",
    ),
    Case("the default branch", 409, "conflict", ("branch", "default"), "/branches/main", "DELETE"),
    Case(
        "a branch to delete that is not there",
        404,
        "not_found",
        ("branch",),
        f"/branches/{CANARY}",
        "DELETE",
    ),
]

OTHER_BODIES = [
    Case("no name", 422, "invalid", ("name", "required"), "^", body=b"{}"),
    Case("a name that is taken", 409, "conflict", ("name",), "^", body=b'{"name":"shared"}'),
    Case("an empty name", 422, "invalid", ("name", "at least 1"), "^", body=b'{"name":""}'),
    Case(
        "a name of 257",
        422,
        "invalid",
        ("name", "256", "257"),
        "^",
        body=b'{"name":"%b"}' % C.ljust(257),
    ),
    Case("a name of a kind", 422, "invalid", ("name", "string"), "^", body=b'{"name":17}'),
    Case(
        "a name with a bell",
        422,
        "invalid",
        ("name", "control"),
        "^",
        body=b'{"name":"%b\\u0007"}' % C,
    ),
    Case("half a name", 422, "invalid", ("name",), "^", body=b'{"name":"%b\\ud800"}' % C),
    Case(
        "a description with NUL",
        422,
        "invalid",
        ("body", "NUL"),
        "^",
        body=b'{"name":"a","description":"%b\\u0000"}' % C,
    ),
    Case(
        "a label with NUL",
        422,
        "invalid",
        ("body", "NUL"),
        "^",
        body=b'{"name":"a","labels":{"%b\\u0000":""}}' % C,
    ),
    Case(
        "a record key with NUL",
        422,
        "invalid",
        ("body", "NUL"),
        "^",
        body=b'{"name":"a","record_key":"%b\\u0000"}' % C,
    ),
    Case(
        "a message with NUL",
        422,
        "invalid",
        ("body", "NUL"),
        "/commits",
        body=b'{"message":"%b\\u0000"}' % C,
    ),
    Case(
        "no JSON for a dataset", 400, "malformed", ("line 1 column",), "^", body=b'{"name":%b}' % C
    ),
    Case("no object for a dataset", 400, "malformed", ("object",), "^", body=b'["%b"]' % C),
    Case("a field twice", 422, "invalid", ("twice",), "^", body=b'{"name":"a","name":"%b"}' % C),
    Case("a deep dataset", 400, "malformed", ("nested",), "^", body=b"[" * 100_000),
    Case("digits", 400, "malformed", ("digits",), "^", body=b'{"name":%b}' % (b"9" * 5000)),
    Case(
        "an unknown field", 422, "invalid", ("colour",), "^", body=b'{"name":"a","colour":"%b"}' % C
    ),
    Case(
        "an unknown odd field",
        422,
        "invalid",
        ("characters",),
        "^",
        body=b'{"name":"a","%b!":1}' % C,
    ),
    Case(
        "a long description",
        422,
        "invalid",
        ("description", "4096", "4097"),
        "^",
        body=b'{"name":"a","description":"%b"}' % C.ljust(4097),
    ),
    Case(
        "17 labels",
        422,
        "invalid",
        ("labels", "16", "17"),
        "^",
        body=b'{"name":"a","labels":{%b}}' % b",".join(b'"%d":"%b"' % (at, C) for at in range(17)),
    ),
    Case(
        "a long label",
        422,
        "invalid",
        ("labels", "256", "257"),
        "^",
        body=b'{"name":"a","labels":{"%b":"%b"}}' % (C, C.ljust(257)),
    ),
    Case(
        "an empty record key",
        422,
        "invalid",
        ("record_key", "at least 1"),
        "^",
        body=b'{"name":"a","record_key":""}',
    ),
    Case(
        "lines for a dataset",
        400,
        "malformed",
        ("Content-Type", JSON),
        "^",
        body=b'{"name":"a"}',
        headers=LINES,
    ),
    Case(
        "a dataset over 256 KiB",
        413,
        "too_large",
        ("body", "262144"),
        "^",
        body=b'{"name":"a"}' + b" " * 262144,
    ),
    Case(
        "a dataset that is no UTF-8",
        400,
        "malformed",
        ("UTF-8",),
        "^",
        body=b'{"name":"%b\xff"}' % C,
    ),
    Case(
        "a long message",
        422,
        "invalid",
        ("message", "4096", "4097"),
        "/commits",
        body=b'{"message":"%b"}' % C.ljust(4097),
    ),
    Case(
        "half a message",
        422,
        "invalid",
        ("message",),
        "/commits",
        body=b'{"message":"%b\\udfff"}' % C,
    ),
    Case(
        "a commit of another branch",
        404,
        "not_found",
        ("branch",),
        "/commits",
        body=b'{"branch":"%b"}' % C,
    ),
    Case(
        "a commit's parents",
        422,
        "invalid",
        ("parents",),
        "/commits",
        body=b'{"parents":["%b"]}' % C,
    ),
    Case(
        "a branch like a commit",
        422,
        "invalid",
        ("name", "commit id"),
        "/branches",
        body=b'{"name":"deadbeef"}',
    ),
    Case(
        "a branch with dots", 422, "invalid", ("name",), "/branches", body=b'{"name":"%b..a"}' % C
    ),
    Case(
        "a branch of 129",
        422,
        "invalid",
        ("name", "128", "129"),
        "/branches",
        body=b'{"name":"%b"}' % C.ljust(129, b"x"),
    ),
    Case(
        "a branch from nowhere",
        404,
        "not_found",
        ("branch",),
        "/branches",
        body=b'{"name":"a","start":"%b"}' % C,
    ),
]

CASES = [*JSON_TEXTS, *LINE_TEXTS, *PATHS, *OTHER_BODIES]


@pytest.fixture(scope="module")
def shared(deployed: Deployment) -> Iterator[Shelf]:
    """A dataset for all refusals, of which none changes anything: record, commit or branch."""
    shelf = deployed.tenant().admin.dataset("shared")
    shelf.append({"committed": '{"n":1}'})
    shelf.commit()
    shelf.append({"staged": '{"n":2}'})
    before = shelf.state(), shelf.person.get("/datasets").json()
    yield shelf
    assert (shelf.state(), shelf.person.get("/datasets").json()) == before


@pytest.fixture(scope="module")
def entries(shared: Shelf) -> list[int]:
    """How many the ledger had when it was last looked at, which takes long."""
    return [len(shared.person.tenant.ledger())]


@pytest.fixture
def unchanged(shared: Shelf, entries: list[int]) -> Iterator[None]:
    """Nothing happens meanwhile: whatever is stored has its entry in the ledger."""
    yield
    entries.append(len(shared.person.tenant.ledger()))
    assert entries[-1] == entries[-2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.usefixtures("unchanged")
def test_a_bad_request_is_refused_with_its_reason(case: Case, shared: Shelf) -> None:
    reply = shared.person.send(case.call(shared.path))
    assert_refused(reply, case.status, case.code)
    for said in case.says:
        assert said in reply.content.decode()
    assert_not_repeated(reply)


def test_nothing_bad_was_logged_or_kept(shared: Shelf) -> None:
    deployed = shared.person.tenant.deployment
    for case in CASES:
        if len(case.body or b"") < MIB:
            shared.person.send(case.call(shared.path))
    logged = deployed.logs()
    assert b'"operation":"append_records"' in logged
    assert C not in logged
    for name in ("Catalog", "Staging", "Ledger"):
        assert CANARY not in repr(deployed.rows(name)), name


def assert_refused(reply: Reply, status: int, code: str) -> None:
    """It is a problem document of that code, that names the request."""
    problem = reply.json()
    assert (reply.status, problem["code"]) == (status, code), reply.content
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["correlation_id"] == reply.headers["x-correlation-id"]


def assert_not_repeated(reply: Reply) -> None:
    assert C not in reply.content
    assert CANARY not in repr(reply.headers)
