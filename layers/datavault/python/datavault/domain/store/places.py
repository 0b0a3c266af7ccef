"""Where the rows of a tree are stored: a slot of a pack and the block that holds it, in columns.

A column of places can be one that is made ``Later``: most of what is read is read for its digests.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, override

import numpy as np
from numpy.typing import NDArray

PACK_ID_BYTES = 16
PACK_SEED_BYTES = 32

type Locators = NDArray[np.void]
type Packs = tuple["PackRef", ...]
type Rows = NDArray[np.intp]
type Numbers = NDArray[np.uint32]
"""The new number of each pack of a table, and at the end ``NO_PACK``, which stays."""

# Slots of a pack and bytes of it: where the sealed block starts and how long it is.
LOCATOR = np.dtype([("pack", "<u4"), ("slot", "<u4"), ("start", "<u4"), ("length", "<u4")])
# The same as plain bytes: numpy copies those at once, and records field by field.
RAW = np.dtype(f"V{LOCATOR.itemsize}")
# Of so few, which is sooner than to look at them as bytes.
_FEW = 100
# A locator whose pack is this one is absent; only anchors of children can be.
NO_PACK = 0xFFFF_FFFF

NO_ROWS: Rows = np.empty(0, np.intp)
NO_ROWS.setflags(write=False)


class PackRef(NamedTuple):
    """What is needed to find a pack and derive its key: 16-byte id, key epoch, 32-byte seed."""

    id: bytes
    epoch: int
    seed: bytes

    @override
    def __repr__(self) -> str:
        """All but the seed."""
        return f"PackRef(id={self.id!r}, epoch={self.epoch})"


class Locator(NamedTuple):
    """Where one thing is stored: a slot of a pack and, as a hint, the block that holds it."""

    pack: PackRef
    slot: int
    start: int
    length: int


class Later:
    """A column of locators that is made when it is first asked for: a diff asks for few.

    To make it cannot fail: what it is made of was checked before. Until then it keeps that in
    memory, so who holds rows of many leaves holds them ``settled``. Safe in several threads.
    """

    __slots__ = ("_made", "_make", "_size")

    def __init__(self, size: int, make: Callable[[], Locators]) -> None:
        self._size = size
        self._make = make
        self._made: Locators | None = None

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """The bytes of the column once made."""
        return self._size * LOCATOR.itemsize

    @property
    def made(self) -> Locators:
        """The column."""
        column = self._made
        if column is None:
            self._made = column = self._make()
        return column

    def renumbered(self, numbers: Numbers) -> "Later":
        """The same places where pack ``i`` has the number ``numbers[i]``, made later too."""
        return Later(self._size, lambda: renumbered(self.made, numbers))

    def __getitem__(self, part: slice) -> "Later":
        size = len(range(*part.indices(self._size)))
        return Later(size, lambda: self.made[part])

    def take(self, rows: Rows, axis: int = 0) -> "Later":
        """These rows of it, which are made later too."""
        return Later(len(rows), lambda: self.taken(rows, axis))

    def taken(self, rows: Rows, axis: int = 0) -> Locators:
        """These rows of it, made now."""
        return self.made.take(rows, axis)


class Replaced(Later):
    """Locators with those of the rows ``at``, which ascend, replaced; the others are not made for
    what needs none.

    What is replaced again is one column with more rows replaced, so ``of`` never is of this kind.
    """

    __slots__ = ("_new", "at", "of")

    at: Rows
    of: "Locators | Later"

    def __init__(self, old: "Locators | Later", at: Rows, new: "Locators | Later") -> None:
        if isinstance(old, Replaced):
            at, new = _both(old.at, old._new, at, new)
            old = old.of
        super().__init__(len(old), partial(_with, old, at, new))
        self.of = old
        self.at = at
        self._new: Locators | Later = new

    @override
    def taken(self, rows: Rows, axis: int = 0) -> Locators:
        if rows is self.at:
            return made(self._new)
        if self._made is not None or not len(self.at):
            return super().taken(rows, axis)
        place = self.at.searchsorted(rows)
        hit = self.at.take(place, mode="clip") == rows
        if np.count_nonzero(hit) == len(hit):
            return _taken(self._new, place)
        places = np.empty(len(rows), LOCATOR)
        places[hit] = _taken(self._new, place[hit])
        places[~hit] = _taken(self.of, rows[~hit])
        return places


def rows_replaced(old: Locators | Later, new: Locators | Later) -> Rows | None:
    """The rows where ``new`` can differ from ``old``, of which it was made by replacing some;
    ``None`` if it was made otherwise."""
    if new is old:
        return NO_ROWS
    return new.at if isinstance(new, Replaced) and new.of is old else None


def _both(
    at: Rows, places: Locators | Later, later_at: Rows, later: Locators | Later
) -> tuple[Rows, Locators]:
    """The rows that either replaces and their places; of a row that both do, the later one's."""
    rows = np.concatenate((at, later_at))
    order = rows.argsort(kind="stable")
    rows = rows.take(order)
    last = np.ones(len(rows), np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=last[:-1])
    if np.count_nonzero(last) < len(last):
        rows, order = rows[last], order[last]
    both = np.concatenate((made(places).view(RAW), made(later).view(RAW)))
    return rows, both.take(order).view(LOCATOR)


