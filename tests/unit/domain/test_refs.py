"""Heads and jobs as values: what the transactions ask for and what they change."""

from dataclasses import replace

import pytest

from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.domain import commit_jobs, keyspace, refs
from datavault.domain.commit_jobs import CommitJob
from datavault.domain.ids import (
    BatchId,
    BranchId,
    BranchName,
    CommitId,
    DatasetId,
    JobId,
    TagName,
    WorkspaceId,
)
from datavault.domain.reflog import Move, Named, Why
from datavault.domain.refs import NO_BRANCH, Branch, Head
from datavault.domain.rows import Absent, Change, Put, Row, Table
from datavault.ports import ConditionFailed

WS, DS = WorkspaceId("ws_1"), DatasetId("ds_1")
NOW_MS = 1_767_225_600_000
BRANCH = Branch(BranchId("br_0"), BranchName("main"), CommitId("c0"), 5, "alice", False)
NAMED = Named(WS, DS, BRANCH.id, BRANCH.name)
WHY = Why("create_commit", "alice", 9)
JOB = CommitJob(JobId("job_1"), BRANCH.id, 0, BRANCH.commit, "alice", "m", 7, None)


class World:
    """A branch in a catalog, changed by transactions."""

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        self.times = 0
        assert self.does(refs.create(WS, DS, BRANCH, "create_branch"))

    def does(self, changes: list[Change]) -> bool:
        self.times += 1
        try:
            self.catalog.write(changes, token=f"{self.times}")
        except ConditionFailed:
            return False
        return True

    @property
    def head(self) -> Head | None:
        return refs.agreed(self.catalog.get_many(refs.head_keys(BRANCH.id)), BRANCH.id)

    @property
    def seen(self) -> Head:
        """The head of a branch that is there."""
        assert self.head is not None
        return self.head

    def job(self) -> Row:
        row = self.catalog.get(keyspace.commit_job(JOB.id))
        assert row is not None
        return row

    def stage(self, *, generation: int = 0, tick: int, shard: int = 0, records: int = 1) -> bool:
        return self.does([refs.stage(BRANCH.id, shard, generation, tick, records=records, size=10)])


@pytest.fixture
def world() -> World:
    return World()


def test_a_new_branch_has_nothing_staged(world: World) -> None:
    assert world.head == Head(CommitId("c0"), 0, None, 0, 0, 0, 0, 0, 0, False)
    row = world.catalog.get(keyspace.branch(WS, DS, BRANCH.name))
    assert row is not None
    assert Branch.of(row, world.seen) == BRANCH
    assert not world.does(refs.create(WS, DS, BRANCH, "create_branch")), "made twice"


def test_what_is_staged_is_counted_over_all_heads(world: World) -> None:
    assert world.stage(tick=1, shard=0, records=3)
    assert world.stage(tick=5, shard=3, records=4)
    assert world.head == Head(CommitId("c0"), 0, None, 5, 7, 20, 2, 0, 0, False)


def test_a_tick_only_grows_and_a_closed_generation_takes_nothing(world: World) -> None:
    assert world.stage(tick=4)
    assert not world.stage(tick=4)
    assert not world.stage(tick=3)
    assert world.stage(tick=1, shard=1)
    assert not world.stage(generation=1, tick=9)
    assert world.does(refs.close_generation(JOB, b"sealed"))
    assert not world.stage(generation=0, tick=9)
    assert world.stage(generation=1, tick=9)
    assert not world.stage(generation=1, tick=4), "T1 keeps the ticks"


def test_t1_closes_once_and_names_the_job(world: World) -> None:
    world.stage(tick=1)
    assert world.does(refs.close_generation(JOB, b"sealed"))
    assert world.head == Head(CommitId("c0"), 1, JOB.id, 1, 0, 0, 0, 1, 0, False)
    assert CommitJob.of(world.job(), "m") == JOB
    assert world.job().binary("message") == b"sealed"
    other = CommitJob(JobId("job_2"), BRANCH.id, 1, BRANCH.commit, "bob", "", 9, None)
    assert not world.does(refs.close_generation(other, b"")), "one job at a time"
    assert not world.does(refs.close_generation(JOB, b"sealed"))


