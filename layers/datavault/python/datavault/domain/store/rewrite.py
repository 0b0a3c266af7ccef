"""Makes changes to a tree: new nodes for what they touch, and the old ones for the rest.

Each level is cut into nodes by its ids alone, and always in the same way from a node's start on.
So a level is changed by cutting anew from the first node touched until a cut falls on an old
node's end; up to the next change all is as it was, and is not read. New and replaced nodes are the
changes of the level above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from datavault.domain.store.boundary import Boundaries
from datavault.domain.store.columns import (
    CHILD,
    Changes,
    Children,
    Columns,
    Entries,
    Mask,
    merge,
)
from datavault.domain.store.node import Inner, Leaf, Node, Pointer, address_of, encode
from datavault.domain.store.nodes import Cursor, Nodes, Opened
from datavault.domain.store.patch import Patch, encode_patch
from datavault.domain.store.places import Locator, locator_columns, rows_replaced

# With 2 % of the records changed per version, patches of up to sqrt(2 * 0.02) = 1/5 of their anchor
# cost least: half that per version, and a full leaf every ten versions.
PATCH_SHARE = 4


class NodeSink(Protocol):
    """Writes nodes into packs."""

    def add(self, payload: bytes) -> Locator:
        """Store ``payload``; it need not be readable before the pack is complete."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """A tree with changes made: its root, what they met, and what was written for them."""

    root: Pointer
    added: int
    changed: int
    unchanged: int
    removed: int
    nodes_written: int
    patches_written: int
    bytes_written: int


type Named = tuple[bytes, Pointer]
"""A node and the last record id below it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Edits:
    rows: Columns
    removed: Mask