def _with(old: Locators | Later, at: Rows, new: Locators | Later) -> Locators:
    column = copied(made(old))
    column[at] = made(new)
    return column


def made(stored: Locators | Later) -> Locators:
    """The column."""
    return stored.made if isinstance(stored, Later) else stored


def _taken(stored: Locators | Later, rows: Rows) -> Locators:
    return stored.taken(rows) if isinstance(stored, Later) else stored.take(rows)


def locator_columns(
    locators: Sequence[Locator | None],
) -> tuple[Locators, tuple[PackRef, ...]]:
    """A column of locators and its table of packs; for a few, not for a row per record."""
    numbers: dict[PackRef, int] = {}
    rows = [
        (NO_PACK, 0, 0, 0)
        if locator is None
        else (
            numbers.setdefault(locator.pack, len(numbers)),
            locator.slot,
            locator.start,
            locator.length,
        )
        for locator in locators
    ]
    return np.array(rows, LOCATOR), tuple(numbers)


def locator_of(row: np.void, packs: tuple[PackRef, ...]) -> Locator:
    """One row of a column."""
    pack, slot, start, length = row.item()
    return Locator(packs[pack], slot, start, length)


def renumbered(locators: Locators, numbers: Numbers) -> Locators:
    """The same places where pack ``i`` has the number ``numbers[i]``."""
    column = copied(locators)
    column["pack"] = numbers.take(column["pack"], mode="clip")
    return column


def column_renumbered(stored: Locators | Later, numbers: Numbers) -> Locators | Later:
    """The same for a column that may be made later, and is then renumbered later."""
    return stored.renumbered(numbers) if isinstance(stored, Later) else renumbered(stored, numbers)


def copied(locators: Locators) -> Locators:
    """A copy."""
    if locators.size < _FEW:
        return locators.copy()
    return locators.view(RAW).copy().view(LOCATOR)


def joined(packs: Packs, others: Packs) -> tuple[Packs, Numbers | None]:
    """``packs`` and those of ``others`` that are not among them, and the numbers of ``others``;
    ``None`` where they keep theirs."""
    if others is packs or others == packs:
        return packs, None
    few = len(packs) + len(others) <= _PACKS_HELD
    return _held_united(packs, others) if few else _united(packs, others)


def _united(packs: Packs, others: Packs) -> tuple[Packs, Numbers | None]:
    numbers = dict(zip(packs, range(len(packs)), strict=True))
    table = [numbers.setdefault(pack, len(numbers)) for pack in others]
    if len(numbers) > len(packs):
        packs = tuple(numbers)
    if table == list(range(len(table))):
        return packs, None
    return packs, np.array([*table, NO_PACK], np.uint32)


# Leaves that are read one after the other mostly have the same few packs, so the same tables are
# united over and over. Those held are some 200 bytes a pack.
_PACKS_HELD = 256
_held_united = lru_cache(maxsize=32)(_united)
