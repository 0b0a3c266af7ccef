"""Heads and jobs as values: what the transactions ask for and what they change."""

import pytest

from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.domain import keyspace, refs
from datavault.domain.ids import (
    BatchId,
    BranchId,
    BranchName,
    CommitId,
    DatasetId,
    JobId,
    WorkspaceId,
)
from datavault.domain.refs import NO_BRANCH, Branch, CommitJob, Head
from datavault.domain.rows import Change, Row
from datavault.ports import ConditionFailed

WS, DS = WorkspaceId("ws_1"), DatasetId("ds_1")
NOW_MS = 1_767_225_600_000
BRANCH = Branch(BranchId("br_0"), BranchName("main"), CommitId("c0"), 5, "alice")
JOB = CommitJob(JobId("job_1"), BRANCH.id, 0, BRANCH.commit, "alice", "m", 7, None)


class World:
    """A branch in a catalog, changed by transactions."""

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        self.times = 0
        assert self.does(refs.create(WS, DS, BRANCH))

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
    assert world.head == Head(CommitId("c0"), 0, None, 0, 0, 0, 0)
    row = world.catalog.get(keyspace.branch(WS, DS, BRANCH.name))
    assert row is not None
    assert Branch.of(row, BRANCH.commit) == BRANCH
    assert not world.does(refs.create(WS, DS, BRANCH)), "made twice"


def test_what_is_staged_is_counted_over_all_heads(world: World) -> None:
    assert world.stage(tick=1, shard=0, records=3)
    assert world.stage(tick=5, shard=3, records=4)
    assert world.head == Head(CommitId("c0"), 0, None, 5, 7, 20, 0)


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
    assert world.head == Head(CommitId("c0"), 1, JOB.id, 1, 0, 0, 1)
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
        *refs.move(BRANCH.id, source=JOB.parent, target=target, pending=JOB.id),
        refs.finish_job(JOB, target, NOW_MS),
    ]
    assert world.does(t3)
    assert world.head == Head(target, 1, None, 0, 0, 0, 0)
    assert CommitJob.of(world.job(), "m").commit == target
    assert not world.does(t3)
    assert not world.does([refs.finish_job(JOB, target, NOW_MS)])


def test_counts_of_a_closed_generation_stand_still(world: World) -> None:
    world.stage(tick=1, shard=1)
    world.stage(tick=2, shard=2)
    world.does(refs.close_generation(JOB, b""))
    world.stage(generation=1, tick=3, shard=1, records=5)
    assert world.head == Head(CommitId("c0"), 1, JOB.id, 3, 5, 10, 2)
    world.does(refs.move(BRANCH.id, source=JOB.parent, target=JOB.parent, pending=JOB.id))
    again = CommitJob(JobId("job_2"), BRANCH.id, 1, BRANCH.commit, "bob", "", 9, None)
    assert world.does(refs.close_generation(again, b""))
    assert world.head == Head(CommitId("c0"), 2, again.id, 3, 0, 0, 1)


def test_an_abandoned_commit_leaves_the_branch_where_it_was(world: World) -> None:
    world.does(refs.close_generation(JOB, b""))
    assert world.does(refs.abandon(JOB, NOW_MS))
    assert world.head == Head(CommitId("c0"), 1, None, 0, 0, 0, 0)
    assert CommitJob.of(world.job(), "m").abandoned
    assert not world.does(refs.abandon(JOB, NOW_MS))


def test_a_branch_ends_only_with_nothing_pending(world: World) -> None:
    assert not world.does(refs.delete(WS, DS, BRANCH, 1))
    world.does(refs.close_generation(JOB, b""))
    assert not world.does(refs.delete(WS, DS, BRANCH, 1))
    world.does(refs.move(BRANCH.id, source=JOB.parent, target=JOB.parent, pending=JOB.id))
    again = Branch(BranchId("br_1"), BRANCH.name, BRANCH.commit, 1, "")
    assert not world.does(refs.delete(WS, DS, again, 1)), "another branch of that name"
    assert world.does(refs.delete(WS, DS, BRANCH, 1))
    assert world.head is None
    assert not world.stage(generation=1, tick=9), "a branch that is gone takes nothing"


def test_heads_that_differ_do_not_agree(world: World) -> None:
    rows = world.catalog.get_many(refs.head_keys(BRANCH.id))
    first = refs.head_keys(BRANCH.id)[0]
    for name, value in (("commit", "c9"), ("generation", 9), ("pending", "job_9")):
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
