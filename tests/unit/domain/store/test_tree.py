import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.cache import BoundedCache
from datavault.domain.errors import Corrupt
from datavault.domain.store.boundary import Boundaries, Shape
from datavault.domain.store.columns import DIGEST, Changes, Entries
from datavault.domain.store.node import NODE_MAGIC, Pointer
from datavault.domain.store.nodes import NodeCache
from datavault.domain.store.patch import PATCH_MAGIC
from datavault.domain.store.places import LOCATOR, Locator, PackRef
from datavault.domain.store.rewrite import Applied
from datavault.domain.store.tree import Entry, Tree

from .builders import (
    DEEP,
    KEYS,
    MemoryStore,
    Model,
    as_model,
    changes,
    deep_tree,
    entries,
    id_column,
    pack_ref,
)

type Batch = Mapping[bytes, int | None]
"""Records to put with their digests, and ``None`` for records to remove."""

# Ids from one byte to 512, many of them near one another.
RECORD_IDS = st.one_of(
    st.integers(0, 150).map(lambda number: b"%d" % number),
    st.tuples(st.integers(1, 9), st.integers(1, 51)).map(lambda pair: b"%d" % pair[0] * pair[1]),
    st.text("aé\U0001f600", min_size=1, max_size=6).map(str.encode),
    st.integers(500, 512).map(lambda size: b"w" * size),
)
BATCHES = st.lists(
    st.dictionaries(RECORD_IDS, st.none() | st.integers(1, 3), max_size=60), max_size=6
)
SHAPES = st.builds(
    Shape,
    leaf_bits=st.integers(0, 4),
    leaf_entries_max=st.integers(1, 16),
    inner_bits=st.integers(0, 2),
    inner_entries_max=st.integers(2, 6),
)


@settings(max_examples=150, deadline=None)
@given(batches=BATCHES, shape=SHAPES)
def test_a_tree_is_a_function_of_its_records_however_they_came(
    batches: list[Batch], shape: Shape
) -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=shape)
    root = tree.apply(None, changes({}), store).root
    model: Model = {}
    for number, batch in enumerate(batches):
        before = dict(model)
        model = _changed(model, batch)
        applied = tree.apply(root, changes(batch, pack=number), store)
        root = applied.root
        built = tree.apply(None, changes(model), store).root
        assert (root.address, root.level) == (built.address, built.level)
        assert root.count == len(model)
        assert _counts(applied) == _counts_expected(before, batch)
        assert as_model(tree.scan(root)) == model


@settings(max_examples=50, deadline=None)
@given(batches=BATCHES, shape=SHAPES, cached=st.booleans())
def test_a_record_is_where_it_was_last_put(
    batches: list[Batch], shape: Shape, *, cached: bool
) -> None:
    """No address covers places: they have a model of their own. Equal records stay in place."""
    store = MemoryStore()
    cache: NodeCache | None = BoundedCache(2**20) if cached else None
    root = Tree(store, KEYS, shape=shape).apply(None, changes({}), store).root
    model: Model = {}
    places: dict[bytes, Locator] = {}
    for number, batch in enumerate(batches * 2):
        before, model = model, _changed(model, batch)
        tree = Tree(store, KEYS, shape=shape, cache=cache)
        put = changes(batch, pack=number)
        root = tree.apply(root, put, store).root
        for entry in Entry.each(put.entries):
            if batch[entry.id] is None:
                places.pop(entry.id, None)
            elif before.get(entry.id) != batch[entry.id]:
                places[entry.id] = entry.locator
        found = [entry for rows in tree.scan(root) for entry in Entry.each(rows)]
        assert {entry.id: entry.locator for entry in found} == places


@settings(max_examples=60, deadline=None)
@given(batches=BATCHES, shape=SHAPES, asked=st.sets(RECORD_IDS, min_size=1), after=RECORD_IDS)
def test_a_tree_answers_as_a_dict_does(
    batches: list[Batch], shape: Shape, asked: set[bytes], after: bytes
) -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=shape)
    root = tree.apply(None, changes({}), store).root
    model: Model = {}
    for batch in batches:
        model = _changed(model, batch)
        root = tree.apply(root, changes(batch), store).root
    found = tree.get_many(root, id_column(asked))
    for row, record_id in enumerate(sorted(asked)):
        entry = tree.get(root, record_id)
        assert (entry is not None) == bool(found.found[row]) == (record_id in model)
        if entry is not None:
            assert entry.digest == found.digests[row].tobytes() == bytes([model[record_id]]) * 16
            pack, slot, start, length = found.locators[row].item()
            place = (entry.locator.slot, entry.locator.start, entry.locator.length)
            assert (slot, start, length) == place
            assert found.packs[pack] == entry.locator.pack
    rest = as_model(tree.scan(root, after=after))
    assert list(rest) == sorted(record_id for record_id in model if record_id > after)


