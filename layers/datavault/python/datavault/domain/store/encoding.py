"""The columns that nodes and patches are stored as, written and read back.

What each is, byte by byte, is told at the top of ``node``. Reading takes a few numpy calls a
column, and whatever the bytes are, it gives columns that hold together or ``Corrupt``.
"""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import starmap
from typing import override

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Corrupt
from datavault.domain.ids import RECORD_ID_BYTES_MAX
from datavault.domain.store.columns import Ids, ascending
from datavault.domain.store.places import (
    LOCATOR,
    PACK_ID_BYTES,
    PACK_SEED_BYTES,
    Later,
    Locators,
    Numbers,
    PackRef,
)

# Rows of a node.
ENTRIES_MAX = 4096
PACK = struct.Struct(f"<{PACK_ID_BYTES}sI{PACK_SEED_BYTES}s")
_NARROW_PACKS = 256
_NARROW, _WIDE = np.dtype(np.uint8), np.dtype("<u2")
_OCTET = np.dtype(np.uint8)
_COUNT = struct.Struct("<I")
_PACKS = struct.Struct("<H")
_PLACE = np.dtype(f"V{LOCATOR.itemsize}")


def id_bytes(ids: Ids, lengths: NDArray[np.uint16]) -> bytes:
    """The ids one after the other, without padding; ``lengths`` is theirs."""
    width = ids.dtype.itemsize
    if not len(ids) or int(lengths.min()) == width:
        return ids.tobytes()
    grid = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), width)
    return grid[np.arange(width) < lengths[:, None]].tobytes()


def read_ids(source: "Source", size: int) -> Ids:
    """``size`` ids: lengths, then bytes."""
    if not size:
        return np.empty(0, "S1")
    lengths = source.array(_WIDE, size)
    width = int(lengths[0])
    total = size * width
    if np.count_nonzero(lengths == lengths[0]) < size:
        width, total = int(lengths.max()), int(lengths.sum(dtype=np.int64))
    if width > RECORD_ID_BYTES_MAX or np.count_nonzero(lengths) < size:
        raise Corrupt(f"record ids have 1 to {RECORD_ID_BYTES_MAX} bytes, not 0 or {width}")
    letters = source.array(_OCTET, total)
    if b"\0" in letters.tobytes():
        raise Corrupt("record id with a NUL")
    if len(letters) != size * width:
        grid = np.zeros((size, width), np.uint8)
        grid[np.arange(width) < lengths[:, None]] = letters
        letters = grid.ravel()
    ids: Ids = letters.view(f"S{width}")
    if not ascending(ids):
        raise Corrupt("record ids do not ascend")
    return ids


def write_packs(packs: Sequence[PackRef]) -> bytes:
    """The table of packs."""
    rows = [PACK.pack(pack.id, pack.epoch, pack.seed) for pack in packs]
    return len(packs).to_bytes(2, "little") + b"".join(rows)


def read_packs(source: "Source") -> tuple[PackRef, ...]:
    """The table of packs."""
    (size,) = source.numbers(_PACKS)
    return _packs(bytes(source.bytes(size * PACK.size)))


# Leaves that are read one after the other mostly have the same few packs, and one tuple then.
@lru_cache(maxsize=16)
def _packs(table: bytes) -> tuple[PackRef, ...]:
    packs = tuple(starmap(PackRef, PACK.iter_unpack(table)))
    if len(set(packs)) != len(packs):
        raise Corrupt("a pack is twice in a table of packs")
    return packs


def write_places(locators: Locators, packs: int) -> bytes:
    """The places of rows in ``packs`` packs."""
    size = len(locators)
    grid = np.frombuffer(locators.tobytes(), "<u4").reshape(size, 4)
    pack = grid[:, 0].astype(_NARROW if packs <= _NARROW_PACKS else _WIDE)
    if packs > 1:
        grid = grid.take(pack.argsort(kind="stable"), 0)
    steps = grid.copy()
    steps[1:] -= grid[:-1]
    in_pack, slots, starts, lengths = steps.T
    fresh = (in_pack | starts | lengths) != 0
    fresh[:1] = True
    runs = fresh.nonzero()[0]
    entries = np.empty(len(runs), "<u4")
    entries[:-1] = runs[1:] - runs[:-1]
    entries[-1:] = size - runs[-1:]
    starts, lengths = grid[:, 2:].take(runs, 0).T
    gaps = starts.copy()
    gaps[1:] -= starts[:-1] + lengths[:-1]
    columns = map(_planes, (entries, gaps, lengths, slots))
    return b"".join([len(runs).to_bytes(4, "little"), pack.tobytes(), *columns])


