"""The search tree from record id to digest: read, changed and compared, node by node.

The tree is a function of the set of (id, digest): whatever the order and grouping of changes,
the same records have the same root address. Nothing here is done per record in Python: loops run
over nodes, numpy over their rows. What is held in memory is a leaf or two, the path to them, some
full leaves that others are patches of (``ANCHORS_BYTES_MAX``), and one row per node written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from datavault.domain.digests import IdKeys
from datavault.domain.store.boundary import SHAPE, Boundaries, Shape
from datavault.domain.store.columns import DIGEST, Changes, Entries, Ids, Mask, Values, found_at
from datavault.domain.store.diff import Difference, differences
from datavault.domain.store.footprint import Surveyor
from datavault.domain.store.node import Inner, Leaf, Node, Pointer
from datavault.domain.store.nodes import Cursor, NodeCache, NodeReader, Nodes
from datavault.domain.store.places import (
    LOCATOR,
    Locator,
    Locators,
    PackRef,
    Rows,
    locator_columns,
)
from datavault.domain.store.rewrite import Applied, NodeSink, Rewriter

_EACH_ROWS = 128


class Entry(NamedTuple):
    """A record: its id, its digest, and where it is stored."""

    id: bytes
    digest: bytes
    locator: Locator

    @classmethod
    def each(cls, rows: Entries) -> Iterator["Entry"]:
        """The rows one by one: for a page of them, not for a tree."""
        packs = rows.packs
        # Of a leaf of a thousand a page may take a few only.
        for start in range(0, len(rows), _EACH_ROWS):
            some = rows.rows(start, start + _EACH_ROWS)
            columns = some.ids.tolist(), some.values.tolist(), some.locators.tolist()
            for record_id, digest, (pack, slot, begin, length) in zip(*columns, strict=True):
                yield cls(record_id, digest, Locator(packs[pack], slot, begin, length))

    @classmethod
    def columns(cls, entries: Sequence["Entry"]) -> Entries:
        """Some entries as columns, in the order given."""
        ids = np.array([entry.id for entry in entries], np.bytes_)
        digests = np.frombuffer(b"".join(entry.digest for entry in entries), DIGEST)
        return Entries(ids, digests, *locator_columns([entry.locator for entry in entries]))


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """For each id asked for, whether it is there, and if so its digest and locator."""

    found: Mask
    digests: Values
    locators: Locators
    packs: tuple[PackRef, ...]


class Tree:
    """Reads and changes the trees of one store.

    Record ids are bytes of UTF-8 without NUL; arrays of them are numpy ``S`` arrays that ascend
    strictly. Every operation raises ``Corrupt`` at a node whose address is not the one it should
    have. Trees can be used from several threads if the reader can.
    """

    __slots__ = ("_boundaries", "_keys", "_nodes")

    def __init__(
        self,
        reader: NodeReader,
        keys: IdKeys,
        *,
        cache: NodeCache | None = None,
        shape: Shape = SHAPE,
    ) -> None:
        """``cache`` counts bytes; with none, what is read twice is fetched twice."""
        self._keys = keys
        self._boundaries = Boundaries(keys.boundary, shape=shape)
        self._nodes = Nodes(reader, keys.node, cache)

    def get(self, root: Pointer, record_id: bytes) -> Entry | None:
        """The entry of ``record_id``, or ``None``; reads one node per level."""
        node = self._nodes.load(root)
        while isinstance(node, Inner):
            row = int(node.rows.ids.searchsorted(record_id))
            if row == len(node.rows):
                return None
            node = self._nodes.load(node.pointer(row))
        rows = node.rows
        row = int(rows.ids.searchsorted(record_id))
        if row == len(rows) or rows.ids[row] != record_id:
            return None
        return Entry(record_id, rows.values[row].tobytes(), rows.locator(row))

    def get_many(self, root: Pointer, ids: Ids) -> Found:
        """The entries of ``ids``; reads each node on the way once."""
        size = len(ids)
        found = np.zeros(size, np.bool_)
        digests, locators = np.zeros(size, DIGEST), np.zeros(size, LOCATOR)
        packs: dict[PackRef, int] = {}
        for rows, at, where in self._met(root, ids):
            places = rows.take(at).locators
            table = [packs.setdefault(pack, len(packs)) for pack in rows.packs]
            places["pack"] = np.array(table, np.uint32)[places["pack"]]
            found[where], digests[where], locators[where] = True, rows.values.take(at), places
        return Found(found, digests, locators, tuple(packs))

    def get_digests(self, root: Pointer, ids: Ids) -> tuple[Mask, Values]:
        """Which of ``ids`` are there, and their digests: ``get_many`` without the places."""
        found, digests = np.zeros(len(ids), np.bool_), np.zeros(len(ids), DIGEST)
        for rows, at, where in self._met(root, ids):
            found[where], digests[where] = True, rows.values.take(at)
        return found, digests

    def get_both(
        self, old: Pointer, new: Pointer, record_id: bytes
    ) -> tuple[Entry | None, Entry | None] | None:
        """A record's entries in two trees; ``None`` if the trees are the same where it belongs.

        Goes down both by turns and stops where their nodes have one address, unread.
        """
        before: Pointer | None = old
        after: Pointer | None = new
        while before is not None and after is not None:
            if before.address == after.address:
                return None
            level = max(before.level, after.level)
            if level == 0:
                break
            if before.level == level:
                before = self._child(before, record_id)
            if after is not None and after.level == level:
                after = self._child(after, record_id)
        return (
            None if before is None else self.get(before, record_id),
            None if after is None else self.get(after, record_id),
        )

    def scan(self, root: Pointer, *, after: bytes = b"") -> Iterator[Entries]:
        """All entries with ids greater than ``after``, in order, at most a leaf at a time."""
        first = after + b"\x01"  # Ids have no NUL: none is between the two.
        cursor = Cursor(self._nodes, root, level=0, wanted=None)
        cursor.seek(first)
        while True:
            rows = self._nodes.visit(cursor.pointer).rows
            assert isinstance(rows, Entries)
            start = int(rows.ids.searchsorted(first))
            if start < len(rows):
                yield rows.rows(start, len(rows))
            if cursor.is_last:
                return
            cursor.step()

    def apply(self, root: Pointer | None, changes: Changes, sink: NodeSink) -> Applied:
        """The tree at ``root`` (``None``: an empty one) with ``changes`` made.

        Has the same root address as a tree of the same entries built in any other way. An entry
        put with the digest that it has already keeps its old locator. Nodes that become part of
        the new tree go to ``sink``, lowest level first; of a tree that loses levels, a few others.
        """
        return Rewriter(self._nodes, self._boundaries, self._keys.node, sink).apply(root, changes)

    def diff(
        self, old: Pointer | None, new: Pointer | None, *, after: bytes = b""
    ) -> Iterator[Difference]:
        """What differs between two trees (``None``: an empty one) at ids greater than ``after``,
        in order of id; what they share is not read."""
        return differences(self._nodes, old, new, after=after)

    def surveyor(self) -> Surveyor:
        """Takes footprints of trees of this store."""
        return Surveyor(self._nodes)

    def _child(self, pointer: Pointer, record_id: bytes) -> Pointer | None:
        """The node one level below on which ``record_id`` belongs; none beyond the last."""
        node = self._nodes.load(pointer)
        assert isinstance(node, Inner)
        row = int(node.rows.ids.searchsorted(record_id))
        return node.pointer(row) if row < len(node.rows) else None

    def _met(self, root: Pointer, ids: Ids) -> Iterator[tuple[Entries, Rows, Rows]]:
        """The leaves that hold some of ``ids``: a leaf, its rows, and which ids these are of."""
        for rows, start, stop in self._leaves_of(self._nodes.load(root), ids, 0, len(ids)):
            wanted = ids[start:stop]
            at = rows.ids.searchsorted(wanted)
            hit = found_at(rows.ids, at, wanted)
            yield rows, at[hit], start + hit.nonzero()[0]

    def _leaves_of(
        self, node: Node, ids: Ids, start: int, stop: int
    ) -> Iterator[tuple[Entries, int, int]]:
        """The leaves on which ``ids[start:stop]`` can be, each with its range of ids."""
        if isinstance(node, Leaf):
            yield node.rows, start, stop
            return
        child = node.rows.ids.searchsorted(ids[start:stop])
        starts = np.flatnonzero(np.diff(child, prepend=-1))
        rows = child[starts].tolist()
        edges = [*(starts + start).tolist(), stop]
        if rows and rows[-1] == len(node.rows):
            rows.pop()  # Greater than every id in the tree.
        pointers = node.pointers(rows)
        self._nodes.expect(pointers)
        for index, pointer in enumerate(pointers):
            below = self._nodes.load(pointer)
            yield from self._leaves_of(below, ids, edges[index], edges[index + 1])
