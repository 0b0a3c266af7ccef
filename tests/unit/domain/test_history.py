"""Commits: their ids cover what they say, and not where it is stored."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Corrupt
from datavault.domain.history import TRAIL_MAX, Commit, Counts, Kept
from datavault.domain.ids import CommitId
from datavault.domain.store.node import Pointer
from datavault.domain.store.places import Locator, PackRef

PLACE = Locator(PackRef(bytes(16), 1, bytes(32)), 0, 96, 10)
IDS = st.binary(min_size=32, max_size=32).map(lambda raw: CommitId(raw.hex()))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
COUNTS = st.integers(0, 2**53)
COMMITS = st.builds(
    Commit,
    st.builds(Pointer, st.binary(min_size=32, max_size=32), st.just(0), COUNTS, st.just(PLACE)),
    st.lists(IDS, max_size=2).map(tuple),
    TEXTS,
    TEXTS,
    COUNTS,
    st.builds(Counts, COUNTS, COUNTS, COUNTS, COUNTS),
    st.none() | TEXTS,
)


@given(commit=COMMITS)
def test_a_commit_comes_back_as_it_was(commit: Commit) -> None:
    assert Commit.decode(commit.encode(), commit.id) == commit


@given(commit=COMMITS, other=COMMITS)
def test_commits_that_say_other_things_have_other_ids(commit: Commit, other: Commit) -> None:
    same = replace(other, root=replace(other.root, count=0)) == replace(
        commit, root=replace(commit.root, count=0)
    )
    assert (commit.id == other.id) == same


def test_every_member_is_covered_and_the_place_is_not() -> None:
    commit = Commit(Pointer(bytes(32), 0, 1, PLACE), (), "a", "m", 1, Counts(1, 1, 0, 0), None)
    others = [
        replace(commit, root=replace(commit.root, address=b"x" * 32)),
        replace(commit, parents=(commit.id,)),
        replace(commit, author="b"),
        replace(commit, message="n"),
        replace(commit, time_ms=2),
        replace(commit, policy="p"),
        *(
            replace(commit, counts=replace(commit.counts, **{name: 9}))
            for name in ("records", "added", "changed", "removed")
        ),
    ]
    assert len({commit.id, *(each.id for each in others)}) == len(others) + 1
    moved = replace(commit, root=replace(commit.root, locator=PLACE._replace(slot=7)))
    assert moved.id == commit.id


@given(commit=COMMITS, at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_of_what_an_id_covers_is_corrupt(commit: Commit, at: int, bit: int) -> None:
    encoded = bytearray(commit.encode())
    covered = 4 + len(commit.canonical())
    encoded[at % covered] ^= 1 << bit
    with pytest.raises(Corrupt):
        Commit.decode(bytes(encoded), commit.id)


def test_a_trail_names_the_nearest_ancestors_and_no_more() -> None:
    at = Kept(Commit(Pointer(bytes(32), 0, 0, PLACE), (), "", "", 0, Counts(0, 0, 0, 0)), b"")
    chain = [at.commit.id]
    assert at.ancestors() == []
    for number in range(TRAIL_MAX + 5):
        child = replace(at.commit, parents=(at.commit.id,), time_ms=number)
        at = Kept(child, at.trail_of_child())
        chain.insert(0, child.id)
        assert at.ancestors() == chain[1 : 1 + TRAIL_MAX]
