"""Rows of the tree as columns: ids, what the tree is about, and where it is stored.

Columns are parallel numpy arrays in ascending order of id, and never written to once made.
Record ids have no NUL, so the NUL padding of an ``S`` array says nothing false about them, and
numpy compares them as unsigned bytes, which is the order of UTF-8 and of code points.

What is made a dozen times a leaf is not frozen, here and in the modules that use it: to make it
frozen takes four times as long. Nobody sets a field of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datavault.domain.digests import ADDRESS_BYTES, DIGEST_BYTES
from datavault.domain.errors import Invalid
from datavault.domain.store.places import (
    LOCATOR,
    NO_PACK,
    RAW,
    Later,
    Locator,
    Locators,
    Numbers,
    PackRef,
    Replaced,
    column_renumbered,
    copied,
    joined,
    locator_of,
    made,
    renumbered,
)

type Ids = NDArray[np.bytes_]
type Values = NDArray[np.void]
type Mask = NDArray[np.bool_]

DIGEST = np.dtype(f"V{DIGEST_BYTES}")
CHILD = np.dtype([("address", f"V{ADDRESS_BYTES}"), ("count", "<u8")])
_WORD = np.dtype("<u8")


@dataclass(slots=True, eq=False)
class Columns:
    """Rows in ascending order of id, without duplicates.

    ``stored`` is the ``locators``, or those not made yet. ``locators["pack"]`` is an index into
    ``packs``. ``locators`` has shape ``(n,)`` for entries and ``(n, 2)`` for children: where the
    node is stored, and the anchor of its patch, if any.
    """

    ids: Ids
    values: Values
    stored: Locators | Later
    packs: tuple[PackRef, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def locators(self) -> Locators:
        """Where the rows are stored."""
        return made(self.stored)

    def settled(self) -> Self:
        """The same rows with locators that are made, and nothing kept that they were made of."""
        if not isinstance(self.stored, Later):
            return self
        return type(self)(self.ids, self.values, self.stored.made, self.packs)

    @property
    def nbytes(self) -> int:
        """About how much memory the rows take."""
        columns = self.ids.nbytes + self.values.nbytes + self.stored.nbytes
        return columns + 200 * len(self.packs)

    def rows(self, start: int, stop: int) -> Self:
        """The rows from ``start`` to before ``stop``, as views."""
        part = slice(start, stop)
        return type(self)(self.ids[part], self.values[part], self.stored[part], self.packs)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Copies of the rows with these numbers, which must ascend."""
        return type(self)(
            self.ids.take(rows), self.values.take(rows), self.stored.take(rows, 0), self.packs
        )

    def where(self, mask: Mask) -> Self:
        """Copies of the rows that ``mask`` selects."""
        return self.take(mask.nonzero()[0])

    def locator(self, row: int) -> Locator:
        """Where a row is stored."""
        return locator_of(np.atleast_1d(self.locators[row])[0], self.packs)

    def compacted(self) -> Self:
        """The same rows with ids as narrow as they can be and no pack that none of them uses."""
        width = max(1, int(np.strings.str_len(self.ids).max(initial=1)))
        rows = self.with_used_packs()
        if self.ids.itemsize == width:
            return rows
        return type(self)(rows.ids.astype(f"S{width}"), rows.values, rows.stored, rows.packs)

    def with_used_packs(self) -> Self:
        """The same rows with no pack that none of them uses."""
        known = len(self.packs)
        locators = self.locators
        used = np.zeros(known + 1, np.bool_)
        # What has no pack is clipped to the last.
        used.put(locators["pack"], True, mode="clip")
        used[known] = False
        if np.count_nonzero(used) == known:
            return self
        rows = used.nonzero()[0]
        numbers = np.empty(known + 1, np.uint32)
        numbers.fill(NO_PACK)
        numbers[rows] = np.arange(len(rows))
        packs = tuple([self.packs[row] for row in rows.tolist()])
        return type(self)(self.ids, self.values, renumbered(locators, numbers), packs)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, one after the other, over one table of packs."""
        if len(parts) == 1:
            return parts[0]
        packs, locators = over_one_table(parts)
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([column.view(RAW) for column in locators]).view(LOCATOR),
            packs,
        )


@dataclass(slots=True, eq=False)
class Entries(Columns):
    """Records: ``values`` is their digests, dtype ``DIGEST``."""

    @classmethod
    def empty(cls) -> Self:
        """No entries."""
        return cls(np.empty(0, "S1"), np.empty(0, DIGEST), np.empty(0, LOCATOR), ())

    @property
    def digests(self) -> Values:
        """The digests, one ``V16`` each."""
        return self.values


@dataclass(slots=True, eq=False)
class Children(Columns):
    """The nodes below an inner node: ``ids`` is the last record id below each, ``values`` is
    of dtype ``CHILD`` (address, number of records)."""

    @classmethod
    def empty(cls) -> Self:
        """No children."""
        return cls(np.empty(0, "S1"), np.empty(0, CHILD), np.empty((0, 2), LOCATOR), ())

    def places(self, rows: Sequence[int]) -> list[tuple[Locator, Locator | None]]:
        """Where some children are stored and, of a patch, where the leaf is that it is for."""
        packs = self.packs
        return [
            (
                Locator(packs[pack], *stored),
                None if anchor_pack == NO_PACK else Locator(packs[anchor_pack], *anchor),
            )
            for (pack, *stored), (anchor_pack, *anchor) in self.locators.take(rows, 0).tolist()
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What to put into a tree, and, where ``removed``, what to take out of it.

    A removed row's digest and locator are not looked at, but its locator's pack must be one of
    ``entries.packs``.

    Raises:
        Invalid: the ids do not ascend strictly, or the columns differ in length.
    """

    entries: Entries
    removed: Mask

    def __post_init__(self) -> None:
        entries = self.entries
        sizes = {len(entries.ids), len(entries.values), len(entries.stored), len(self.removed)}
        if len(sizes) != 1:
            raise Invalid(f"columns of changes differ in length: {sorted(sizes)}")
        if not ascending(entries.ids):
            raise Invalid("ids of changes must ascend strictly")
        if len(entries) and int(entries.locators["pack"].max()) >= max(1, len(entries.packs)):
            raise Invalid(f"a change is in none of the {len(entries.packs)} packs listed")

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def put(cls, entries: Entries) -> "Changes":
        """Put all of ``entries``."""
        return cls(entries, np.zeros(len(entries), np.bool_))

    @classmethod
    def remove(cls, ids: Ids) -> "Changes":
        """Remove ``ids``, which ascend."""
        size = len(ids)
        entries = Entries(ids, np.zeros(size, DIGEST), np.zeros(size, LOCATOR), ())
        return cls(entries, np.ones(size, np.bool_))

    @classmethod
    def merge_sorted(cls, parts: Sequence["Changes"]) -> "Changes":
        """All parts in one; of equal ids the one in the last part counts."""
        if not parts:
            return cls.put(Entries.empty())
        if len(parts) == 1:
            return parts[0]
        entries = Entries.concat([part.entries for part in parts])
        removed = np.concatenate([part.removed for part in parts])
        # Where a removed row is stored nobody asks; its part may have had no pack at all.
        entries.locators["pack"][removed] = 0
        order = stable_order(entries.ids)
        ids = entries.ids.take(order)
        last = np.ones(len(ids), np.bool_)
        last[:-1] = ids[1:] != ids[:-1]
        chosen = order[last]
        return cls(entries.take(chosen), removed.take(chosen))


