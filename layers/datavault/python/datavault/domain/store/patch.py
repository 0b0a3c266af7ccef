"""A leaf as its difference from another, and the bytes that it is stored as.

Patch, a leaf as its difference from another, stored in full, its anchor::

    magic       4  "LVP" and the version, 1
    anchor      u4  number of entries of the anchor
    counts      u4 removed, u4 put, u4 inserted (of those put)
    removed     u2 * removed  ascending rows of the anchor
    put         u2 * put  ascending; 2 * row: a new id before it; 2 * row + 1: its new value
    lengths     u2 * inserted, and the ids, as in a node
    digests     16 * put
    packs, places of those put, as in a leaf

Numbers, ids and places are as in a node (``node``).
"""

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Corrupt
from datavault.domain.store.columns import (
    DIGEST,
    Entries,
    Mask,
    ascending,
    located,
    over_one_table,
    replaced,
    same_values,
    spliced,
)
from datavault.domain.store.encoding import (
    ENTRIES_MAX,
    Source,
    id_bytes,
    read_ids,
    read_packs,
    read_places,
    write_packs,
    write_places,
)
from datavault.domain.store.places import NO_ROWS, Rows

PATCH_MAGIC = b"LVP\x01"

_ROW = np.dtype("<u2")
_NONE, _ONE = _ROW.type(0), _ROW.type(1)
_HEAD = struct.Struct("<IIII")


@dataclass(slots=True, eq=False)
class Patch:
    """How a leaf differs from its anchor.

    ``put`` holds the entries that are new or have another digest or locator; ``at`` is the
    anchor's row that each replaces or, where ``inserted``, comes before; ``removed`` is rows.
    """

    anchor_count: int
    removed: Rows
    at: Rows
    inserted: Mask
    put: Entries

    def __len__(self) -> int:
        return len(self.removed) + len(self.put)

    @property
    def keeps_ids(self) -> bool:
        """Whether the leaf has the ids that its anchor has."""
        return not len(self.removed) and not np.count_nonzero(self.inserted)

    @classmethod
    def between(cls, anchor: Entries, leaf: Entries) -> Self:
        """The patch that makes ``leaf`` of ``anchor``, locators included."""
        at, hit = located(anchor.ids, leaf.ids)
        met = at[hit]
        _, (before, after) = over_one_table([anchor, leaf])
        same = hit.copy()
        same[hit] = same_values(anchor.values.take(met), leaf.values[hit])
        same[hit] &= same_values(before.take(met), after[hit])
        gone = np.ones(len(anchor), np.bool_)
        gone[at[hit]] = False
        put = np.flatnonzero(~same)
        entries = leaf.take(put).with_used_packs()
        return cls(len(anchor), np.flatnonzero(gone), at[put], ~hit[put], entries)

    @classmethod
    def replacing(cls, anchor: Entries, leaf: Entries, rows: Rows) -> Self:
        """The same for two leaves of the same ids that differ in none but ``rows``, ascending."""
        same = same_values(anchor.values.take(rows), leaf.values.take(rows))
        if np.count_nonzero(same):
            _, (old, new) = over_one_table([anchor.take(rows), leaf.take(rows)])
            rows = rows[~(same & same_values(old, new))]
        put = leaf.take(rows).with_used_packs()
        return cls(len(anchor), NO_ROWS, rows, np.zeros(len(rows), np.bool_), put)

    def applied(self, anchor: Entries) -> Entries:
        """The leaf that the patch makes of ``anchor``.

        Raises:
            Corrupt: the patch is not for this anchor.
        """
        if len(anchor) != self.anchor_count:
            raise Corrupt(f"patch for {self.anchor_count} entries, its anchor has {len(anchor)}")
        if self.keeps_ids:
            return replaced(anchor, self.at, self.put)
        stays = np.ones(len(anchor), np.bool_)
        stays[self.removed] = False
        met = self.at[~self.inserted]
        stays[met] = False
        ids = self.put.ids.astype(np.promote_types(self.put.ids.dtype, anchor.ids.dtype))
        ids[~self.inserted] = anchor.ids[met]
        put = Entries(ids, self.put.values, self.put.stored, self.put.packs)
        rows = spliced(anchor, stays, put, self.at)
        if not ascending(rows.ids):
            raise Corrupt("patch puts entries out of order")
        return rows


def encode_patch(patch: Patch) -> bytes:
    """The payload that ``patch`` is stored as."""
    put = patch.put
    new_ids = b""
    inserts = np.count_nonzero(patch.inserted)
    if inserts:
        ids = put.ids[patch.inserted]
        lengths = np.strings.str_len(ids).astype(_ROW)
        new_ids = lengths.tobytes() + id_bytes(ids, lengths)
    where = patch.at.astype(_ROW)
    where += where
    where += ~patch.inserted
    return b"".join(
        [
            PATCH_MAGIC,
            _HEAD.pack(patch.anchor_count, len(patch.removed), len(put), inserts),
            patch.removed.astype(_ROW).tobytes(),
            where.tobytes(),
            new_ids,
            put.values.tobytes(),
            write_packs(put.packs),
            write_places(put.locators, len(put.packs)),
        ]
    )


def decode_patch(payload: bytes) -> Patch:
    """The patch in ``payload``; whether it is for its anchor, only ``applied`` can tell.

    Raises:
        Corrupt: ``payload`` is not a patch that ``encode_patch`` could have made.
    """
    source = Source(payload, PATCH_MAGIC)
    anchor_count, removals, puts, inserts = source.numbers(_HEAD)
    if max(anchor_count, removals, puts) > ENTRIES_MAX or inserts > puts:
        raise Corrupt(f"patch of {puts} entries, {inserts} new, on {anchor_count}")
    removed = source.array(_ROW, removals).astype(np.intp) if removals else NO_ROWS
    where = source.array(_ROW, puts)
    at, inserted = (where >> _ONE).astype(np.intp), (where & _ONE) == _NONE
    if (
        not _rises(removed, anchor_count - 1)
        or not _rises(where, 2 * anchor_count, again=inserted)
        or np.count_nonzero(inserted) != inserts
    ):
        raise Corrupt("patch with rows out of order or range")
    ids = np.zeros(puts, "S1")
    if inserts:
        new_ids = read_ids(source, inserts)
        ids = np.zeros(puts, new_ids.dtype)
        ids[inserted] = new_ids
    values = source.array(DIGEST, puts)
    packs = read_packs(source)
    locators = read_places(source, puts, len(packs))
    source.close()
    return Patch(anchor_count, removed, at, inserted, Entries(ids, values, locators, packs))


def _rises(rows: NDArray[np.integer], most: int, *, again: Mask | None = None) -> bool:
    """Whether rows ascend, up to ``most``: strictly, but that those ``again`` may be repeated."""
    if not len(rows):
        return True
    later, earlier = rows[1:], rows[:-1]
    rising = later > earlier
    if again is not None and np.count_nonzero(rising) < len(rising):
        rising |= (later == earlier) & again[1:]
    return int(rows[-1]) <= most and np.count_nonzero(rising) == len(rising)
