"""What differs between two trees, found by comparing addresses before anything is read.

Where both trees have a node of the same address its records are the same, and it is not read. So
the cost grows with the number of nodes that changes have touched, not with the size of the trees.

The trees are walked from left to right, a few nodes of each level at a time, so that a walk can
begin anywhere and end anywhere and holds little. Equal nodes hold equal ids, so they end at the
same id: whether a node is shared is decided as soon as both trees are known up to that end. A
level therefore comes in *stretches*: the nodes of both trees that are not shared, and ``upto``,
the id up to which both trees' nodes of that level are all decided.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, groupby, repeat
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from datavault.domain.store.columns import Entries, located, same_values
from datavault.domain.store.node import Inner, Leaf, Pointer, may_differ
from datavault.domain.store.nodes import Nodes

# Inner nodes of both trees that are opened together: 16 of some 36 kB, one round trip.
TOGETHER = 16
# Beyond every record id, which is UTF-8: the end of a tree.
_END = b"\xff"
_NONE = Entries.empty()


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Records of a range of ids that are not the same in two trees.

    ``before`` and ``after`` are the records that are in both with different digests: the same
    ids, row by row, as the old tree and as the new one has them. ``leaf_bytes`` is about how much
    memory a leaf takes that they were found in.
    """

    added: Entries
    removed: Entries
    before: Entries
    after: Entries
    leaf_bytes: int

    def __len__(self) -> int:
        return len(self.added) + len(self.removed) + len(self.after)


type _Named = tuple[bytes, Pointer]
"""A node and the id up to which it reaches."""