@dataclass(frozen=True, slots=True, eq=False)
class Merged[C: Columns]:
    """Rows with changes made, and how many rows each kind of change met.

    ``rows`` is the old object itself when nothing changed, and has the old column of ids itself
    when none came or went.
    """

    rows: C
    added: int
    changed: int
    unchanged: int
    removed: int


def merge[C: Columns](old: C, new: C, removed: Mask) -> Merged[C]:
    """``old`` with the rows of ``new`` put in or, where ``removed``, taken out.

    A row whose value is the same as before stays as it is, with its old locator.
    """
    at = old.ids.searchsorted(new.ids)
    hit = found_at(old.ids, at, new.ids)
    if np.count_nonzero(hit) == len(hit) and not np.count_nonzero(removed):
        return _with_replaced(old, at, new)
    same = hit & ~removed
    kept = same.nonzero()[0]
    same[kept] = same_values(old.values.take(at[kept]), new.values.take(kept))
    dropped = hit & removed
    upserted = ~removed & ~same
    counts = [int(np.count_nonzero(mask)) for mask in (hit & upserted, same, dropped, upserted)]
    changed, unchanged, gone, put = counts
    if not gone and not put:
        return Merged(old, 0, 0, unchanged, 0)
    if not len(old):
        return Merged(new if put == len(new) else new.where(upserted), put, 0, 0, 0)
    stays = np.ones(len(old), np.bool_)
    stays[at[hit & ~same]] = False
    rows = spliced(old, stays, new.where(upserted), at[upserted])
    return Merged(rows, put - changed, changed, unchanged, gone)


def _with_replaced[C: Columns](old: C, at: NDArray[np.intp], new: C) -> Merged[C]:
    """``old`` with ``new`` in the place of its rows ``at``, which have the same ids."""
    same = same_values(old.values.take(at), new.values)
    unchanged = int(np.count_nonzero(same))
    if unchanged == len(at):
        return Merged(old, 0, 0, unchanged, 0)
    if unchanged:
        at, new = at[~same], new.where(~same)
    return Merged(replaced(old, at, new), 0, len(at), unchanged, 0)