@settings(max_examples=100, deadline=None)
@given(batches=BATCHES, shape=SHAPES, other=st.integers(0, 6))
def test_a_difference_is_that_of_the_dicts(batches: list[Batch], shape: Shape, other: int) -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=shape)
    versions: list[tuple[Pointer, Model]] = [(tree.apply(None, changes({}), store).root, {})]
    for batch in batches:
        root, model = versions[-1]
        versions.append((tree.apply(root, changes(batch), store).root, _changed(model, batch)))
    (old_root, old), (new_root, new) = versions[other % len(versions)], versions[-1]
    added: Model = {}
    removed: Model = {}
    before: Model = {}
    after: Model = {}
    for part in tree.diff(old_root, new_root):
        assert part.before.ids.tolist() == part.after.ids.tolist()
        added |= as_model([part.added])
        removed |= as_model([part.removed])
        before |= as_model([part.before])
        after |= as_model([part.after])
    both = {record_id for record_id in old if new.get(record_id, old[record_id]) != old[record_id]}
    assert added == {record_id: new[record_id] for record_id in new.keys() - old.keys()}
    assert removed == {record_id: old[record_id] for record_id in old.keys() - new.keys()}
    assert before == {record_id: old[record_id] for record_id in both}
    assert after == {record_id: new[record_id] for record_id in both}


def test_the_empty_tree_is_an_empty_leaf() -> None:
    store = MemoryStore()
    tree = deep_tree(store)
    root = tree.apply(None, changes({}), store).root
    assert (root.level, root.count) == (0, 0)
    assert tree.get(root, b"a") is None
    assert not tree.get_many(root, id_column([b"a", b"b"])).found.any()
    assert list(tree.scan(root)) == []
    assert tree.apply(root, changes({b"a": None}), store).root == root


def test_a_tree_of_one_record_is_one_leaf() -> None:
    store = MemoryStore()
    tree = deep_tree(store)
    root = tree.apply(None, changes({b"a": 1}), store).root
    assert (root.level, root.count, len(store.payloads)) == (0, 1, 1)
    entry = tree.get(root, b"a")
    assert entry is not None
    assert entry.locator == entries({b"a": 1}).locator(0)


def test_deleting_everything_gives_the_empty_tree() -> None:
    store, tree, root, model = _numbers(500)
    empty = tree.apply(None, changes({}), store).root
    gone = tree.apply(root, changes(dict.fromkeys(model)), store)
    assert gone.removed == 500
    assert (gone.root.address, gone.root.level) == (empty.address, 0)


def test_deleting_all_but_one_record_leaves_one_leaf() -> None:
    store, tree, root, model = _numbers(500)
    del model[b"0250"]
    left = tree.apply(root, changes(dict.fromkeys(model)), store).root
    assert (left.level, left.count) == (0, 1)
    assert tree.get(left, b"0250") is not None


def test_editing_values_moves_no_boundary() -> None:
    store, tree, root, model = _numbers(500)
    edited = tree.apply(root, changes(dict.fromkeys(list(model)[::3], 9)), store).root
    assert edited.address != root.address
    assert _leaf_ends(tree, edited) == _leaf_ends(tree, root)


def test_deleting_the_record_that_ends_a_leaf_merges_it_with_the_next() -> None:
    store, tree, root, _ = _numbers(500)
    ends = _leaf_ends(tree, root)
    hashed = Boundaries(KEYS.boundary, shape=DEEP)
    end = next(end for end in ends if hashed.hashes(np.array([end]))[0] & 3 == 0)
    merged = tree.apply(root, changes({end: None}), store).root
    assert set(ends) - set(_leaf_ends(tree, merged)) >= {end}