type _Child = tuple[bytes, bytes, Inner | Pointer, int]
"""A node as its parent has it: the id up to which it reaches, its address, the parent, its row.

Or itself, where its tree has no higher level.
"""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Nodes of one level that are not shared: all that begin before ``upto`` or there."""

    old: list[_Named]
    new: list[_Named]
    upto: bytes


def differences(
    nodes: Nodes,
    old: Pointer | None,
    new: Pointer | None,
    *,
    after: bytes = b"",
    together: int = TOGETHER,
) -> Iterator[Difference]:
    """What differs between the trees at ``old`` and ``new`` (``None``: an empty one), in order of
    id, a leaf or so at a time; a record with the same digest in another place does not differ.

    Begins after the id ``after``; of what is before it no leaf is read. Of each level about
    ``together`` inner nodes are opened at a time; what is below them is held, and two leaves or so.
    """
    if old is not None and new is not None and old.address == new.address:
        return iter(())
    level = max((root.level for root in (old, new) if root is not None), default=0)
    stretch = _Stretch(_root(nodes, old, level), _root(nodes, new, level), _END)
    stretches: Iterator[_Stretch] = iter((stretch,))
    for above in range(level, 0, -1):
        stretches = _below(nodes, stretches, above, after, together)
    return _compared(nodes, stretches, after)


def _root(nodes: Nodes, root: Pointer | None, level: int) -> list[_Named]:
    """A root, and where it ends: that has to be known if it may be an inner node of the other."""
    if root is None:
        return []
    if root.level == level:
        return [(_END, root)]
    ids = nodes.visit(root).rows.ids
    return [(bytes(ids[-1]), root)] if len(ids) else []


def _below(
    nodes: Nodes, above: Iterator[_Stretch], level: int, after: bytes, together: int
) -> Iterator[_Stretch]:
    """The stretches of the level below ``level``."""
    old, new = _Side(nodes, level, after), _Side(nodes, level, after)
    for stretch in above:
        old.parents += stretch.old
        new.parents += stretch.new
        end = b""
        while end != stretch.upto:
            ends = sorted(end for end, _ in (*old.parents, *new.parents) if end <= stretch.upto)
            end = ends[together - 1] if len(ends) > together else stretch.upto
            nodes.expect([*old.wanted(end), *new.wanted(end)])
            decided, upto = _parted(old.open(end), new.open(end)), min(old.upto, new.upto)
            yield _Stretch(*decided, upto)


class _Side:
    """One tree on one level: unshared nodes above it, and what is below those opened."""

    def __init__(self, nodes: Nodes, level: int, after: bytes) -> None:
        self._nodes = nodes
        self._level = level
        self._after = after
        self._children: list[_Child] = []
        self.parents: list[_Named] = []
        # Up to here every node has been given by ``open``, or is below a shared one.
        self.upto = b""

    def wanted(self, end: bytes) -> list[Pointer]:
        """The nodes that ``open`` will read."""
        rows = self.parents[: self._reaching(end)]
        return [pointer for _, pointer in rows if pointer.level == self._level]

    def open(self, end: bytes) -> list[_Child]:
        """The nodes that end at ``end`` or before it and were not given yet."""
        stop = self._reaching(end)
        for last_id, pointer in self.parents[:stop]:
            self._children += self._below(last_id, pointer)
        del self.parents[:stop]
        upto = bisect_right(self._children, end, key=itemgetter(0))
        decided, self._children = self._children[:upto], self._children[upto:]
        if not self._children:
            self.upto = end
        elif decided:
            self.upto = decided[-1][0]
        return decided

    def _reaching(self, end: bytes) -> int:
        """How many of the nodes above begin at ``end`` or before it: the last may end after it."""
        stop = bisect_left(self.parents, end, key=itemgetter(0)) + 1
        return min(stop, len(self.parents))

    def _below(self, last_id: bytes, pointer: Pointer) -> Iterator[_Child]:
        if pointer.level < self._level:
            return iter([(last_id, pointer.address, pointer, 0)])
        node = self._nodes.visit(pointer)
        assert isinstance(node, Inner)
        rows = node.rows
        start = int(rows.ids.searchsorted(self._after, side="right"))
        addresses: list[bytes] = rows.values["address"][start:].tolist()
        return zip(rows.ids[start:].tolist(), addresses, repeat(node), count(start), strict=False)


def _parted(old: list[_Child], new: list[_Child]) -> tuple[list[_Named], list[_Named]]:
    """The nodes of both sides that the other does not have."""
    shared = {child[1] for child in old} & {child[1] for child in new}
    return _named(old, shared), _named(new, shared)


def _named(children: list[_Child], shared: set[bytes]) -> list[_Named]:
    """The nodes that are not shared, and where they end."""
    named: list[_Named] = []
    own = (child for child in children if child[1] not in shared)
    for parent, group in groupby(own, key=itemgetter(2)):
        some = list(group)
        if isinstance(parent, Pointer):
            pointers = [parent] * len(some)
        else:
            pointers = parent.pointers([child[3] for child in some])
        named += zip([child[0] for child in some], pointers, strict=True)
    return named


def _compared(nodes: Nodes, stretches: Iterator[_Stretch], after: bytes) -> Iterator[Difference]:
    """Compare leaves in pieces that end where one of either tree ends."""
    old, new = _Rows(nodes, after), _Rows(nodes, after)
    for stretch in stretches:
        old.leaves += stretch.old
        new.leaves += stretch.new
        nodes.expect(pointer for _, pointer in sorted(old.leaves + new.leaves, key=_end))
        while True:
            ends = [side.end for side in (old, new) if side.opened(stretch.upto)]
            if not ends:
                break
            end = min(*ends, stretch.upto)
            difference = _compare(old.take(end), new.take(end))
            if len(difference):
                yield difference


class _Piece(NamedTuple):
    """Some rows of a leaf, from ``start`` to before ``stop``."""

    leaf: Leaf
    start: int
    stop: int

    @property
    def rows(self) -> Entries:
        return self.leaf.rows.rows(self.start, self.stop)


class _Rows:
    """The records of one tree's leaves that are not shared, from left to right."""

    def __init__(self, nodes: Nodes, after: bytes) -> None:
        self._nodes = nodes
        self._after = after
        self._open = _Piece(Leaf.of(_NONE), 0, 0)
        # Up to where the leaf that is open reaches: its last id, of a root the end of all.
        self.end = b""
        self.leaves: list[_Named] = []

    def opened(self, upto: bytes) -> bool:
        """Whether a leaf is open that has records up to ``upto``; opens the next if none is."""
        while self._open.start == self._open.stop and self.leaves and self.end < upto:
            self.end, pointer = self.leaves.pop(0)
            leaf = self._nodes.visit(pointer)
            assert isinstance(leaf, Leaf)
            start = 0
            if self._after:
                start = int(leaf.rows.ids.searchsorted(self._after, side="right"))
            self._open = _Piece(leaf, start, len(leaf.rows))
        leaf, start, stop = self._open
        return start < stop and (self.end <= upto or bytes(leaf.rows.ids[start]) <= upto)

    def take(self, end: bytes) -> _Piece:
        """The records up to ``end``."""
        leaf, start, stop = self._open
        if start < stop and end < self.end:
            stop = max(start, int(leaf.rows.ids.searchsorted(end, side="right")))
        self._open = _Piece(leaf, stop, self._open.stop)
        return _Piece(leaf, start, stop)


def _end(named: _Named) -> bytes:
    return named[0]


def _compare(old: _Piece, new: _Piece) -> Difference:
    leaf_bytes = (new if new.start < new.stop else old).leaf.nbytes
    if (old.start, old.stop) == (new.start, new.stop):
        touched = may_differ(old.leaf, new.leaf)
        if touched is not None:
            if len(old.leaf.rows) > old.stop - old.start:
                touched = touched[(touched >= old.start) & (touched < old.stop)]
            before, after = old.leaf.rows.take(touched), new.leaf.rows.take(touched)
            return _changed(_NONE, _NONE, before, after, leaf_bytes)
    before, after = old.rows, new.rows
    at, in_both = located(before.ids, after.ids)
    at_old, at_new = at[in_both], np.flatnonzero(in_both)
    stays = np.zeros(len(before), np.bool_)
    stays[at_old] = True
    added, removed = after.where(~in_both), before.where(~stays)
    return _changed(added, removed, before.take(at_old), after.take(at_new), leaf_bytes)


def _changed(
    added: Entries, removed: Entries, before: Entries, after: Entries, leaf_bytes: int
) -> Difference:
    """What differs, of rows that are in both trees, and what is in one only."""
    same = same_values(before.values, after.values)
    if not np.count_nonzero(same):
        return Difference(added, removed, before, after, leaf_bytes)
    differ = ~same
    return Difference(added, removed, before.where(differ), after.where(differ), leaf_bytes)