def read_places(source: "Source", size: int, packs: int) -> Later:
    """The places of ``size`` rows in ``packs`` packs: checked, and made when asked for."""
    (runs,) = source.numbers(_COUNT)
    pack: NDArray[np.uint8 | np.uint16]
    pack = source.array(_NARROW if packs <= _NARROW_PACKS else _WIDE, size)
    if runs > size or np.count_nonzero(pack >= packs):
        raise Corrupt(f"tree node with a place in none of its {packs} packs")
    blocks, slots = source.bytes(12 * runs), source.bytes(4 * size)
    if _first_sum(blocks, runs) != size:
        raise Corrupt(f"tree node with other than {size} places")
    return _Stored(size, partial(_places, pack, blocks, slots, sorted_by_pack=packs > 1))


class _Stored(Later):
    """Places as they are stored, whose packs can be given other numbers while they are made."""

    __slots__ = ("_places",)

    def __init__(self, size: int, places: Callable[[Numbers | None], Locators]) -> None:
        super().__init__(size, partial(places, None))
        self._places = places

    @override
    def renumbered(self, numbers: Numbers) -> Later:
        if self._made is not None:
            return super().renumbered(numbers)
        return Later(len(self), partial(self._places, numbers))


def _places(
    pack: NDArray[np.uint8 | np.uint16],
    blocks: memoryview,
    slots: memoryview,
    numbers: Numbers | None,
    *,
    sorted_by_pack: bool,
) -> Locators:
    size = len(pack)
    runs = _numbers(blocks, 3)
    places = np.empty((size, 4), "<u4")
    np.add.accumulate(_numbers(slots, 1)[0], dtype=np.uint32, out=places[:, 1])
    if runs.shape[1] == 1:
        # What one version changed in a leaf mostly lies in one block, at its start and length.
        places[:, 2:] = runs[1:, 0]
    else:
        entries, gaps, lengths = runs
        # A block's start and length go as one number: numpy is slow at filling records.
        starts = np.add.accumulate(gaps + lengths, dtype=np.uint32) - lengths
        sealed = lengths.astype("<u8") << np.uint64(32) | starts
        places.view("<u8")[:, 1] = sealed.repeat(entries)
    if sorted_by_pack:
        in_order, places = places, np.empty((size, 4), "<u4")
        places.view(_PLACE)[pack.argsort(kind="stable")] = in_order.view(_PLACE)
    places[:, 0] = pack if numbers is None else numbers.take(pack)
    return np.ndarray(size, LOCATOR, places)


def _numbers(planes: memoryview, columns: int) -> NDArray[np.uint32]:
    """Columns that were written in byte planes, one after the other: as many rows."""
    size = len(planes) // (4 * columns)
    octets: NDArray[np.uint8] = np.ndarray(
        (columns, size, 4), np.uint8, planes, 0, (4 * size, 1, size)
    )
    return octets.copy().view("<u4")[:, :, 0]


def _first_sum(planes: memoryview, size: int) -> int:
    """The sum of the first column of ``planes``, which has ``size`` rows."""
    low, high = sum(planes[:size]), sum(planes[size : 2 * size])
    higher, highest = sum(planes[2 * size : 3 * size]), sum(planes[3 * size : 4 * size])
    return low + (high << 8) + (higher << 16) + (highest << 24)


def _planes(column: NDArray[np.uint32]) -> bytes:
    octets = column.tobytes()
    return octets[::4] + octets[1::4] + octets[2::4] + octets[3::4]


class Source:
    """Payload bytes, taken one column after the other; ``Corrupt`` where they end too early."""

    __slots__ = ("_at", "_payload", "_size")

    def __init__(self, payload: bytes, magic: bytes) -> None:
        if not payload.startswith(magic):
            raise Corrupt(f"not a {magic[:3].decode()} of version {magic[3]}")
        self._payload = memoryview(payload)
        self._size = len(payload)
        self._at = len(magic)

    # A node is a dozen columns and mostly short: what a call costs is what reading it costs.

    def numbers(self, layout: struct.Struct) -> tuple[int, ...]:
        """The numbers of ``layout``."""
        start = self._at
        self._at = end = start + layout.size
        if end > self._size:
            raise self._ended()
        return layout.unpack_from(self._payload, start)

    def array[T: np.generic](self, dtype: np.dtype[T], size: int) -> NDArray[T]:
        """A column, as a view that cannot be written to."""
        start = self._at
        self._at = end = start + size * dtype.itemsize
        if end > self._size:
            raise self._ended()
        return np.frombuffer(self._payload, dtype, size, start)

    def bytes(self, size: int) -> memoryview:
        """The next ``size`` bytes."""
        start = self._at
        self._at = end = start + size
        if end > self._size:
            raise self._ended()
        return self._payload[start:end]

    def since(self, start: int) -> memoryview:
        """The bytes from ``start`` up to here."""
        return self._payload[start : self._at]

    def close(self) -> None:
        """Make sure that there are no more bytes."""
        if self._at != self._size:
            raise Corrupt(f"{self._size - self._at} bytes too many in a tree node")

    def _ended(self) -> Corrupt:
        return Corrupt(f"tree node of {self._size} bytes, {self._at} needed")