def test_leaves_without_a_boundary_are_cut_at_the_cap() -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=Shape(0, 5, 0, 3))
    root = tree.apply(None, changes({b"%02d" % number: 1 for number in range(23)}), store).root
    assert [len(rows) for rows in tree.scan(root)] == [5, 5, 5, 5, 3]
    fewer = tree.apply(root, changes({b"07": None}), store).root
    assert [len(rows) for rows in tree.scan(fewer)] == [5, 5, 5, 5, 2]


def test_an_unchanged_record_keeps_its_place_and_a_changed_one_takes_the_new() -> None:
    store, tree, root, _ = _numbers(100)
    applied = tree.apply(root, changes({b"0007": 1, b"0008": 9}, pack=2), store)
    assert _counts(applied) == (0, 1, 1, 0)
    kept, moved = tree.get(applied.root, b"0007"), tree.get(applied.root, b"0008")
    assert kept is not None
    assert moved is not None
    assert (kept.locator.pack, moved.locator.pack) == (pack_ref(1), pack_ref(2))


def test_changes_that_change_nothing_write_nothing() -> None:
    store, tree, root, model = _numbers(100)
    written = len(store.payloads)
    applied = tree.apply(root, changes(model | {b"other": None}, pack=2), store)
    assert applied.root == root
    assert _counts(applied) == (0, 0, 100, 0)
    assert len(store.payloads) == written


def test_one_edit_reads_and_writes_one_node_a_level() -> None:
    store, tree, root, _ = _numbers(500, shape=Shape(4, 64, 2, 16))
    written = len(store.payloads)
    applied = tree.apply(root, changes({b"0250": 9}), store)
    assert root.level > 1
    assert len(store.payloads) - written == applied.nodes_written == root.level + 1
    assert len(set(store.reads)) == root.level + 1


def test_get_many_reads_every_node_once_and_only_those_it_needs() -> None:
    store, tree, root, model = _numbers(500)
    store.reads.clear()
    assert tree.get_many(root, id_column(model)).found.all()
    assert len(store.reads) == len(set(store.reads)) == len(store.payloads)
    store.reads.clear()
    assert tree.get_many(root, id_column([b"0100", b"0101", b"x"])).found.tolist() == [1, 1, 0]
    assert len(store.reads) <= 2 * (root.level + 1)


def test_what_is_announced_is_what_is_read() -> None:
    store, tree, root, model = _numbers(500)
    root = tree.apply(root, changes(dict.fromkeys(list(model)[::40], 9)), store).root
    some = changes(dict.fromkeys(list(model)[5::37], 7))
    for work in (
        lambda: tree.get_many(root, some.entries.ids),
        lambda: list(tree.scan(root)),
        lambda: list(tree.scan(root, after=b"0333")),
    ):
        store.reads.clear()
        store.expected.clear()
        work()
        leaves = [slot for slot in store.reads if _is_leaf(store.payloads[slot])]
        assert [slot for slot in store.expected if _is_leaf(store.payloads[slot])] == leaves
    store.reads.clear()
    store.expected.clear()
    tree.apply(root, some, store)
    leaves = [slot for slot in store.reads if _is_leaf(store.payloads[slot])]
    assert set(store.expected) <= set(store.reads)
    assert set(leaves) <= set(store.expected)


def test_a_scan_goes_on_after_the_id_it_is_given() -> None:
    _, tree, root, model = _numbers(60)
    for number, after in enumerate(model):
        rest = as_model(tree.scan(root, after=after))
        assert list(rest) == list(model)[number + 1 :]


def test_a_difference_does_not_read_what_both_trees_share() -> None:
    store, tree, root, _ = _numbers(2000, shape=Shape(4, 64, 2, 16))
    edited = tree.apply(root, changes({b"0250": 9, b"1900": 9}), store).root
    store.reads.clear()
    parts = list(tree.diff(root, edited))
    assert sum(map(len, parts)) == 2
    assert len(store.reads) <= 4 * (root.level + 1) + 2
    store.reads.clear()
    assert list(tree.diff(edited, edited)) == []
    assert store.reads == []


def test_a_lightly_changed_leaf_is_stored_as_a_patch_of_the_full_one() -> None:
    store, tree, root, model = _numbers(40, shape=Shape(0, 64, 1, 4))
    first = tree.apply(root, changes({b"0003": 9, b"0004": None, b"00045": 8}), store)
    assert first.patches_written == 1
    assert first.root.anchor == root.locator
    assert store.payloads[-1].startswith(PATCH_MAGIC)
    model = _changed(model, {b"0003": 9, b"0004": None, b"00045": 8})
    assert as_model(tree.scan(first.root)) == model


