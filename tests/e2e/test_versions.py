"""Versions: what was committed stays as it was; what is staged is seen on its branch alone."""

from collections.abc import Callable
from typing import Any

import pytest

from datavault.contracts.operations import Operation, operation
from tests.e2e.calls import call, furnish
from tests.e2e.deployment import API, Person, Shelf, Tenant
from tests.support.http import JSON, Call, Reply


def test_a_record_is_read_at_a_branch_a_commit_and_a_prefix(shelf: Shelf) -> None:
    shelf.append({"r": '{"v":1}'})
    first = shelf.commit("first")["id"]
    shelf.append({"r": '{"v":2}'})
    second = shelf.commit("second")["id"]
    shelf.append({"r": '{"v":3}'})
    expected = {first: 1, first[:8]: 1, second: 2, second[:20]: 2, "main": 3}
    for ref, version in expected.items():
        assert shelf.record("r", ref=ref).content == b'{"v":%d}\n' % version
        assert shelf.lines(ref=ref) == [b'{"v":%d}' % version]
    for ref in (first, first[:8]):
        found = shelf.person.get(f"{shelf.path}/commits/{ref}").json()
        assert (found["id"], found["message"], found["records"]) == (first, "first", 1)


def test_the_log_says_what_each_commit_did(shelf: Shelf) -> None:
    shelf.append({"a": "{}", "b": "{}"})
    shelf.commit("two")
    shelf.append({"a": '{"n":1}', "b": "{}", "c": "{}"})
    shelf.remove("b")
    shelf.commit("mixed")
    log = shelf.log()
    assert [row["message"] for row in log] == ["mixed", "two", "Create the dataset"]
    counts = [
        tuple(row[name] for name in ("records", "added", "changed", "removed")) for row in log
    ]
    assert counts == [(2, 1, 1, 1), (2, 2, 0, 0), (0, 0, 0, 0)]
    assert [row["parents"] for row in log] == [[log[1]["id"]], [log[2]["id"]], []]
    assert {row["author"] for row in log} == {"admin"}


def test_the_same_content_has_the_same_root_however_it_came(admin: Person) -> None:
    shelf = admin.dataset()
    shelf.append({"a": "1".join(['{"n":', "}"]), "b": "{}"})
    first = shelf.commit()
    shelf.append({"c": "{}"})
    shelf.remove("a")
    shelf.commit()
    shelf.append({"a": '{"n":1}'})
    shelf.remove("c")
    third = shelf.commit()
    assert (third["root"], third["id"] == first["id"]) == (first["root"], False)


def test_a_deleted_record_is_gone_at_once_and_from_the_next_version(shelf: Shelf) -> None:
    shelf.append({"a": "{}", "b": "{}"})
    first = shelf.commit()["id"]
    assert shelf.remove("a").status == 204
    assert shelf.record("a").status == 404
    second = shelf.commit()
    assert (second["records"], second["removed"]) == (1, 1)
    assert [shelf.record("a", ref=ref).status for ref in ("main", second["id"], first)] == [
        404,
        404,
        200,
    ]


def test_what_is_staged_and_deleted_again_leaves_nothing(shelf: Shelf) -> None:
    shelf.append({"a": "{}"})
    shelf.remove("a")
    assert shelf.lines() == []
    assert shelf.commit()["records"] == 0


def test_of_several_changes_the_last_counts(shelf: Shelf) -> None:
    for number in range(5):
        shelf.append({"a": f'{{"n":{number}}}'})
    shelf.remove("a")
    shelf.append({"a": '{"n":"last"}'})
    assert shelf.record("a").content == b'{"n":"last"}\n'
    assert shelf.lines(ref=shelf.commit()["id"]) == [b'{"n":"last"}']