def spliced[C: Columns](old: C, stays: Mask, new: C, before: NDArray[np.intp]) -> C:
    """The rows of ``old`` that stay, with each of ``new`` put before row ``before`` of ``old``."""
    if not len(new):
        return old.where(stays)
    stays_before = np.zeros(len(old) + 1, np.intp)
    np.cumsum(stays, out=stays_before[1:])
    total = int(stays_before[-1]) + len(new)
    is_new = np.zeros(total, np.bool_)
    is_new[stays_before[before] + np.arange(len(new))] = True
    order = np.empty(total, np.intp)
    order[is_new] = np.arange(len(old), len(old) + len(new))
    order[~is_new] = np.flatnonzero(stays)
    return type(old).concat([old, new.compacted()]).take(order)


def replaced[C: Columns](old: C, at: NDArray[np.intp], new: C) -> C:
    """The rows of ``old`` with what the rows ``at`` are about and where as ``new`` has it."""
    packs, table = joined(old.packs, new.packs)
    values = old.values.copy()
    values[at] = new.values
    places = new.stored if table is None else column_renumbered(new.stored, table)
    if isinstance(old.stored, Later):
        return type(old)(old.ids, values, Replaced(old.stored, at, places), packs)
    locators = copied(old.stored)
    locators[at] = made(places)
    return type(old)(old.ids, values, locators, packs)


def stable_order(texts: Ids) -> NDArray[np.intp]:
    """What ``np.argsort(texts, kind="stable")`` gives, faster where the first 8 bytes differ.

    Numbers are sorted many times faster than strings. Only texts that begin alike are sorted as
    strings, after that.
    """
    width = texts.dtype.itemsize
    if width < 8 or not len(texts):
        return np.argsort(texts, kind="stable")
    octets = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    heads = np.ascontiguousarray(octets[:, :8]).view(">u8").ravel().astype(np.uint64)
    order = np.argsort(heads)
    ordered = heads.take(order)
    alike = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(alike):
        # All of them at once: those that begin alike stay together, in the same places.
        is_alike = np.zeros(len(order), np.bool_)
        is_alike[alike] = is_alike[alike + 1] = True
        places = is_alike.nonzero()[0]
        rows = np.sort(order.take(places))
        order[places] = rows.take(np.argsort(texts.take(rows), kind="stable"))
    return order


def same_values(left: Values, right: Values) -> Mask:
    """Where two columns of the same dtype, a multiple of eight bytes wide, are equal.

    As 64-bit words: several times faster than numpy's comparison of ``V16``.
    """
    width = left.dtype.itemsize // _WORD.itemsize
    some, others = left.view(_WORD), right.view(_WORD)
    same: Mask = some[::width] == others[::width]
    for word in range(1, width):
        # Mostly it is versions of changed records that are compared, and none is the same.
        if not np.count_nonzero(same):
            break
        same &= some[word::width] == others[word::width]
    return same


def ascending(ids: Ids) -> bool:
    """Whether each id is greater than the one before."""
    rising = ids[1:] > ids[:-1]
    return int(np.count_nonzero(rising)) == len(rising)


def found_at(ids: Ids, at: NDArray[np.intp], sought: Ids) -> Mask:
    """Whether each of ``sought`` is the row of ``ids`` where ``searchsorted`` says it would be."""
    if not len(ids):
        return np.zeros(len(sought), np.bool_)
    # Past the end is greater than the last, so to look at the last is no hit.
    found: Mask = ids.take(at, mode="clip") == sought
    return found


def located(ids: Ids, sought: Ids) -> tuple[NDArray[np.intp], Mask]:
    """Where each of ``sought`` is in ``ids`` or would have to be put, and whether it is there.

    Both ascend. Versions of a leaf mostly hold the same ids, which is seen sooner than searched.
    """
    if ids is sought or (ids.dtype == sought.dtype and ids.tobytes() == sought.tobytes()):
        return np.arange(len(ids)), np.ones(len(ids), np.bool_)
    at = ids.searchsorted(sought)
    return at, found_at(ids, at, sought)


def over_one_table(parts: Sequence[Columns]) -> tuple[tuple[PackRef, ...], list[Locators]]:
    """The parts' locators, renumbered to share the table of packs that comes with them."""
    packs, tables = _one_table(parts)
    return packs, [
        part.locators if table is None else renumbered(part.locators, table)
        for part, table in zip(parts, tables, strict=True)
    ]


def _one_table(parts: Sequence[Columns]) -> tuple[tuple[PackRef, ...], list[Numbers | None]]:
    """A table of all packs of the parts, and the number there of each pack of each part; ``None``
    where a part's packs keep their numbers. Those of the first part do."""
    packs = parts[0].packs
    tables: list[Numbers | None] = [None]
    for part in parts[1:]:
        packs, table = joined(packs, part.packs)
        tables.append(table)
    return packs, tables