def test_a_patched_leaf_is_patched_anew_on_the_same_anchor() -> None:
    store, tree, root, model = _numbers(40, shape=Shape(0, 64, 1, 4))
    for number in range(10):
        batch = {b"%04d" % number: 9}
        root, model = tree.apply(root, changes(batch), store).root, _changed(model, batch)
        assert root.anchor is not None
        assert root.anchor.slot == 0
    assert as_model(tree.scan(root)) == model


def test_a_leaf_that_differs_by_more_than_a_quarter_from_its_anchor_is_stored_in_full() -> None:
    store, tree, root, _ = _numbers(40, shape=Shape(0, 64, 1, 4))
    first = tree.apply(root, changes({b"%04d" % number: 9 for number in range(10)}), store)
    assert first.patches_written == 1
    second = tree.apply(first.root, changes({b"0010": 9}), store)
    assert (second.nodes_written, second.patches_written) == (1, 0)
    assert second.root.anchor is None
    assert store.payloads[-1].startswith(NODE_MAGIC)
    third = tree.apply(second.root, changes({b"0011": 9}), store)
    assert third.root.anchor == second.root.locator


def test_a_leaf_cut_in_two_is_stored_in_full_twice() -> None:
    store, tree, root, _ = _numbers(40, shape=Shape(0, 40, 1, 4))
    applied = tree.apply(root, changes({b"9999": 1}), store)
    assert [len(rows) for rows in tree.scan(applied.root)] == [40, 1]
    assert applied.patches_written == 0


def test_a_record_changed_back_leaves_the_patch_if_its_place_does_too() -> None:
    store, tree, root, _ = _numbers(40, shape=Shape(0, 64, 1, 4))
    changed = tree.apply(root, changes({b"0000": 9}, pack=2), store).root
    back = tree.apply(changed, changes({b"0000": 1}, pack=3), store).root
    assert back.address == root.address
    entry = tree.get(back, b"0000")
    assert entry is not None
    assert entry.locator.pack == pack_ref(3)


def test_a_cached_patched_leaf_is_patched_as_an_uncached_one_is() -> None:
    store, _, root, model = _numbers(40, shape=Shape(0, 64, 1, 4))
    cache: NodeCache = BoundedCache(1 << 20)
    tree = Tree(store, KEYS, cache=cache, shape=Shape(0, 64, 1, 4))
    first = tree.apply(root, changes({b"0003": 9}), store).root
    assert tree.get(first, b"0003") is not None
    second = tree.apply(first, changes({b"0005": 9}), store).root
    assert second.anchor == root.locator
    assert as_model(tree.scan(second)) == model | {b"0003": 9, b"0005": 9}


def test_what_is_cached_is_not_read_again() -> None:
    store, _, root, model = _numbers(300)
    tree = Tree(store, KEYS, cache=BoundedCache(1 << 22), shape=DEEP)
    tree.get_many(root, id_column(model))
    store.reads.clear()
    store.expected.clear()
    assert tree.get_many(root, id_column(model)).found.all()
    assert tree.get(root, b"0123") is not None
    assert as_model(tree.scan(root)) == model
    assert store.reads == store.expected == []


def test_a_node_stored_again_elsewhere_is_not_taken_from_the_cache() -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, cache=BoundedCache(1 << 20), shape=DEEP)
    for pack in (1, 2):
        root = tree.apply(None, changes({b"a": 1}, pack=pack), store).root
        entry = tree.get(root, b"a")
        assert entry is not None
        assert entry.locator.pack == pack_ref(pack)


def test_digests_alone_are_those_that_come_with_places() -> None:
    store, tree, root, model = _numbers(200)
    root = tree.apply(root, changes({b"0100": 9}), store).root
    ids = id_column([*model, b"0100x", b"zz"])
    found = tree.get_many(root, ids)
    present, digests = tree.get_digests(root, ids)
    assert present.tolist() == found.found.tolist()
    assert digests.tolist() == found.digests.tolist()
    assert np.count_nonzero(present) == len(model)