def test_t1_is_for_the_commit_it_saw(world: World) -> None:
    stale = CommitJob(JOB.id, BRANCH.id, 0, CommitId("c-1"), "", "", 0, None)
    assert not world.does(refs.close_generation(stale, b""))


def test_t3_moves_all_heads_once(world: World) -> None:
    world.does(refs.close_generation(JOB, b""))
    target = CommitId("c1")
    t3 = [
        *refs.move(NAMED, world.seen, target, WHY),
        commit_jobs.finish(JOB, target, NOW_MS),
    ]
    assert world.does(t3)
    assert world.head == Head(target, 1, None, 0, 0, 0, 0, 0, 1, False)
    assert CommitJob.of(world.job(), "m").commit == target
    assert not world.does(t3)
    assert not world.does([commit_jobs.finish(JOB, target, NOW_MS)])


def test_counts_of_a_closed_generation_stand_still(world: World) -> None:
    world.stage(tick=1, shard=1)
    world.stage(tick=2, shard=2)
    world.does(refs.close_generation(JOB, b""))
    world.stage(generation=1, tick=3, shard=1, records=5)
    assert world.head == Head(CommitId("c0"), 1, JOB.id, 3, 5, 10, 1, 2, 0, False)
    world.does(refs.move(NAMED, world.seen, JOB.parent, WHY))
    again = CommitJob(JobId("job_2"), BRANCH.id, 1, BRANCH.commit, "bob", "", 9, None)
    assert world.does(refs.close_generation(again, b""))
    assert world.head == Head(CommitId("c0"), 2, again.id, 3, 0, 0, 0, 1, 1, False)


def test_an_abandoned_commit_leaves_the_branch_where_it_was(world: World) -> None:
    world.does(refs.close_generation(JOB, b""))
    assert world.does(refs.abandon(JOB, NOW_MS))
    assert world.head == Head(CommitId("c0"), 1, None, 0, 0, 0, 0, 0, 0, False)
    assert CommitJob.of(world.job(), "m").abandoned
    assert not world.does(refs.abandon(JOB, NOW_MS))


def test_a_branch_ends_only_with_nothing_pending(world: World) -> None:
    before = world.seen
    world.does(refs.close_generation(JOB, b""))
    assert not world.does(refs.delete(NAMED, before, WHY))
    assert not world.does(refs.delete(NAMED, replace(world.seen, pending=None), WHY))
    world.does(refs.move(NAMED, world.seen, JOB.parent, WHY))
    again = replace(NAMED, id=BranchId("br_1"))
    assert not world.does(refs.delete(again, world.seen, WHY)), "another branch of that name"
    assert world.does(refs.delete(NAMED, world.seen, WHY))
    assert world.head is None
    assert not world.stage(generation=1, tick=9), "a branch that is gone takes nothing"


def test_heads_that_differ_do_not_agree(world: World) -> None:
    rows = world.catalog.get_many(refs.head_keys(BRANCH.id))
    first = refs.head_keys(BRANCH.id)[0]
    for name, value in (
        ("commit", "c9"),
        ("generation", 9),
        ("pending", "job_9"),
        ("moves", 9),
        ("protected", True),
    ):
        odd = {**rows, first: Row(first, {**rows[first].attributes, name: value})}
        assert refs.agreed(odd, BRANCH.id) is None
    for name, value in (("tick", 9), ("records_0", 9), ("bytes_1", 9)):
        odd = {**rows, first: Row(first, {**rows[first].attributes, name: value})}
        assert refs.agreed(odd, BRANCH.id) is not None
    del rows[first]
    assert refs.agreed(rows, BRANCH.id) is None


def test_the_rows_of_a_batch_follow_one_another() -> None:
    keys = refs.batch_row_keys(BRANCH.id, 3, 2, 77, BatchId("bt_1"), 12)
    assert len(keys) == 12
    assert [key.sort for key in keys] == sorted(key.sort for key in keys)
    assert len({key.partition for key in keys}) == 1
    assert keys[0].sort == f"{77:012x}/bt_1"
    assert NO_BRANCH == ""


def reflog(world: World) -> list[Move]:
    """From the newest on."""
    partition = keyspace.reflog_partition(WS, DS, BRANCH.name)
    rows = world.catalog.page(Table.CATALOG, partition, newest_first=True).rows
    return [Move.of(row) for row in rows]


