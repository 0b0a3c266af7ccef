"""Where the rows of a tree are stored: a slot of a pack and the block that holds it, in columns.

A column of places can be one that is made ``Later``: most of what is read is read for its digests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, override

import numpy as np
from numpy.typing import NDArray

PACK_ID_BYTES = 16
PACK_SEED_BYTES = 32

type Locators = NDArray[np.void]

# Slots of a pack and bytes of it: where the sealed block starts and how long it is.
LOCATOR = np.dtype([("pack", "<u4"), ("slot", "<u4"), ("start", "<u4"), ("length", "<u4")])
# The same as plain bytes: numpy copies those at once, and records field by field.
RAW = np.dtype(f"V{LOCATOR.itemsize}")
# A locator whose pack is this one is absent; only anchors of children can be.
NO_PACK = 0xFFFF_FFFF


class PackRef(NamedTuple):
    """What is needed to find a pack and derive its key: 16-byte id, key epoch, 32-byte seed."""

    id: bytes
    epoch: int
    seed: bytes

    @override
    def __repr__(self) -> str:
        """All but the seed."""
        return f"PackRef(id={self.id!r}, epoch={self.epoch})"


@dataclass(frozen=True, slots=True)
class Locator:
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

    def __getitem__(self, part: slice) -> "Later":
        size = len(range(*part.indices(self._size)))
        return Later(size, lambda: self.made[part])

    def take(self, rows: NDArray[np.intp], axis: int = 0) -> "Later":
        """These rows of it, which are made later too."""
        return Later(len(rows), lambda: self.taken(rows, axis))

    def taken(self, rows: NDArray[np.intp], axis: int = 0) -> Locators:
        """These rows of it, made now."""
        return self.made.take(rows, axis)


class Replaced(Later):
    """Locators with those of some rows replaced; the others are not made for what needs none."""

    __slots__ = ("_at", "_new", "_old")

    def __init__(
        self, old: "Locators | Later", at: NDArray[np.intp], new: "Locators | Later"
    ) -> None:
        super().__init__(len(old), partial(_with, old, at, new))
        self._old = old
        self._at = at
        self._new = new

    @override
    def taken(self, rows: NDArray[np.intp], axis: int = 0) -> Locators:
        if self._made is not None or not len(self._at):
            return super().taken(rows, axis)
        place = self._at.searchsorted(rows)
        hit = self._at.take(place, mode="clip") == rows
        if hit.all():
            return _taken(self._new, place)
        places = np.empty(len(rows), LOCATOR)
        places[hit] = _taken(self._new, place[hit])
        places[~hit] = _taken(self._old, rows[~hit])
        return places


def _with(old: Locators | Later, at: NDArray[np.intp], new: Locators | Later) -> Locators:
    column = copied(made(old))
    column[at] = made(new)
    return column


def made(stored: Locators | Later) -> Locators:
    """The column."""
    return stored.made if isinstance(stored, Later) else stored


def _taken(stored: Locators | Later, rows: NDArray[np.intp]) -> Locators:
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


def renumbered(locators: Locators, table: Sequence[int]) -> Locators:
    """The same places where pack ``i`` has the number ``table[i]``."""
    column = copied(locators)
    numbers = np.array([*table, NO_PACK], np.uint32)
    column["pack"] = numbers.take(column["pack"], mode="clip")
    return column


def later_renumbered(stored: Locators | Later, table: Sequence[int]) -> Later:
    """The same, made when asked for."""
    return Later(len(stored), lambda: renumbered(made(stored), table))


def copied(locators: Locators) -> Locators:
    """A copy."""
    return locators.view(RAW).copy().view(LOCATOR)
