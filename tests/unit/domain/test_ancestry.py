"""Best common ancestors: those of the definition, and few reads however long the histories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.ancestry import best_common_ancestors
from datavault.domain.errors import Corrupt
from datavault.domain.history import Commit, Counts, Kept, Lineage, child_of
from datavault.domain.ids import CommitId
from datavault.domain.store.node import Pointer
from datavault.domain.store.places import Locator, PackRef

PLACE = Locator(PackRef(bytes(16), 1, bytes(32)), 0, 0, 0)
ROOT = Pointer(bytes(32), 0, 0, PLACE)


@dataclass
class History:
    """Commits as they are kept, and how often they were read."""

    kept: dict[CommitId, Kept] = field(default_factory=dict)
    reads: int = 0
    rows: int = 0

    def add(self, *parents: CommitId) -> CommitId:
        commit = Commit(ROOT, parents, "", "", len(self.kept), Counts(0, 0, 0, 0))
        self.kept[commit.id] = child_of([self.kept[each] for each in parents], commit)
        return commit.id

    def line(self, start: CommitId, length: int) -> CommitId:
        for _ in range(length):
            start = self.add(start)
        return start

    def load(self, ids: Sequence[CommitId]) -> Mapping[CommitId, Kept]:
        self.reads += 1
        self.rows += len(ids)
        return {each: self.kept[each] for each in ids if each in self.kept}

    def ancestors(self, commit_id: CommitId) -> set[CommitId]:
        found: set[CommitId] = set()
        stack = [commit_id]
        while stack:
            each = stack.pop()
            if each not in found:
                found.add(each)
                stack += self.kept[each].commit.parents
        return found

    def best(self, left: CommitId, right: CommitId) -> list[CommitId]:
        """By the definition."""
        common = self.ancestors(left) & self.ancestors(right)
        below = {each for top in common for each in self.ancestors(top) - {top}}
        return sorted(common - below)


# Each commit: how many commits back its parents are, none for a first commit of its own.
SHAPES = st.lists(st.lists(st.integers(1, 7), max_size=3), min_size=1, max_size=40)


def grown(shape: list[list[int]], stretch: int) -> tuple[History, list[CommitId]]:
    history = History()
    made: list[CommitId] = []
    for back in shape:
        parents = dict.fromkeys(made[-each] for each in back if each <= len(made))
        made.append(history.line(history.add(*parents), stretch))
    return history, made


@settings(max_examples=300, deadline=None)
@given(
    shape=SHAPES,
    stretch=st.sampled_from([0, 0, 1, 9, 40]),
    picks=st.tuples(st.integers(0, 999), st.integers(0, 999)),
    old_rows=st.integers(0, 12),
)
def test_they_are_those_of_the_definition(
    shape: list[list[int]], stretch: int, picks: tuple[int, int], old_rows: int
) -> None:
    history, made = grown(shape, stretch)
    # Rows without a lineage come before those with one, as their children have none either.
    lacking: set[CommitId] = set()
    for number, (commit_id, kept) in enumerate(history.kept.items()):
        parents = kept.commit.parents
        if (not parents and number < old_rows) or lacking & {*parents}:
            lacking.add(commit_id)
            history.kept[commit_id] = replace(kept, lineage=None)
    left, right = (made[pick % len(made)] for pick in picks)
    assert best_common_ancestors([left], [right], history.load) == history.best(left, right)


def test_a_criss_cross_has_two() -> None:
    history = History()
    first = history.add()
    left, right = history.add(first), history.add(first)
    ours, theirs = history.add(left, right), history.add(right, left)
    assert best_common_ancestors([ours], [theirs], history.load) == sorted([left, right])


def test_unrelated_histories_have_none() -> None:
    history = History()
    ours, theirs = history.line(history.add(), 50), history.line(history.add(), 3)
    assert best_common_ancestors([ours], [theirs], history.load) == []


def test_a_missing_parent_is_corrupt_and_not_the_end_of_history() -> None:
    history = History()
    first = history.add()
    second = history.add(first)
    ours, theirs = history.add(second), history.add(second)
    del history.kept[second]
    with pytest.raises(Corrupt):
        best_common_ancestors([ours], [theirs], history.load)


@pytest.mark.parametrize(("left", "right"), [(100_000, 5), (20_000, 19_000)])
def test_long_histories_without_merges_take_few_reads(left: int, right: int) -> None:
    history = History()
    fork = history.line(history.add(), 300)
    ours, theirs = history.line(fork, left), history.line(fork, right)
    assert best_common_ancestors([ours], [theirs], history.load) == [fork]
    assert history.reads <= 60
    assert history.rows <= 400


def test_a_history_of_merges_takes_two_reads_for_32_commits() -> None:
    history = History()
    fork = at = history.add()
    for _ in range(640):
        at = history.add(at, history.add(at))
    other = history.add(fork)
    assert best_common_ancestors([at], [other], history.load) == [fork]
    assert history.reads <= 2 * 640 / 32 + 10


def test_a_lineage_is_kept_as_it_is() -> None:
    history = History()
    at = history.line(history.add(), 300)
    lineage = history.kept[at].lineage
    assert lineage is not None
    assert (lineage.height, lineage.stem) == (300, 0)
    assert lineage.skips[0] is not None
    assert Lineage.decode(lineage.encode()) == lineage
    with pytest.raises(Corrupt):
        Lineage.decode(lineage.encode()[:-1])
