"""What differs between two trees, found by comparing addresses before anything is read.

Where both trees have a node of the same address its records are the same, and it is not read. So
the cost grows with the number of nodes that changes have touched, not with the size of the trees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from datavault.domain.store.columns import Entries, found_at, same_values
from datavault.domain.store.node import Inner, Leaf, Pointer
from datavault.domain.store.nodes import Nodes


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Records of a range of ids that are not the same in two trees.

    ``before`` and ``after`` are the records that are in both with different digests: the same
    ids, row by row, as the old tree and as the new one has them.
    """

    added: Entries
    removed: Entries
    before: Entries
    after: Entries

    def __len__(self) -> int:
        return len(self.added) + len(self.removed) + len(self.after)


def differences(nodes: Nodes, old: Pointer, new: Pointer) -> Iterator[Difference]:
    """What differs between the trees at ``old`` and ``new``, in order of id, a leaf or so at a
    time; a record with the same digest in another place does not differ.

    Holds a pointer per node that differs, and two leaves or so.
    """
    old_leaves, new_leaves = _unshared_leaves(nodes, old, new)
    nodes.expect_pointers(_by_turns(old_leaves, new_leaves))
    return _compare_runs(_entries(nodes, old_leaves), _entries(nodes, new_leaves))


def _unshared_leaves(
    nodes: Nodes, old: Pointer, new: Pointer
) -> tuple[list[Pointer], list[Pointer]]:
    level = max(old.level, new.level)
    sides = [old], [new]
    while True:
        known = [{pointer.address for pointer in side} for side in sides]
        shared = known[0] & known[1]
        sides = (
            [pointer for pointer in sides[0] if pointer.address not in shared],
            [pointer for pointer in sides[1] if pointer.address not in shared],
        )
        if not level:
            return sides
        sides = _expanded(nodes, sides[0], level), _expanded(nodes, sides[1], level)
        level -= 1


def _expanded(nodes: Nodes, pointers: list[Pointer], level: int) -> list[Pointer]:
    """The children of the nodes at ``level``; those below it (a lower tree's root) stay."""
    nodes.expect_pointers(pointer for pointer in pointers if pointer.level == level)
    expanded: list[Pointer] = []
    for pointer in pointers:
        if pointer.level < level:
            expanded.append(pointer)
            continue
        node = nodes.visit(pointer)
        assert isinstance(node, Inner)
        expanded += map(node.pointer, range(len(node.rows)))
    return expanded


def _by_turns(old: list[Pointer], new: list[Pointer]) -> Iterator[Pointer]:
    """Both lists, about in the order in which they will be read."""
    for pair in zip_longest(old, new):
        yield from (pointer for pointer in pair if pointer is not None)


def _entries(nodes: Nodes, leaves: list[Pointer]) -> Iterator[Entries]:
    for pointer in leaves:
        leaf = nodes.visit(pointer)
        assert isinstance(leaf, Leaf)
        if len(leaf.rows):
            yield leaf.rows


def _compare_runs(old: Iterator[Entries], new: Iterator[Entries]) -> Iterator[Difference]:
    """Compare two runs of entries in pieces that end where a leaf of either ends."""
    before, after = next(old, None), next(new, None)
    while before is not None or after is not None:
        ends = [rows.ids[-1] for rows in (before, after) if rows is not None]
        end = min(ends)
        old_part, before = _split(before, end)
        new_part, after = _split(after, end)
        difference = _compare(old_part, new_part)
        if len(difference):
            yield difference
        before = before if before is not None else next(old, None)
        after = after if after is not None else next(new, None)


def _split(rows: Entries | None, end: bytes) -> tuple[Entries, Entries | None]:
    """The rows up to ``end``, and the rest, if there is any."""
    if rows is None:
        return Entries.empty(), None
    stop = int(rows.ids.searchsorted(end, side="right"))
    return rows.rows(0, stop), rows.rows(stop, len(rows)) if stop < len(rows) else None


def _compare(old: Entries, new: Entries) -> Difference:
    at = old.ids.searchsorted(new.ids)
    in_both = found_at(old.ids, at, new.ids)
    stays = np.zeros(len(old), np.bool_)
    stays[at[in_both]] = True
    before, after = old.take(at[in_both]), new.where(in_both)
    differ = ~same_values(before.values, after.values)
    return Difference(
        added=new.where(~in_both),
        removed=old.where(~stays),
        before=before.where(differ),
        after=after.where(differ),
    )
