"""The columns that nodes and patches are stored as, written and read back.

What each is, byte by byte, is told at the top of ``node``. Reading takes a few numpy calls a
column, and whatever the bytes are, it gives columns that hold together or ``Corrupt``.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Corrupt
from datavault.domain.ids import RECORD_ID_BYTES_MAX
from datavault.domain.store.columns import (
    LOCATOR,
    PACK_ID_BYTES,
    PACK_SEED_BYTES,
    Ids,
    Locators,
    PackRef,
    ascending,
)

PACK = struct.Struct(f"<{PACK_ID_BYTES}sI{PACK_SEED_BYTES}s")
_NARROW_PACKS = 256


def id_bytes(ids: Ids, lengths: NDArray[np.uint16]) -> bytes:
    """The ids one after the other, without padding; ``lengths`` is theirs."""
    width = ids.dtype.itemsize
    if not len(ids) or int(lengths.min()) == width:
        return ids.tobytes()
    grid = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), width)
    return grid[np.arange(width) < lengths[:, None]].tobytes()


def read_ids(source: "Source", size: int) -> Ids:
    """``size`` ids: lengths, then bytes."""
    lengths = source.array(np.dtype("<u2"), size)
    if not size:
        return np.empty(0, "S1")
    width = int(lengths.max())
    if width > RECORD_ID_BYTES_MAX or not lengths.all():
        raise Corrupt(f"record ids have 1 to {RECORD_ID_BYTES_MAX} bytes, not 0 or {width}")
    letters = source.array(np.dtype(np.uint8), int(lengths.sum(dtype=np.int64)))
    if not letters.all():
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
    (size,) = source.array(np.dtype("<u2"), 1).tolist()
    rows = source.array(np.dtype(f"V{PACK.size}"), size)
    return tuple(PackRef(*row) for row in PACK.iter_unpack(rows.tobytes()))


def write_places(locators: Locators, packs: int) -> bytes:
    """The places of rows in ``packs`` packs."""
    pack = locators["pack"].astype(np.uint8 if packs <= _NARROW_PACKS else "<u2")
    if packs > 1:
        locators = locators.take(np.argsort(pack, kind="stable"))
    starts, lengths = locators["start"], locators["length"]
    fresh = np.ones(len(locators), np.bool_)
    fresh[1:] = (starts[1:] != starts[:-1]) | (lengths[1:] != lengths[:-1])
    if packs > 1:
        fresh[1:] |= locators["pack"][1:] != locators["pack"][:-1]
    runs = np.flatnonzero(fresh)
    entries = np.diff(runs, append=len(locators)).astype("<u4")
    starts, lengths = starts[runs], lengths[runs]
    gaps = starts.copy()
    gaps[1:] -= starts[:-1] + lengths[:-1]
    slots = locators["slot"].copy()
    slots[1:] -= locators["slot"][:-1]
    columns = b"".join(map(_planes, (entries, gaps, lengths, slots)))
    return len(runs).to_bytes(4, "little") + pack.tobytes() + columns


def read_places(source: "Source", size: int, packs: int) -> Locators:
    """The places of ``size`` rows in ``packs`` packs."""
    (runs,) = source.array(np.dtype("<u4"), 1).tolist()
    pack = source.array(np.dtype(np.uint8 if packs <= _NARROW_PACKS else "<u2"), size)
    if runs > size or (size and int(pack.max()) >= packs):
        raise Corrupt(f"tree node with a place in none of its {packs} packs")
    entries, gaps, lengths = (source.planes(runs) for _ in range(3))
    if int(entries.sum(dtype=np.uint64)) != size:
        raise Corrupt(f"tree node with other than {size} places")
    ends = gaps + lengths
    np.cumsum(ends, out=ends)
    in_order = np.empty(size, LOCATOR)
    in_order["slot"] = np.cumsum(source.planes(size), dtype=np.uint32)
    in_order["start"] = np.repeat(ends - lengths, entries)
    in_order["length"] = np.repeat(lengths, entries)
    if packs <= 1:
        in_order["pack"] = pack
        return in_order
    order = np.argsort(pack, kind="stable")
    in_order["pack"] = pack[order]
    locators = np.empty(size, LOCATOR)
    locators[order] = in_order
    return locators


def _planes(column: NDArray[np.uint32]) -> bytes:
    return column.astype("<u4", copy=False).view(np.uint8).reshape(len(column), 4).T.tobytes()


class Source:
    """Payload bytes, taken one column after the other; ``Corrupt`` where they end too early."""

    __slots__ = ("_at", "_payload")

    def __init__(self, payload: bytes, magic: bytes) -> None:
        self._payload = memoryview(payload)
        if self._payload[: len(magic)] != magic:
            raise Corrupt(f"not a {magic[:3].decode()} of version {magic[3]}")
        self._at = len(magic)

    def numbers(self, layout: struct.Struct) -> tuple[int, ...]:
        """The numbers of ``layout``."""
        start = self._advance(layout.size)
        return layout.unpack_from(self._payload, start)

    def array[T: np.generic](self, dtype: np.dtype[T], size: int) -> NDArray[T]:
        """A column, as a view that cannot be written to."""
        start = self._advance(size * dtype.itemsize)
        return np.frombuffer(self._payload[start : self._at], dtype)

    def planes(self, size: int) -> NDArray[np.uint32]:
        """A column that was written in byte planes."""
        planes = self.array(np.dtype(np.uint8), 4 * size).reshape(4, size)
        return np.ascontiguousarray(planes.T).view("<u4").ravel()

    def since(self, start: int) -> memoryview:
        """The bytes from ``start`` up to here."""
        return self._payload[start : self._at]

    def close(self) -> None:
        """Make sure that there are no more bytes."""
        if self._at != len(self._payload):
            raise Corrupt(f"{len(self._payload) - self._at} bytes too many in a tree node")

    def _advance(self, size: int) -> int:
        start = self._at
        if start + size > len(self._payload):
            raise Corrupt(f"tree node of {len(self._payload)} bytes, {start + size} needed")
        self._at = start + size
        return start
