"""Three-way merging of trees, a range of ids at a time: who changed what, by digest.

What the other side changed since the base is found by comparing addresses, so its cost grows with
those changes. What our side made of the same ids is looked up in our tree, whose leaves have to
be read anyway to be changed; to compare our tree with the base as well would read, on top of
that, what only we changed and nobody asks about.

The three trees are read by turns, a few dozen leaves of each: of one place they mostly are patches
of the same full leaf, which is read and decoded once then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from datavault.domain.store.columns import (
    DIGEST,
    Changes,
    Entries,
    Ids,
    Mask,
    Values,
    found_at,
    same_values,
    stable_order,
)
from datavault.domain.store.diff import Difference
from datavault.domain.store.node import Pointer
from datavault.domain.store.nodes import ANCHORS_BYTES_MAX
from datavault.domain.store.places import LOCATOR
from datavault.domain.store.tree import Entry, Tree

# So many changed ids are looked at together: some 20 leaves' worth, 2 MB of columns.
SLICE_IDS = 16 * 1024
# And so many leaves that have changed, where few of their records have, and bytes of those: our
# side's, which are changed next, are still in the cache of nodes then (some 120 kB each, with their
# anchors, or 1.7 MB with the longest ids).
SLICE_PIECES = 256
SLICE_BYTES = 72 * 1024 * 1024
# Our side is looked up for so many leaves at a time, whose anchors are still in memory: of a leaf
# with its anchor, that is the larger part.
WINDOW_PIECES = 32
WINDOW_BYTES = ANCHORS_BYTES_MAX
# The digest of a record of which the base is not known; no record has it.
UNKNOWN = bytes(DIGEST.itemsize)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What one version has under some ids: row by row, where ``present``."""

    present: Mask
    entries: Entries

    @classmethod
    def concat(cls, parts: Sequence["Side"]) -> "Side":
        """The rows of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        present = np.concatenate([part.present for part in parts])
        return cls(present, Entries.concat([part.entries for part in parts]))

    def where(self, mask: Mask) -> "Side":
        """The rows that ``mask`` selects."""
        return Side(self.present[mask], self.entries.where(mask))

    def each(self) -> Iterator[Entry | None]:
        """The rows one by one; ``None`` where the version has no such record."""
        all_there = np.count_nonzero(self.present) == len(self.present)
        there = Entry.each(self.entries if all_there else self.entries.where(self.present))
        return (next(there) if present else None for present in self.present.tolist())

    def changes(self, mask: Mask) -> Changes:
        """What makes another version have the selected rows as this one has them."""
        present = self.present[mask]
        return Changes.merge_sorted(
            [
                Changes.put(self.entries.where(mask & self.present)),
                Changes.remove(self.entries.ids[mask][~present]),
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A range of ids: what is to be taken over from theirs as it is, and what both changed.

    The three sides have the same ids in the same rows: those that both changed, each otherwise.
    """

    taken: Changes
    base: Side
    ours: Side
    theirs: Side
    size: int
    """How many ids theirs has changed in this range."""
    upto: bytes
    """The last of them."""

    @property
    def disputed(self) -> Ids:
        """The ids that both sides changed, in order."""
        return self.base.entries.ids


def three_way(
    tree: Tree,
    base: Pointer | None,
    ours: Pointer,
    theirs: Pointer | None,
    *,
    after: bytes = b"",
    at_once: int = SLICE_IDS,
) -> Iterator[Slice]:
    """What changed from ``base`` to ``theirs`` (``None``: an empty tree), seen from ``ours``.

    Slices are ascending, disjoint ranges of ids greater than ``after``. What both sides made the
    same of is in none of them.
    """
    parts: list[_Compared] = []
    size = pieces = held = 0
    for window in _windows(tree.diff(base, theirs, after=after), at_once):
        part = _compared(tree, ours, window)
        parts.append(part)
        size += len(part.ids)
        pieces += len(window)
        held += _leaf_bytes(window)
        if size >= at_once or pieces >= SLICE_PIECES or held >= SLICE_BYTES:
            yield _slice(parts)
            parts = []
            size = pieces = held = 0
    if parts:
        yield _slice(parts)