def test_staged_changes_are_seen_on_their_branch_at_once_and_on_no_other(shelf: Shelf) -> None:
    shelf.append({"a": '{"on":"both"}'})
    shelf.commit()
    shelf.append({"b": '{"on":"main"}'})
    shelf.branch("side")
    assert shelf.record("b", ref="side").status == 404
    shelf.append({"a": '{"on":"side"}'}, branch="side")
    shelf.remove("a")
    assert shelf.lines() == [b'{"on":"main"}']
    assert shelf.lines(ref="side") == [b'{"on":"side"}']


def test_branches_go_their_own_ways(shelf: Shelf) -> None:
    shelf.append({"a": '{"n":0}'})
    base = shelf.commit("base")["id"]
    shelf.append({"a": '{"n":1}'})
    main = shelf.commit("main")["id"]
    assert shelf.branch("old", start=base[:12])["commit"] == base
    assert shelf.lines(ref="old") == [b'{"n":0}']
    shelf.append({"a": '{"n":2}'}, branch="old")
    old = shelf.commit("old", branch="old")
    assert old["parents"] == [base]
    assert [row["message"] for row in shelf.log(ref="old")][:2] == ["old", "base"]
    assert [row["message"] for row in shelf.log()][:2] == ["main", "base"]
    assert (shelf.lines(ref=main), shelf.lines(ref="old")) == ([b'{"n":1}'], [b'{"n":2}'])
    assert shelf.branch("older", start="old")["commit"] == old["id"]


def test_a_deleted_branch_is_gone_its_commits_are_not_and_its_name_is_free(shelf: Shelf) -> None:
    shelf.branch("side")
    shelf.append({"a": "{}"}, branch="side")
    commit = shelf.commit(branch="side")["id"]
    shelf.append({"b": "{}"}, branch="side")
    assert shelf.person.delete(f"{shelf.path}/branches/side").status == 204
    assert shelf.person.delete(f"{shelf.path}/branches/side").status == 404
    assert shelf.person.get(f"{shelf.path}/records?ref=side").status == 404
    assert shelf.lines(ref=commit) == [b"{}"]
    shelf.branch("side", start=commit)
    assert shelf.lines(ref="side") == [b"{}"]
    assert shelf.record("b", ref="side").status == 404


def test_with_nothing_staged_there_is_nothing_to_commit(shelf: Shelf) -> None:
    before = shelf.state()
    reply = shelf.person.post(f"{shelf.path}/commits", {})
    assert (reply.status, reply.code) == (409, "nothing_staged")
    assert "nothing is staged" in reply.json()["detail"]
    assert shelf.state() == before


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
def test_lists_come_in_pages_whole_and_in_order(limit: int, admin: Person) -> None:
    shelf = admin.dataset("1")
    for number in range(2, 8):
        admin.dataset(str(number))
        shelf.branch(f"branch-{number}")
        shelf.append({f"committed/{number}": f'{{"n":{number}}}'})
        shelf.commit(str(number))
        shelf.append({f"staged/{number}": f'{{"n":{number}}}'})
    lists: list[tuple[str, Callable[[Any], str], list[str]]] = [
        ("/datasets", lambda row: row["name"], [str(number) for number in range(1, 8)]),
        (
            f"{shelf.path}/branches",
            lambda row: row["name"],
            [*(f"branch-{number}" for number in range(2, 8)), "main"],
        ),
        (
            f"{shelf.path}/commits",
            lambda row: row["message"],
            [*map(str, range(7, 1, -1)), "Create the dataset"],
        ),
        (
            f"{shelf.path}/records",
            lambda row: row["id"],
            [f"{kind}/{number}" for kind in ("committed", "staged") for number in range(2, 8)],
        ),
    ]
    for path, name, expected in lists:
        assert [name(row) for row in _paged(admin, path, limit)] == expected
    ids = [row["id"] for row in _paged(admin, f"{shelf.path}/records?ref=branch-7", limit)]
    # What was staged for 6 was not committed when branch-7 was made.
    assert ids == expected[:5] + expected[6:10]
    assert len(shelf.lines(limit=limit)) == 12


