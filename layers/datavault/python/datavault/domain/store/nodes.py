"""Loads nodes of trees, verified, and moves over a level of a tree without loading the rest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from datavault.domain.cache import BoundedCache
from datavault.domain.errors import Corrupt
from datavault.domain.store.columns import Ids
from datavault.domain.store.node import Inner, Leaf, Node, Pointer, address_of, decode
from datavault.domain.store.patch import decode_patch
from datavault.domain.store.places import Locator, PackRef

# The address alone will not do for a key: a node stored twice has other locators in each place.
type NodeKey = tuple[bytes, Place, Place | None]
type Place = tuple[bytes, int, int]
type NodeCache = BoundedCache[NodeKey, Node]


class NodeReader(Protocol):
    """Reads nodes from packs; sealed blocks are opened before they get here."""

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        """The payload in ``slot``, verified to be what was stored there, or ``Corrupt``."""
        ...

    def expect(self, locators: Iterable[Locator]) -> None:
        """A hint that these will be read soon, in this order: they can be on their way then.

        They can be thousands; the reader takes as many as it wants to hold. This one takes none.
        """
        return


# Full leaves kept to be made others of: versions that are compared or merged are read some 30
# leaves of each at a time, and of one place they mostly have the same anchor.
ANCHORS_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A node and, of a leaf, where the full leaf is that a patch of it is to be made on."""

    node: Node
    anchor_at: Locator | None = None


class Nodes:
    """Loads nodes through the cache and verifies their addresses."""

    __slots__ = ("_anchors", "_cache", "_key", "_reader")

    def __init__(self, reader: NodeReader, key: bytes, cache: NodeCache | None) -> None:
        self._reader = reader
        self._anchors: BoundedCache[Place, Leaf] = BoundedCache(ANCHORS_BYTES_MAX)
        self._key = key
        self._cache = cache

    def load(self, pointer: Pointer) -> Node:
        """The node that ``pointer`` points to; it is cached."""
        return self._cached(pointer) or self._keep(pointer, self._read(pointer))

    def visit(self, pointer: Pointer) -> Node:
        """The same for a passage through the tree: a leaf that is not cached stays so."""
        node = self._cached(pointer)
        if node is None:
            node = self._read(pointer)
            if isinstance(node, Inner):
                self._keep(pointer, node)
        return node

    def open(self, pointer: Pointer) -> Opened:
        """The node, to be changed."""
        node = self.visit(pointer)
        if isinstance(node, Inner):
            return Opened(node)
        return Opened(node, pointer.anchor or pointer.locator)

    def expect(self, pointers: Iterable[Pointer]) -> None:
        """Tell the reader that these nodes, when they are not in memory, will be read."""
        self._reader.expect(self._wanted(pointers))

    def _wanted(self, pointers: Iterable[Pointer]) -> Iterator[Locator]:
        anchors: set[Place] = set()
        for pointer in pointers:
            if self._cached(pointer) is not None:
                continue
            if pointer.level:
                yield pointer.locator
                continue
            full = pointer.anchor or pointer.locator
            place = _place_of(full)
            # Once for all versions of it.
            if place not in anchors and self._anchors.get(place) is None:
                anchors.add(place)
                yield full
            if pointer.anchor is not None:
                yield pointer.locator

    def _read(self, pointer: Pointer) -> Node:
        node: Node
        if pointer.level:
            node = decode(self._payload(pointer.locator))
        else:
            node = self._full_leaf(pointer.anchor or pointer.locator)
            if pointer.anchor is not None:
                node = node.patched(decode_patch(self._payload(pointer.locator)))
        try:
            self._require(node, pointer)
        except Corrupt:
            # Whoever asks again is to have it read again, not what was read wrongly.
            self._anchors.discard(_place_of(pointer.anchor or pointer.locator))
            raise
        return node

    def _require(self, node: Node, pointer: Pointer) -> None:
        if node.level != pointer.level or node.count != pointer.count:
            raise Corrupt(
                f"tree node of level {node.level} and {node.count} records,"
                f" expected level {pointer.level} and {pointer.count}"
            )
        if address_of(node, self._key) != pointer.address:
            raise Corrupt(f"tree node is not the one of address {pointer.address.hex()}")

    def _full_leaf(self, locator: Locator) -> Leaf:
        """What is stored there in full, its address not yet compared with any."""
        place = _place_of(locator)
        held = self._anchors.get(place)
        if held is not None:
            return held
        leaf = decode(self._payload(locator))
        if not isinstance(leaf, Leaf):
            raise Corrupt(
                f"a node of level {leaf.level} is stored where a leaf or an anchor should be"
            )
        self._anchors.put(place, leaf, cost=leaf.nbytes)
        return leaf

    def _payload(self, locator: Locator) -> bytes:
        return self._reader.read(locator.pack, locator.start, locator.length, locator.slot)

    def _cached(self, pointer: Pointer) -> Node | None:
        return None if self._cache is None else self._cache.get(_key_of(pointer))

    def _keep(self, pointer: Pointer, node: Node) -> Node:
        if self._cache is not None:
            self._cache.put(_key_of(pointer), node, cost=node.nbytes)
        return node


