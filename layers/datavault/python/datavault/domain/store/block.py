"""Blocks of records: what a pack of kind ``RECORDS`` or ``STAGED`` holds in each of its blocks.

Payload, format 1 (integers little-endian)::

    u32             count of records
    u32             slot of the first one
    u32 * count     their lengths
    the records     in slot order, each followed by one line feed

The line feeds make a block readable as NDJSON without touching each record; the lengths rule.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from datavault.domain.errors import Corrupt

_HEAD = struct.Struct("<II")


def encode_block(
    bodies: Sequence[bytes | memoryview], lengths: npt.NDArray[np.uint32], first_slot: int
) -> bytes:
    """The payload for ``bodies``, whose byte lengths are ``lengths``."""
    head = _HEAD.pack(len(bodies), first_slot) + lengths.astype("<u4").tobytes()
    # The first body goes with the head, so that the others are copied but once.
    first = b"".join((head, *bodies[:1]))
    return b"\n".join((first, *bodies[1:], b""))


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """A decoded block: ``payload[starts[i]:ends[i]]`` is the record in slot ``first_slot + i``."""

    payload: bytes
    first_slot: int
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def decode(cls, payload: bytes) -> "RecordBlock":
        """Find the records in a payload, or raise ``Corrupt``."""
        if len(payload) < _HEAD.size:
            raise Corrupt(f"a block of records has {len(payload)} bytes")
        count, first_slot = _HEAD.unpack_from(payload)
        head = _HEAD.size + 4 * count
        if len(payload) < head:
            raise Corrupt(f"a block of {count} records has {len(payload)} bytes")
        lengths = np.frombuffer(payload, "<u4", count, offset=_HEAD.size).astype(np.int64)
        ends = (lengths + 1).cumsum()
        ends += head - 1
        if len(payload) != (ends[-1] + 1 if count else head + 1):
            raise Corrupt(f"the lengths in a block of {count} records do not add up")
        return cls(payload, first_slot, ends - lengths, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def body(self, slot: int) -> bytes:
        """The record in ``slot``, or ``Corrupt`` when the block does not hold it."""
        index = slot - self.first_slot
        if not 0 <= index < len(self.starts):
            raise Corrupt(f"slot {slot} is not in the block that its locator names")
        return self.payload[int(self.starts[index]) : int(self.ends[index])]

    def bodies(self, slots: npt.NDArray[np.int64]) -> list[memoryview]:
        """Views of the records in some slots; ``Corrupt`` when the block does not hold them all."""
        rows = slots - self.first_slot
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(self.starts):
            raise Corrupt("a slot is not in the block that its locator names")
        payload = memoryview(self.payload)
        spans = zip(self.starts[rows].tolist(), self.ends[rows].tolist(), strict=True)
        return [payload[start:end] for start, end in spans]
