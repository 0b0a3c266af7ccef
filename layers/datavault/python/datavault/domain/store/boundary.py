"""Where a run of sorted ids is cut into nodes: by a keyed hash of each id, and of nothing else.

The hash is multilinear over 32-bit lanes with 64-bit multipliers, modulo 2**64, of which the upper
32 bits are kept (Lemire and Kaser, "Strongly universal string hashing is fast", 2014). For a random
key it is *strongly universal*: the hashes of any two ids are uniform and independent. That
suffices, because a cut is not asked to withstand an opponent who can see cuts: it is asked to
make nodes of about the right size for ids that were chosen without the key, and for those the
expected number of cuts is exact and its variance that of independent draws. What ids an opponent
with the key could pick is bounded by the cap, a deterministic cut. The key is there so that the
sizes of sealed nodes tell nothing about ids. It costs some 8 ns per 32-byte id, where a
cryptographic hash per id would cost a Python call.

An id is padded with NUL to whole lanes. It holds no NUL itself, so no two ids get the same lanes;
a lane of zero adds nothing to the sum, so an id hashes the same in an array of any width. The
last step, a bijection of 32-bit words (the finaliser of MurmurHash3), keeps universality and
breaks up the arithmetic progression in which consecutive numbers hash otherwise.
"""

from dataclasses import dataclass

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from datavault.domain.ids import RECORD_ID_BYTES_MAX
from datavault.domain.store.columns import Ids

HASH_BITS = 32
_LANE_BYTES = 4
_LANES_MAX = RECORD_ID_BYTES_MAX // _LANE_BYTES
# 16,384 ids of 32 bytes are 1 MiB as 64-bit lanes: within a core's cache, and few numpy calls.
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How large nodes are; part of the format, since two shapes give two trees.

    A leaf of 1024 entries of 32-byte ids takes some 37 kB sealed. An inner node has 256 children,
    so three levels hold 64 M records and four 17 G: with 10 + 8 + 8 + 6 bits of hash left for them.
    An inner node has at least two children (but the last of a level), so that levels shrink.
    """

    leaf_bits: int = 10
    leaf_entries_max: int = 4096
    inner_bits: int = 8
    inner_entries_max: int = 1024


SHAPE = Shape()
_INNER_ENTRIES_MIN = 2


class Boundaries:
    """Decides the cuts of one store: the same for the same ids, in whatever order they came."""

    __slots__ = ("_multipliers", "_shape")

    def __init__(self, key: bytes, *, shape: Shape = SHAPE) -> None:
        """``key`` is ``IdKeys.boundary``."""
        stream = blake3(key=key).digest(8 * (_LANES_MAX + 1))
        self._multipliers = np.frombuffer(stream, "<u8")
        self._shape = shape

    def hashes(self, ids: Ids) -> NDArray[np.uint32]:
        """The keyed hash of each id, whatever the width of the array."""
        width = -(-ids.dtype.itemsize // _LANE_BYTES) * _LANE_BYTES
        block = max(1, _BLOCK_BYTES // (2 * width))
        hashes = np.empty(len(ids), np.uint32)
        for start in range(0, len(ids), block):
            part = np.ascontiguousarray(ids[start : start + block].astype(f"S{width}", copy=False))
            lanes = part.view("<u4").reshape(len(part), width // _LANE_BYTES)
            hashes[start : start + block] = self._hash_lanes(lanes)
        return hashes

    def ends(self, ids: Ids, level: int) -> list[int]:
        """The row after the last of each node that is complete, given the ids of a level from a
        node's start on; the rows after the last end belong to a node that may go on."""
        shape = self._shape
        if level == 0:
            shift, bits, least, most = 0, shape.leaf_bits, 1, shape.leaf_entries_max
        else:
            shift = shape.leaf_bits + (level - 1) * shape.inner_bits
            bits, least, most = shape.inner_bits, _INNER_ENTRIES_MIN, shape.inner_entries_max
        # Where the hash has no bits left, more than 2**32 records up, only the cap cuts.
        bits = max(0, min(bits, HASH_BITS - shift))
        candidates: list[int] = []
        if bits:
            mask = np.uint32(((1 << bits) - 1) << shift)
            candidates = (np.flatnonzero((self.hashes(ids) & mask) == 0) + 1).tolist()
        return _spaced(candidates, len(ids), least, most)

    def _hash_lanes(self, lanes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        multipliers = self._multipliers[1 : 1 + lanes.shape[1]]
        sums = lanes.astype(np.uint64) @ multipliers
        sums += self._multipliers[0]
        sums >>= np.uint64(64 - HASH_BITS)
        mixed: NDArray[np.uint32] = sums.astype(np.uint32)
        mixed ^= mixed >> np.uint32(16)
        mixed *= np.uint32(0x85EBCA6B)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(0xC2B2AE35)
        mixed ^= mixed >> np.uint32(16)
        return mixed


def _spaced(candidates: list[int], total: int, least: int, most: int) -> list[int]:
    """The ends that are at least ``least`` and at most ``most`` rows after the one before."""
    ends: list[int] = []
    start = 0
    for candidate in [*candidates, total + most]:
        while candidate - start > most and start + most <= total:
            start += most
            ends.append(start)
        if candidate <= total and candidate - start >= least:
            start = candidate
            ends.append(start)
    return ends