def test_a_node_in_the_place_of_another_is_corrupt() -> None:
    store, tree, root, model = _numbers(200)
    root = tree.apply(root, changes({b"0100": 9}), store).root
    store.reads.clear()
    tree.get_many(root, id_column(model))
    slots = sorted(store.reads)
    for slot, other in zip(slots, slots[1:] + slots[:1], strict=True):
        swapped = _Swapped(store, slot, other)
        with pytest.raises(Corrupt):
            Tree(swapped, KEYS, shape=DEEP).get_many(root, id_column(model))


def test_a_tree_of_another_store_is_corrupt() -> None:
    store, _, root, _ = _numbers(20)
    other = Tree(store, type(KEYS).derive(b"o" * 32), shape=DEEP)
    with pytest.raises(Corrupt, match="address"):
        other.get(root, b"0001")


def test_a_pointer_with_another_count_is_corrupt() -> None:
    _, tree, root, _ = _numbers(20)
    with pytest.raises(Corrupt, match="records"):
        tree.get(Pointer(root.address, root.level, 21, root.locator), b"0001")


def test_an_anchor_that_is_no_leaf_is_corrupt() -> None:
    store, tree, root, _ = _numbers(100)
    leaf = tree.apply(None, changes({b"a": 1}), store).root
    with pytest.raises(Corrupt, match="anchor"):
        tree.get(Pointer(leaf.address, 0, 1, leaf.locator, root.locator), b"a")


def test_what_was_read_wrongly_once_is_read_again() -> None:
    store, writer, full, _ = _numbers(40, shape=Shape(0, 64, 1, 4))
    patched = writer.apply(full, changes({b"0001": 2}), store).root
    assert patched.anchor == full.locator
    good = store.payloads[full.locator.slot]
    bad = good.replace(b"0039", b"003a", 1)
    for root in (full, patched):
        tree = Tree(store, KEYS)
        store.payloads[full.locator.slot] = bad
        with pytest.raises(Corrupt):
            tree.get(root, b"0001")
        store.payloads[full.locator.slot] = good
        assert tree.get(root, b"0001") is not None


def test_applying_scattered_changes_does_not_hold_the_tree_in_memory() -> None:
    size = 100_000
    ids = np.array([b"%032d" % number for number in range(size)])
    digests = np.frombuffer(np.random.default_rng(1).bytes(16 * size), DIGEST)
    packs = (PackRef(b"p" * 16, 1, b"s" * 32),)
    store = MemoryStore()
    tree = Tree(store, KEYS)
    base = Entries(ids, digests, np.zeros(size, LOCATOR), packs)
    root = tree.apply(None, Changes.put(base), store).root
    some = np.arange(0, size, 50)
    edits = Changes.put(Entries(ids[some], digests[some + 1], base.locators[some], packs))
    tracemalloc.start()
    try:
        applied = tree.apply(root, edits, store)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert applied.changed == len(some)
    assert peak < 2_000_000 < base.nbytes / 3


class _Swapped(MemoryStore):
    """A store that gives another payload for one slot."""

    def __init__(self, store: MemoryStore, slot: int, other: int) -> None:
        super().__init__()
        self._store = store
        self._slots = {slot: other}

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        del pack, start, length
        return self._store.payloads[self._slots.get(slot, slot)]


def _numbers(count: int, *, shape: Shape = DEEP) -> tuple[MemoryStore, Tree, Pointer, Model]:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=shape)
    model = {b"%04d" % number: 1 for number in range(count)}
    return store, tree, tree.apply(None, changes(model), store).root, model


def _changed(model: Model, batch: Batch) -> Model:
    merged = {**model, **batch}
    return {record_id: digest for record_id, digest in merged.items() if digest is not None}


def _counts(applied: Applied) -> tuple[int, int, int, int]:
    return applied.added, applied.changed, applied.unchanged, applied.removed


def _counts_expected(model: Model, batch: Batch) -> tuple[int, int, int, int]:
    put = {record_id: digest for record_id, digest in batch.items() if digest is not None}
    met = put.keys() & model.keys()
    same = sum(model[record_id] == put[record_id] for record_id in met)
    removed = len(batch.keys() & model.keys()) - len(met)
    return len(put) - len(met), len(met) - same, same, removed


def _leaf_ends(tree: Tree, root: Pointer) -> list[bytes]:
    return [bytes(rows.ids[-1]) for rows in tree.scan(root)]


def _is_leaf(payload: bytes) -> bool:
    return payload.startswith(PATCH_MAGIC) or payload[len(NODE_MAGIC)] == 0