def _key_of(pointer: Pointer) -> NodeKey:
    anchor = None if pointer.anchor is None else _place_of(pointer.anchor)
    return (pointer.address, _place_of(pointer.locator), anchor)


def _place_of(locator: Locator) -> Place:
    return (locator.pack.id, locator.start, locator.slot)


class _Step:
    """An inner node on the path, the row that the path goes through, and pointers made ahead."""

    __slots__ = ("node", "pointers", "row")

    def __init__(self, node: Inner, row: int) -> None:
        self.node = node
        self.row = row
        self.pointers: dict[int, Pointer] = {}

    @property
    def pointer(self) -> Pointer:
        """The child in that row."""
        held = self.pointers.get(self.row)
        return self.node.pointer(self.row) if held is None else held


class Cursor:
    """Moves forward over the nodes of one level, loading only what is above them."""

    __slots__ = ("_level", "_nodes", "_path", "_root", "_wanted")

    def __init__(self, nodes: Nodes, root: Pointer, *, level: int, wanted: Ids | None) -> None:
        """``wanted`` are the ids that will be sought; ``None``, if every node will be visited."""
        self._nodes = nodes
        self._root = root
        self._level = level
        self._wanted = wanted
        self._path: list[_Step] = []

    @property
    def pointer(self) -> Pointer:
        """The node that the cursor is at."""
        return self._path[-1].pointer if self._path else self._root

    @property
    def last_id(self) -> bytes:
        """The last record id below that node; none for the root, whose end nothing tells."""
        if not self._path:
            return b""
        return bytes(self._path[-1].node.rows.ids[self._path[-1].row])

    @property
    def is_last(self) -> bool:
        """Whether no node of the level follows."""
        return all(step.row == len(step.node.rows) - 1 for step in self._path)

    def seek(self, record_id: bytes) -> None:
        """Go on to the node where ``record_id`` belongs: the first that ends at or after it, or
        the last of all."""
        path = self._path
        while len(path) > 1 and record_id > path[-1].node.rows.ids[-1]:
            path.pop()
        if path:
            path[-1].row = _row_of(path[-1].node, record_id)
        self._descend(record_id)

    def step(self) -> None:
        """Go on to the next node."""
        last_id = self.last_id
        path = self._path
        while path[-1].row == len(path[-1].node.rows) - 1:
            path.pop()
        path[-1].row += 1
        self._descend(last_id + b"\x01")

    def _descend(self, record_id: bytes) -> None:
        path = self._path
        while (path[-1].node.level - 1 if path else self._root.level) > self._level:
            node = self._nodes.visit(self.pointer)
            assert isinstance(node, Inner)
            path.append(_Step(node, _row_of(node, record_id)))
            if node.level == self._level + 1:
                rows = self._rows_wanted(node, record_id)
                path[-1].pointers = dict(zip(rows, node.pointers(rows), strict=True))
                self._nodes.expect(path[-1].pointers.values())

    def _rows_wanted(self, node: Inner, record_id: bytes) -> list[int]:
        size = len(node.rows)
        if self._wanted is None:
            return list(range(self._path[-1].row, size))
        start = int(self._wanted.searchsorted(record_id))
        stop = int(self._wanted.searchsorted(node.rows.ids[-1], side="right"))
        # Not ``np.unique``, which imports ``numpy.ma``: 48 ms, once.
        is_wanted = np.zeros(size, np.bool_)
        is_wanted[node.rows.ids.searchsorted(self._wanted[start:stop])] = True
        rows: list[int] = is_wanted.nonzero()[0].tolist()
        return rows


def _row_of(node: Inner, record_id: bytes) -> int:
    return min(int(node.rows.ids.searchsorted(record_id)), len(node.rows) - 1)