def test_every_move_is_in_the_reflog_by_its_number(world: World) -> None:
    first, second = CommitId("c1"), CommitId("c2")
    made = Why("create_branch", BRANCH.created_by, BRANCH.created_ms)
    assert world.does(refs.move(NAMED, world.seen, first, WHY))
    assert world.does(refs.move_by_merge(NAMED, world.seen, second, WHY))
    assert world.does(refs.reset(NAMED, world.seen, BRANCH.commit, WHY))
    assert world.does(refs.delete(NAMED, world.seen, WHY))
    assert reflog(world) == [
        Move(BRANCH.id, 4, BRANCH.commit, None, WHY),
        Move(BRANCH.id, 3, second, BRANCH.commit, WHY),
        Move(BRANCH.id, 2, first, second, WHY),
        Move(BRANCH.id, 1, BRANCH.commit, first, WHY),
        Move(BRANCH.id, 0, None, BRANCH.commit, made),
    ]


def test_who_saw_a_commit_does_not_move_the_branch_when_it_is_back_there(world: World) -> None:
    seen = world.seen
    world.does(refs.move(NAMED, world.seen, CommitId("c1"), WHY))
    world.does(refs.reset(NAMED, world.seen, BRANCH.commit, WHY))
    assert world.seen.commit == seen.commit
    assert not world.does(refs.move(NAMED, seen, CommitId("c2"), WHY))
    assert not world.does(refs.still(BRANCH.id, seen))
    assert len(reflog(world)) == 3


def test_a_protected_branch_takes_merges_and_nothing_else(world: World) -> None:
    assert world.does(refs.protect(BRANCH.id, world.seen))
    assert world.seen.protected
    target, seen = CommitId("c1"), world.seen
    assert not world.stage(tick=1)
    assert not world.does(refs.close_generation(JOB, b""))
    assert not world.does(refs.move(NAMED, seen, target, WHY))
    assert not world.does(refs.reset(NAMED, seen, target, WHY))
    assert not world.does(refs.reset_and_discard(NAMED, seen, target, WHY))
    assert not world.does(refs.delete(NAMED, seen, WHY))
    assert not world.does(refs.protect(BRANCH.id, seen)), "protected twice"
    assert world.does(refs.move_by_merge(NAMED, seen, target, WHY))
    assert world.seen == replace(seen, commit=target, moves=1)
    assert world.does(refs.unprotect(BRANCH.id))
    assert not world.does(refs.unprotect(BRANCH.id))
    assert world.stage(tick=1)


def test_a_branch_is_protected_only_when_nothing_can_get_stuck_on_it(world: World) -> None:
    before = world.seen
    world.stage(tick=1, shard=2)
    assert not world.does(refs.protect(BRANCH.id, before)), "what came meanwhile"
    assert not world.does(refs.protect(BRANCH.id, world.seen))
    world.does(refs.close_generation(JOB, b""))
    assert not world.does(refs.protect(BRANCH.id, world.seen)), "a commit is pending"
    world.does(refs.move(NAMED, world.seen, CommitId("c1"), WHY))
    assert world.does(refs.protect(BRANCH.id, world.seen))


def test_a_reset_leaves_staged_changes_only_when_told_to(world: World) -> None:
    before = world.seen
    world.stage(tick=1, shard=2)
    target = CommitId("c1")
    assert not world.does(refs.reset(NAMED, before, target, WHY))
    assert not world.does(refs.reset(NAMED, world.seen, target, WHY))
    assert world.does(refs.reset_and_discard(NAMED, world.seen, target, WHY))
    assert world.head == Head(target, 1, None, 1, 0, 0, 0, 1, 1, False)
    assert not world.stage(generation=0, tick=9)
    assert world.stage(generation=1, tick=9)


def test_a_branch_does_not_take_the_name_of_a_tag() -> None:
    catalog = MemoryCatalog()
    tag = keyspace.tag(WS, DS, TagName(BRANCH.name))
    catalog.write([Put(tag, {}, Absent())], token="1")
    with pytest.raises(ConditionFailed):
        catalog.write(refs.create(WS, DS, BRANCH, "create_branch"), token="2")
