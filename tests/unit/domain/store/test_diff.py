"""What differs between two trees: found from anywhere on, without reading what they share."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.cache import BoundedCache
from datavault.domain.store.boundary import Shape
from datavault.domain.store.diff import differences
from datavault.domain.store.node import Inner, Node, Pointer
from datavault.domain.store.nodes import NodeCache, Nodes
from datavault.domain.store.tree import Tree
from tests.unit.domain.store.builders import (
    DEEP,
    KEYS,
    MemoryStore,
    Model,
    changes,
    deep_tree,
)

IDS = st.binary(min_size=1, max_size=2).map(lambda raw: bytes(97 + octet % 26 for octet in raw))
MODELS = st.dictionaries(IDS, st.integers(1, 3), max_size=200)
SHAPES = st.sampled_from([DEEP, Shape(3, 16, 2, 8), Shape(0, 4, 1, 3)])


class WatchedNodes(Nodes):
    """Remembers the addresses of the nodes that were asked for."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store, KEYS.node, None)
        self.visited: list[bytes] = []

    def visit(self, pointer: Pointer) -> Node:
        self.visited.append(pointer.address)
        return super().visit(pointer)


def addresses(store: MemoryStore, root: Pointer) -> set[bytes]:
    """Every node of a tree."""
    nodes = Nodes(store, KEYS.node, None)

    def below(pointer: Pointer) -> Iterator[bytes]:
        yield pointer.address
        node = nodes.visit(pointer)
        if isinstance(node, Inner):
            for row in range(len(node.rows)):
                yield from below(node.pointer(row))

    return set(below(root))


@settings(max_examples=150, deadline=None)
@given(
    old=MODELS,
    edits=st.dictionaries(IDS, st.none() | st.integers(1, 3), max_size=60),
    shape=SHAPES,
    after=st.just(b"") | IDS,
    together=st.integers(1, 5),
)
def test_a_difference_from_an_id_on_is_that_of_the_dicts_and_reads_nothing_shared(
    old: Model, edits: dict[bytes, int | None], shape: Shape, after: bytes, together: int
) -> None:
    store = MemoryStore()
    tree = Tree(store, KEYS, shape=shape)
    old_root = tree.apply(None, changes(old), store).root
    new_root = tree.apply(old_root, changes(edits), store).root
    merged = old | edits
    new = {record_id: digest for record_id, digest in merged.items() if digest is not None}
    nodes = WatchedNodes(store)
    found: dict[bytes, tuple[int | None, int | None]] = {}
    for part in differences(nodes, old_root, new_root, after=after, together=together):
        ids = [*part.added.ids, *part.removed.ids, *part.after.ids]
        assert not found or min(ids) > max(found)
        found |= {bytes(each): (old.get(each), new.get(each)) for each in ids}
    assert found == {
        each: (old.get(each), new.get(each))
        for each in old.keys() | new.keys()
        if each > after and old.get(each) != new.get(each)
    }
    shared = addresses(store, old_root) & addresses(store, new_root)
    assert not shared & set(nodes.visited) - {old_root.address, new_root.address}
    below = [each for each in nodes.visited if each not in {old_root.address, new_root.address}]
    assert len(below) == len(set(below)), "a node is read once"


def test_an_absent_tree_is_an_empty_one() -> None:
    store = MemoryStore()
    tree = deep_tree(store)
    root = tree.apply(None, changes({b"a": 1, b"b": 2}), store).root
    assert [len(part.added) for part in tree.diff(None, root)] == [2]
    assert [len(part.removed) for part in tree.diff(root, None)] == [2]
    assert list(tree.diff(None, None)) == []


def test_going_on_after_an_id_reads_a_path_and_not_what_is_before_it() -> None:
    store = MemoryStore()
    shape = Shape(3, 64, 3, 16)
    tree = Tree(store, KEYS, shape=shape)
    old: Model = {b"%05d" % number: 1 for number in range(4000)}
    old_root = tree.apply(None, changes(old), store).root
    new_root = tree.apply(old_root, changes(dict.fromkeys(old, 2)), store).root
    nodes = WatchedNodes(store)
    first = next(differences(nodes, old_root, new_root, after=b"03500"))
    assert first.after.ids[0] == b"03501"
    # Inner nodes of both trees, some at a time, and one leaf of each.
    assert len(nodes.visited) <= 2 * (2 * old_root.level + 16)
    leaves = [part for part in addresses(store, old_root) if part in set(nodes.visited)]
    assert len(leaves) < len(addresses(store, old_root)) / 4


def test_a_difference_is_found_through_a_cache_as_without() -> None:
    store = MemoryStore()
    cache: NodeCache = BoundedCache(1 << 20)
    tree = Tree(store, KEYS, cache=cache, shape=DEEP)
    old: Model = {b"%03d" % number: 1 for number in range(100)}
    old_root = tree.apply(None, changes(old), store).root
    new_root = tree.apply(old_root, changes({b"050": 2}), store).root
    for _ in range(2):
        assert [len(part) for part in tree.diff(old_root, new_root)] == [1]