class Rewriter:
    """Makes changes to one tree, once."""

    def __init__(self, nodes: Nodes, boundaries: Boundaries, key: bytes, sink: NodeSink) -> None:
        """``key`` is ``IdKeys.node``."""
        self._nodes = nodes
        self._boundaries = boundaries
        self._key = key
        self._sink = sink
        self._added = self._changed = self._unchanged = self._removed = 0
        self._nodes_written = self._patches_written = self._bytes_written = 0
        # Of each level, the inner node stored last: the only one that may have to be read again.
        self._stored_last: dict[int, tuple[bytes, Inner]] = {}

    def apply(self, root: Pointer | None, changes: Changes) -> Applied:
        """The tree at ``root`` with ``changes`` made; see ``Tree.apply``."""
        edits = _Edits(changes.entries, changes.removed)
        if root is None:
            tops = self._build(0, self._merge(Entries.empty(), edits, 0, len(changes)))
        elif (replaced := self._rewrite(root, edits)) is None:
            return self._applied(root)
        else:
            tops = replaced
        while len(tops) > 1:
            tops = self._build(tops[0][1].level + 1, _children(tops))
        top = tops[0][1] if tops else self._store_leaf(Entries.empty(), None)
        return self._applied(self._lowest_alone(top))

    def _rewrite(self, root: Pointer, edits: _Edits) -> list[Named] | None:
        """The nodes that stand in for the root, on its level; ``None`` if it stays."""
        stored: list[Named] = []
        for level in range(root.level + 1):
            stored, gone = self._rewrite_level(root, level, edits)
            if not stored and not gone:
                return None
            if level < root.level:
                edits = _edits(stored, gone)
        return stored

    def _rewrite_level(
        self, root: Pointer, level: int, edits: _Edits
    ) -> tuple[list[Named], list[bytes]]:
        """The new nodes of ``level``, and the last ids of the old ones they stand in for."""
        stored: list[Named] = []
        gone: list[bytes] = []
        ids = edits.rows.ids
        cursor = Cursor(self._nodes, root, level=level, wanted=ids)
        at, carry = 0, None
        while at < len(ids) or carry is not None:
            if carry is None:
                cursor.seek(ids[at])
            else:
                cursor.step()
            stop = len(ids)
            if not cursor.is_last:
                stop = int(ids.searchsorted(cursor.last_id, side="right"))
            opened = self._nodes.open(cursor.pointer)
            old = opened.node.rows
            rows = self._merge(old, edits, at, stop)
            at = stop
            if carry is None and rows is old:
                continue
            gone.append(cursor.last_id)
            if carry is None and rows.ids is old.ids:
                stored += self._store_all(level, rows, [len(rows)], opened)
                continue
            if carry is not None:
                rows = type(rows).concat([carry, rows])
                opened = None
            ends = self._boundaries.ends(rows.ids, level)
            end = ends[-1] if ends else 0
            if cursor.is_last and end < len(rows):
                end = len(rows)
                ends.append(end)
            stored += self._store_all(level, rows, ends, opened)
            carry = rows.rows(end, len(rows)) if end < len(rows) else None
        return stored, gone

    def _build(self, level: int, rows: Columns) -> list[Named]:
        """All nodes of a level that has these rows and no others."""
        ends = self._boundaries.ends(rows.ids, level)
        if len(rows) > (ends[-1] if ends else 0):
            ends.append(len(rows))
        return self._store_all(level, rows, ends, None)

    def _store_all(
        self, level: int, rows: Columns, ends: list[int], old: Opened | None
    ) -> list[Named]:
        """Store the nodes that end at ``ends``; ``old`` is what a single one can be a patch of."""
        stored: list[Named] = []
        if ends != [len(rows)]:
            old = None
        for start, end in zip([0, *ends], ends, strict=False):
            part = rows if (start, end) == (0, len(rows)) else rows.rows(start, end)
            if isinstance(part, Entries):
                pointer = self._store_leaf(part, old)
            else:
                pointer = self._store_inner(Inner.of(level, _inner_rows(part)))
            stored.append((bytes(part.ids[-1]), pointer))
        return stored

    def _store_leaf(self, rows: Entries, old: Opened | None) -> Pointer:
        """Store a leaf: as a patch of what ``old`` is one of, or in full where that is large."""
        if old is None:
            return self._store(Leaf.of(rows), None, None)
        was = old.node
        assert isinstance(was, Leaf)
        patch = _patch(was, rows)
        if PATCH_SHARE * len(patch) > patch.anchor_count:
            return self._store(was.changed(rows), None, None)
        self._patches_written += 1
        return self._store(was.changed(rows), encode_patch(patch), old.anchor_at)

    def _store_inner(self, node: Inner) -> Pointer:
        pointer = self._store(node, None, None)
        self._stored_last[node.level] = (pointer.address, node)
        return pointer

    def _store(self, node: Node, payload: bytes | None, anchor: Locator | None) -> Pointer:
        """Store a node in full, or as ``payload``, which is a patch of what is at ``anchor``."""
        address = address_of(node, self._key)
        if payload is None:
            payload = encode(node)
        self._nodes_written += 1
        self._bytes_written += len(payload)
        return Pointer(address, node.level, node.count, self._sink.add(payload), anchor)

    def _lowest_alone(self, top: Pointer) -> Pointer:
        """The lowest node that is the only one of its level: the root."""
        while top.level > 0:
            address, stored = self._stored_last.get(top.level, (None, None))
            node = stored if address == top.address else self._nodes.visit(top)
            assert isinstance(node, Inner)
            if len(node.rows) > 1:
                break
            top = node.pointer(0)
        return top

    def _merge(self, old: Columns, edits: _Edits, start: int, stop: int) -> Columns:
        merged = merge(old, edits.rows.rows(start, stop), edits.removed[start:stop])
        if isinstance(old, Entries):
            self._added += merged.added
            self._changed += merged.changed
            self._unchanged += merged.unchanged
            self._removed += merged.removed
        return merged.rows

    def _applied(self, root: Pointer) -> Applied:
        return Applied(
            root,
            added=self._added,
            changed=self._changed,
            unchanged=self._unchanged,
            removed=self._removed,
            nodes_written=self._nodes_written,
            patches_written=self._patches_written,
            bytes_written=self._bytes_written,
        )


def _patch(was: Leaf, rows: Entries) -> Patch:
    """What makes ``rows`` of the anchor of ``was``, the leaf that they stand in for."""
    anchor = (was.anchor or was).rows
    replaced = None
    if rows.ids is anchor.ids:
        replaced = rows_replaced(anchor.stored, rows.stored)
    if replaced is None:
        return Patch.between(anchor, rows)
    return Patch.replacing(anchor, rows, replaced)


def _edits(stored: Sequence[Named], gone: Sequence[bytes]) -> _Edits:
    """The changes of the level above: a removal of each old node that no new one ends with."""
    by_id: dict[bytes, Pointer | None] = dict.fromkeys(gone)
    by_id.update(stored)
    rows = sorted(by_id.items(), key=lambda row: row[0])
    return _Edits(_children(rows), np.array([pointer is None for _, pointer in rows], np.bool_))


def _children(rows: Sequence[tuple[bytes, Pointer | None]]) -> Children:
    ids = np.array([last_id for last_id, _ in rows], np.bytes_)
    blank = bytes(CHILD.itemsize)
    values = b"".join(
        blank if pointer is None else pointer.address + pointer.count.to_bytes(8, "little")
        for _, pointer in rows
    )
    places = [
        place
        for _, pointer in rows
        for place in ((None, None) if pointer is None else (pointer.locator, pointer.anchor))
    ]
    locators, packs = locator_columns(places)
    return Children(ids, np.frombuffer(values, CHILD), locators.reshape(len(rows), 2), packs)


def _inner_rows(rows: Columns) -> Children:
    assert isinstance(rows, Children)
    return rows