def test_a_page_of_a_commit_does_not_move_with_its_branch(shelf: Shelf) -> None:
    shelf.append(dict.fromkeys("bdf", "{}"))
    commit = shelf.commit()["id"]
    path = f"{shelf.path}/records?ref={commit}&limit=1"
    first = shelf.person.get(path).json()
    shelf.append(dict.fromkeys("ace", "{}"))
    shelf.remove("d")
    shelf.commit()
    rest = shelf.person.send(Call("GET", first["_links"]["next"]["href"])).json()
    assert [row["id"] for page in (first, rest) for row in page["data"]] == ["b", "d"]


REPEATED = ["create_dataset", "append_records", "create_commit", "create_branch", "delete_record"]


@pytest.mark.parametrize("name", REPEATED)
def test_a_repeated_request_has_the_first_one_s_answer_and_no_effect(
    name: str, tenant: Tenant
) -> None:
    asked = _keyed(operation(name), tenant)
    first = tenant.admin.ok(asked)
    after = len(tenant.ledger())
    again = tenant.admin.ok(asked)
    assert (again.status, again.content) == (first.status, first.content)
    assert len(tenant.ledger()) == after


@pytest.mark.parametrize("name", ["create_dataset", "append_records", "create_commit"])
def test_a_key_used_for_other_contents_is_a_conflict(name: str, tenant: Tenant) -> None:
    asked = _keyed(operation(name), tenant)
    tenant.admin.ok(asked)
    after = len(tenant.ledger())
    other = Call(asked.method, asked.path, (asked.body or b"") + b" ", asked.headers)
    reply = tenant.admin.send(other)
    assert (reply.status, reply.code) == (409, "conflict")
    assert "Idempotency-Key" in reply.content.decode()
    assert len(tenant.ledger()) == after


def test_a_key_is_one_caller_s_own(tenant: Tenant) -> None:
    place = furnish(tenant.admin)
    asked = call(operation("append_records"), place).with_headers(Idempotency_Key="k")
    one, two = (tenant.person(role).ok(asked).json() for role in ("admin", "writer"))
    assert one["ids"] != two["ids"]


def test_a_repeated_commit_is_the_first_one_though_more_is_staged(shelf: Shelf) -> None:
    shelf.append({"a": "{}"})

    def commit(key: str) -> Reply:
        return shelf.person.post(f"{shelf.path}/commits", {}, Idempotency_Key=key)

    first = commit("1")
    shelf.append({"b": "{}"})
    assert commit("1").json() == first.json()
    assert commit("2").json()["parents"] == [first.json()["id"]]


def test_an_append_of_many_is_repeated_too(shelf: Shelf) -> None:
    records = b",".join(b'{"data":{"n":%d,"t":"%b"}}' % (at, b"x" * 50) for at in range(1000))
    headers = {"Content-Type": JSON, "Idempotency-Key": "many"}
    asked = Call("POST", f"{API}{shelf.path}/records", b'{"records":[%b]}' % records, headers)
    first, again = (shelf.person.ok(asked).json() for _ in range(2))
    assert first == again
    assert len(shelf.lines()) == len(set(first["ids"])) == 1000


def _keyed(row: Operation, tenant: Tenant) -> Call:
    return call(row, furnish(tenant.admin)).with_headers(Idempotency_Key=f"key-{row.name}")


def _paged(person: Person, path: str, limit: int) -> list[Any]:
    """All rows of a list, by following its links."""
    found: list[Any] = []
    joint = "&" if "?" in path else "?"
    following = f"{API}{path}{joint}limit={limit}"
    while following:
        page = person.ok(Call("GET", following)).json()
        assert len(page["data"]) <= limit
        found += page["data"]
        pagination = page["pagination"]
        assert pagination["has_more"] is (pagination["next_cursor"] is not None)
        following = page["_links"]["next"]["href"] if pagination["has_more"] else ""
    return found