def _windows(pieces: Iterable[Difference], at_once: int) -> Iterator[list[Difference]]:
    window: list[Difference] = []
    size = held = 0
    for piece in pieces:
        window.append(piece)
        size += len(piece)
        held += piece.leaf_bytes
        if size >= at_once or len(window) == WINDOW_PIECES or held >= WINDOW_BYTES:
            yield window
            window = []
            size = held = 0
    if window:
        yield window


def _leaf_bytes(pieces: Iterable[Difference]) -> int:
    return sum(piece.leaf_bytes for piece in pieces)


class _Compared(NamedTuple):
    """What both sides made of ids that theirs has changed, those the other way in ``disputed``."""

    ids: Ids
    taken: Changes
    base: Side
    ours: Side
    theirs: Side


def _compared(tree: Tree, ours: Pointer, pieces: Sequence[Difference]) -> _Compared:
    ids = _sorted_ids(pieces)
    before = [part for piece in pieces for part in (piece.removed, piece.before) if len(part)]
    old = _digests(ids, before)
    new = _side(ids, [part for piece in pieces for part in (piece.added, piece.after)])
    mine = tree.get_digests(ours, ids)
    untouched = _same(old, mine)
    agreed = _same(mine, (new.present, new.entries.values))
    disputed = ~untouched & ~agreed
    # Where the base and our side have their records is asked of those in dispute only.
    asked = ids[disputed]
    found = tree.get_many(ours, asked)
    return _Compared(
        ids,
        new.changes(untouched & ~agreed),
        _side(asked, [part.where(_among(part.ids, asked)) for part in before if len(asked)]),
        Side(found.found, Entries(asked, found.digests, found.locators, found.packs)),
        new.where(disputed),
    )


def _slice(parts: Sequence[_Compared]) -> Slice:
    return Slice(
        Changes.merge_sorted([part.taken for part in parts]),
        Side.concat([part.base for part in parts]),
        Side.concat([part.ours for part in parts]),
        Side.concat([part.theirs for part in parts]),
        sum(len(part.ids) for part in parts),
        bytes(parts[-1].ids[-1]),
    )


def _sorted_ids(pieces: Sequence[Difference]) -> Ids:
    ids = np.concatenate(
        [part.ids for piece in pieces for part in (piece.added, piece.removed, piece.after)]
    )
    return ids.take(stable_order(ids))


def _digests(ids: Ids, parts: list[Entries]) -> tuple[Mask, Values]:
    """Which of ``ids`` are in ``parts``, which are in any order, and their digests."""
    digests = np.zeros(len(ids), DIGEST)
    if not parts:
        return np.zeros(len(ids), np.bool_), digests
    given = np.concatenate([part.ids for part in parts])
    at = ids.searchsorted(given)
    present = np.zeros(len(ids), np.bool_)
    present[at] = True
    digests[at] = np.concatenate([part.values for part in parts])
    return present, digests


def _among(ids: Ids, some: Ids) -> Mask:
    """Which of ``ids`` are among ``some``; both ascend."""
    return found_at(some, some.searchsorted(ids), ids)


def _side(ids: Ids, parts: list[Entries]) -> Side:
    """The rows of ``parts``, which are in any order, laid out by ``ids``."""
    rows = Entries.concat([part for part in parts if len(part)] or [Entries.empty()])
    rows = rows.take(stable_order(rows.ids))
    at = rows.ids.searchsorted(ids)
    present = found_at(rows.ids, at, ids)
    digests, locators = np.zeros(len(ids), DIGEST), np.zeros(len(ids), LOCATOR)
    digests[present] = rows.values.take(at[present])
    locators[present] = rows.locators.take(at[present])
    return Side(present, Entries(ids, digests, locators, rows.packs))


def _same(left: tuple[Mask, Values], right: tuple[Mask, Values]) -> Mask:
    """Where both sides have the same record, or both have none."""
    equal = same_values(left[1], right[1])
    same: Mask = (left[0] == right[0]) & (equal | ~left[0])
    return same
