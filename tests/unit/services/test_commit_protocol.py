"""The commit protocol, step by step: what one fault at one place comes to."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest

from datavault.domain import keyspace
from datavault.domain.errors import Conflict, Corrupt, NotFound, Throttled
from datavault.domain.ids import BranchId, BranchName, JobId
from datavault.domain.ledger import Entry
from datavault.domain.rows import Put, RowPage, Table
from datavault.ports import Catalog, Objects
from datavault.services.attempts import ATTEMPTS_MAX
from datavault.services.refs import abandon, open_work, read_job
from datavault.services.staging import Work, read_head
from tests.support.builders import MAIN, OPERATOR, Process, Shelf, a_body, a_request
from tests.support.chaos import ChaosVault, Crash, Fault
from tests.support.ledger import of_operators


class Times:
    """A fault at ``count`` calls of one method, from its call ``first`` (from 0) on."""

    def __init__(self, method: str, fault: Fault, *, first: int = 0, count: int = 1) -> None:
        self._method, self._fault = method, fault
        self._span = range(first, first + count)
        self._at = -1

    def __call__(self, port: str, method: str) -> Fault:
        if method != self._method:
            return Fault.NONE
        self._at += 1
        return self._fault if self._at in self._span else Fault.NONE


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("1"), "b": a_body("2")})
    return made


def work_of(shelf: Shelf) -> Work:
    return open_work(shelf.vault, shelf.dataset, MAIN)


def left_pending(shelf: Shelf, message: str = "left") -> JobId:
    """A commit whose process ended right after T1."""
    crashing = ChaosVault(shelf.vault, Times("write", Fault.CRASH_AFTER))
    with pytest.raises(Crash):
        shelf.on(crashing).commit(message)
    pending = read_head(work_of(shelf)).pending
    assert pending is not None
    return pending


def packs(shelf: Shelf) -> int:
    return sum("/packs/" in key for key in shelf.vault.objects.keys(""))


def test_a_commit_that_collides_is_not_built_again(shelf: Shelf) -> None:
    chaos = ChaosVault(shelf.vault, Times("write", Fault.COLLIDE, first=1, count=5))
    shelf.on(chaos).commit()
    assert packs(shelf) == 1


def test_what_keeps_colliding_is_throttled_in_the_end(shelf: Shelf) -> None:
    chaos = ChaosVault(shelf.vault, Times("write", Fault.COLLIDE, count=ATTEMPTS_MAX))
    began_ms = shelf.vault.clock.now_ms()
    with pytest.raises(Throttled, match="busy"):
        shelf.on(chaos).append({"a": a_body("x")})
    assert shelf.vault.clock.now_ms() - began_ms < 4_000
    assert shelf.get("a") == a_body("1")


def test_readers_see_what_a_pending_commit_holds_and_what_came_after(shelf: Shelf) -> None:
    left_pending(shelf)
    shelf.append({"a": a_body("after")})
    shelf.delete("b")
    assert shelf.all() == {"a": a_body("after")}
    (first,) = shelf.history()
    assert shelf.all(ref=first.id) == {}
    commit = shelf.commit("second")
    assert [each.message for each in shelf.history()] == ["second", "left", "Create the dataset"]
    assert shelf.all(ref=commit.parents[0]) == {"a": a_body("1"), "b": a_body("2")}
    assert shelf.all(ref=commit.id) == {"a": a_body("after")}


def test_a_commit_left_pending_is_answered_to_who_says_the_same_again(shelf: Shelf) -> None:
    job = left_pending(shelf, "mine")
    commit = shelf.commit("mine")
    assert commit.message == "mine"
    assert read_job(work_of(shelf), job).commit == commit.id
    assert len(shelf.history()) == 2


def test_a_commit_left_pending_is_finished_for_who_says_otherwise(shelf: Shelf) -> None:
    left_pending(shelf, "theirs")
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit("mine")
    assert [each.message for each in shelf.history()] == ["theirs", "Create the dataset"]


def test_a_named_request_is_not_answered_with_the_commit_of_another(shelf: Shelf) -> None:
    left_pending(shelf, "mine")
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit("mine", request=a_request("another"))


def test_a_finished_job_is_answered_though_others_have_moved_on(shelf: Shelf) -> None:
    """T3 is done by another process in between each two calls of the first one."""
    for call in range(40):
        made = Shelf.make()
        made.append({"a": a_body("1")})
        job = left_pending(made)
        other = made.on(Process(made.vault))
        chaos = ChaosVault(
            made.vault,
            _Interleave(call),
            partial(_ignoring_conflict, other),
        )
        _ignoring_conflict(made.on(chaos))
        assert len(made.history()) == 2
        assert read_job(work_of(made), job).commit == made.history()[0].id


class _Interleave:
    def __init__(self, call: int) -> None:
        self._call, self._at = call, -1

    def __call__(self, port: str, method: str) -> Fault:
        self._at += 1
        return Fault.INTERLEAVE if self._at == self._call else Fault.NONE


def _ignoring_conflict(shelf: Shelf) -> None:
    try:
        shelf.commit("another")
    except Conflict as refusal:
        if "nothing is staged" not in str(refusal):
            raise


def test_a_job_that_is_not_there_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="no commit job"):
        read_job(work_of(shelf), JobId("job_none"))


def test_heads_that_differ_are_read_again(shelf: Shelf) -> None:
    """They differ while a transaction is applied; if they never agree, the branch is busy."""
    work = work_of(shelf)
    key = keyspace.head(work.branch, 2)
    row = shelf.vault.catalog.get(key)
    assert row is not None
    shelf.vault.catalog.put_many([Put(key, {**row.attributes, "generation": 9})])
    with pytest.raises(Throttled, match="busy"):
        read_head(work)
    shelf.vault.catalog.delete_many([key])
    with pytest.raises(Throttled, match="busy"):
        read_head(work)
    shelf.vault.catalog.put_many([Put(key, row.attributes)])
    assert read_head(work).generation == 0


def test_a_branch_deleted_while_somebody_writes_is_not_found(shelf: Shelf) -> None:
    shelf.create_branch("dev")
    dev = BranchName("dev")
    for call in range(30):
        if call:
            shelf.create_branch("dev")
        chaos = ChaosVault(shelf.vault, _Interleave(call), lambda: shelf.delete_branch("dev"))
        try:
            shelf.on(chaos).append({"x": a_body("x")}, branch=dev)
        except NotFound:
            continue
        try:
            assert shelf.get("x", ref="dev") == a_body("x")
        except NotFound:
            pass
        else:
            shelf.delete_branch("dev")


def test_a_branch_made_again_is_another_one(shelf: Shelf) -> None:
    """Whoever deletes by an old name's id must not take the new one with it."""
    shelf.create_branch("dev")

    def again() -> None:
        shelf.delete_branch("dev")
        shelf.create_branch("dev")

    refused = 0
    for call in range(12):
        try:
            shelf.on(ChaosVault(shelf.vault, _Interleave(call), again)).delete_branch("dev")
        except (Conflict, NotFound):
            refused += 1
            assert BranchId(work_of_dev(shelf).branch)
        else:
            shelf.create_branch("dev")
    assert refused > 0


