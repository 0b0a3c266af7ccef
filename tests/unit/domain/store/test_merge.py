"""A merge of three trees, slice by slice: what is read, and how much is looked at together."""

import numpy as np
import pytest

from datavault.domain.cache import BoundedCache
from datavault.domain.store import merge, nodes
from datavault.domain.store.boundary import Shape
from datavault.domain.store.columns import Entries
from datavault.domain.store.merge import SLICE_PIECES, Side, Slice, three_way
from datavault.domain.store.nodes import NodeCache
from datavault.domain.store.tree import Tree

from .builders import KEYS, MemoryStore, Model, as_model, changes, entries

COUNT = 4000
# Leaves of some 16 records: large enough that one change is stored as a patch.
SHAPE = Shape(4, 64, 3, 32)


class Versions:
    """A base and two branches, each with changes scattered over all leaves of it."""

    def __init__(self, *, id_bytes: int = 5, cache_bytes: int = 1 << 24) -> None:
        self.store = MemoryStore()
        cache: NodeCache = BoundedCache(cache_bytes)
        base: Model = {(b"%05d" % number).ljust(id_bytes, b"x"): 1 for number in range(COUNT)}
        self.theirs_model: Model = dict.fromkeys([*base][5::16], 3)
        self.ours_model: Model = dict.fromkeys([*base][2::17], 2)
        writer = Tree(self.store, KEYS, shape=SHAPE)
        self.base = writer.apply(None, changes(base), self.store).root
        self.ours = writer.apply(self.base, changes(self.ours_model), self.store).root
        self.theirs = writer.apply(self.base, changes(self.theirs_model), self.store).root
        self.tree = Tree(self.store, KEYS, cache=cache, shape=SHAPE)
        self.store.reads.clear()

    def slices(self) -> list[Slice]:
        return list(three_way(self.tree, self.base, self.ours, self.theirs))


def test_a_merge_of_scattered_changes_reads_every_stored_node_once() -> None:
    versions = Versions()
    root = versions.ours
    for part in three_way(versions.tree, versions.base, versions.ours, versions.theirs):
        root = versions.tree.apply(root, part.taken, versions.store).root
    both = versions.ours_model.keys() & versions.theirs_model.keys()
    assert both, "some are disputed"
    merged = as_model(versions.tree.scan(root))
    assert {each: digest for each, digest in merged.items() if digest != 1} == (
        versions.theirs_model | versions.ours_model
    )
    # The scan has to be left out: what it reads is what was written.
    reads = versions.store.reads[: versions.store.reads.index(root.locator.slot)]
    assert len(reads) == len(set(reads))


def test_a_slice_ends_after_some_leaves_however_few_records_have_changed() -> None:
    versions = Versions()
    slices = versions.slices()
    pieces = sum(1 for _ in versions.tree.diff(versions.base, versions.theirs))
    assert pieces > merge.WINDOW_PIECES
    assert sum(part.size for part in slices) == len(versions.theirs_model)
    assert len(slices) == -(-pieces // SLICE_PIECES)


def test_slices_are_the_same_however_they_are_cut() -> None:
    versions = Versions()
    cut = list(three_way(versions.tree, versions.base, versions.ours, versions.theirs, at_once=1))
    assert len(cut) > 100
    assert [part.upto for part in cut] == sorted({part.upto for part in cut})
    whole = versions.slices()
    assert _taken(cut) == _taken(whole)
    assert _disputed(cut) == _disputed(whole)


def test_with_long_ids_too_a_merge_reads_every_stored_node_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nodes, "ANCHORS_BYTES_MAX", 1 << 18)
    monkeypatch.setattr(merge, "WINDOW_BYTES", 1 << 18)
    monkeypatch.setattr(merge, "SLICE_BYTES", 1 << 20)
    # A leaf with its anchor is some 18 kB: with short ids, too few for a window of leaves to end.
    versions = Versions(id_bytes=300, cache_bytes=3 << 19)
    short = Versions()
    root, slices = versions.ours, 0
    for part in three_way(versions.tree, versions.base, versions.ours, versions.theirs):
        root = versions.tree.apply(root, part.taken, versions.store).root
        slices += 1
    assert slices > len(short.slices())
    reads = versions.store.reads
    assert len(reads) == len(set(reads))


def test_a_side_is_read_row_by_row_with_nothing_where_it_has_no_record() -> None:
    rows = entries({b"a": 1, b"b": 2, b"c": 3}, pack=4)
    there = Side(np.array([True, False, True]), rows)
    first, second, third = there.each()
    assert second is None
    assert first is not None
    assert third is not None
    assert (first.id, first.digest[0], first.locator) == (b"a", 1, rows.locator(0))
    assert (third.id, third.digest[0], third.locator) == (b"c", 3, rows.locator(2))
    nowhere = Side(np.zeros(3, np.bool_), Entries(rows.ids, rows.values, rows.locators, ()))
    assert [*nowhere.each()] == [None] * 3
    assert [each and each.id for each in Side(np.ones(3, np.bool_), rows).each()] == [*rows.ids]


def _taken(parts: list[Slice]) -> list[bytes]:
    return [each for part in parts for each in part.taken.entries.ids.tolist()]


def _disputed(parts: list[Slice]) -> list[bytes]:
    return [each for part in parts for each in part.disputed.tolist()]
