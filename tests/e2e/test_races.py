"""Races on the real adapters: what is acknowledged is there once, whoever came between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.e2e.deployment import Deployment, Shelf, Tenant
from tests.support.http import Reply
from tests.support.races import race


def test_writers_and_committers_on_one_branch_lose_and_double_nothing(
    deployed: Deployment,
) -> None:
    with deployed.vault() as vault:
        raced = race(vault, writers=8, committers=2, batches=8, sizes=(1, 4, 95))
    assert raced.batches == 8 * 8
    assert raced.commits >= 1


def test_of_two_commits_at_once_one_takes_all(shelf: Shelf) -> None:
    for turn in range(4):
        shelf.append({f"{turn}/{at}": "{}" for at in range(20)})
        before = len(shelf.log())
        answers = _at_once(
            [
                lambda: shelf.person.post(f"{shelf.path}/commits", {"message": "one"}),
                lambda: shelf.person.post(f"{shelf.path}/commits", {"message": "two"}),
            ]
        )
        assert sorted(reply.status for reply in answers) == [201, 409]
        made = next(reply.json() for reply in answers if reply.status == 201)
        assert (made["added"], made["records"]) == (20, 20 * (turn + 1))
        assert len(shelf.log()) == before + 1


def test_one_request_made_many_times_at_once_is_done_once(tenant: Tenant) -> None:
    def create() -> Reply:
        return tenant.admin.post("/datasets", {"name": "one"}, Idempotency_Key="k")

    answers = _at_once([create] * 3)
    assert {reply.status for reply in answers} == {201}
    assert len({reply.json()["id"] for reply in answers}) == 1
    shelf = Shelf(tenant.admin, answers[0].json()["id"])

    def append() -> Reply:
        body = {"records": [{"data": {"n": number}} for number in range(5)]}
        return tenant.admin.post(f"{shelf.path}/records", body, Idempotency_Key="l")

    answers = _at_once([append] * 3)
    assert {reply.status for reply in answers} == {201}
    assert len({tuple(reply.json()["ids"]) for reply in answers}) == 1
    assert len(shelf.lines()) == 5

    def commit() -> Reply:
        return tenant.admin.post(f"{shelf.path}/commits", {}, Idempotency_Key="m")

    answers = _at_once([commit] * 3)
    assert {reply.status for reply in answers} == {201}
    assert len({reply.content for reply in answers}) == 1
    assert len(shelf.log()) == 2


def test_a_name_is_taken_once(tenant: Tenant) -> None:
    answers = _at_once([lambda: tenant.admin.post("/datasets", {"name": "one"})] * 3)
    assert sorted(reply.status for reply in answers) == [201, 409, 409]
    assert len(tenant.admin.get("/datasets").json()["data"]) == 1
    shelf = Shelf(tenant.admin, tenant.admin.get("/datasets").json()["data"][0]["id"])
    answers = _at_once([lambda: tenant.admin.post(f"{shelf.path}/branches", {"name": "side"})] * 3)
    assert sorted(reply.status for reply in answers) == [201, 409, 409]


def test_a_record_is_deleted_by_all_who_want_it_gone(shelf: Shelf) -> None:
    shelf.append({"a": "{}"})
    answers = _at_once([lambda: shelf.remove("a")] * 3)
    assert {reply.status for reply in answers} <= {204, 404}
    assert 204 in {reply.status for reply in answers}
    assert shelf.lines() == []


def _at_once(calls: list[Callable[[], Reply]]) -> list[Reply]:
    """The answers of calls that start together."""
    ready = Barrier(len(calls))

    def start(call: Callable[[], Reply]) -> Reply:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))