def work_of_dev(shelf: Shelf) -> Work:
    return open_work(shelf.vault, shelf.dataset, BranchName("dev"))


def test_a_commit_that_cannot_be_made_can_be_abandoned(shelf: Shelf) -> None:
    """Without this, one lost staged object would close its branch for ever."""
    shelf.append({"large": a_body("x", 9000)})
    left_pending(shelf)
    for name in [key for key in shelf.vault.objects.keys("") if "/staged/" in key]:
        shelf.vault.objects.delete(name)
    with pytest.raises(Corrupt):
        shelf.commit()
    abandon(work_of(shelf), OPERATOR)
    told = (Entry.of(row) for row in of_operators(shelf.vault))
    (entry,) = (each for each in told if each.operation == "abandon_commit")
    assert (entry.actor, entry.workspace) == (OPERATOR.identity, shelf.caller.workspace)
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit()
    shelf.append({"b": a_body("2")})
    assert shelf.commit().counts.added == 1
    with pytest.raises(Conflict, match="no commit is pending"):
        abandon(work_of(shelf), OPERATOR)


def test_an_append_that_a_query_shows_late_is_waited_for(shelf: Shelf) -> None:
    """DynamoDB shows the rows of one transaction to a query one by one."""
    shelf.append({"b": a_body("2")})

    class Late:
        """Hides the rows of the newest batch from the first queries of each partition."""

        def __init__(self, catalog: Catalog) -> None:
            self._catalog = catalog
            self.asked = 0

        def page(self, table: Table, partition: str, **how: Any) -> RowPage:
            found = self._catalog.page(table, partition, **how)
            if table is Table.STAGING and partition.startswith(("batches/", "staged/")):
                self.asked += 1
                if self.asked < 30:
                    return RowPage((), more=False)
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self._catalog, name)

    late = Process(shelf.vault)
    late.catalog = cast(Catalog, Late(shelf.vault.catalog))
    commit = shelf.on(late).commit()
    assert shelf.all(ref=commit.id).keys() == {"a", "b"}


def test_a_large_commit_fetches_each_staged_block_once(shelf: Shelf) -> None:
    shelf.append({f"k{number:03}": a_body(f"{number}", 4200) for number in range(300)})

    class Counting:
        """Counts the requests for ranges of objects."""

        def __init__(self, objects: Objects) -> None:
            self._objects = objects
            self.reads = 0

        def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
            self.reads += 1
            return self._objects.get_ranges(key, ranges)

        def get_range(self, key: str, start: int, length: int) -> bytes:
            self.reads += 1
            return self._objects.get_range(key, start, length)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._objects, name)

    process, counting = Process(shelf.vault), Counting(shelf.vault.objects)
    process.objects = cast(Objects, counting)
    assert shelf.on(process).commit().counts.records == 302
    assert counting.reads < 10
