"""Bodies of records: storing them in packs, and getting them back verified."""

from collections.abc import Callable, Sequence
from hmac import compare_digest

import numpy as np
import numpy.typing as npt

from datavault.domain.cache import BoundedCache
from datavault.domain.digests import record_digest
from datavault.domain.errors import Corrupt
from datavault.domain.store.block import RecordBlock, encode_block
from datavault.domain.store.columns import LOCATOR, Locator, Locators, PackRef
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import BLOCK_BYTES, PACK_BYTES_MAX, Kind, PackWriter
from datavault.ports import Vault
from datavault.services.blocks import read_block, write_pack

# Sixteen runs that interleave, a block of each and some.
_BLOCKS_HELD = 8 * 1024 * 1024


def store_bodies(
    vault: Vault,
    keys: StoreKeys,
    lengths: npt.NDArray[np.uint32],
    bodies: Callable[[int, int], Sequence[bytes]],
) -> tuple[Locators, tuple[PackRef, ...]]:
    """Store bodies in their order, in blocks of about 64 KiB and packs of at most 64 MiB.

    ``lengths`` says how long each is; ``bodies(first, last)`` gives those of one block when it
    is their turn, so that they need not all be in memory. Returns where each of them is.
    Nothing refers to the packs yet.
    """
    count = len(lengths)
    locators = np.zeros(count, LOCATOR)
    packs: list[PackRef] = []
    writer: PackWriter | None = None
    ends = np.cumsum(lengths.astype(np.int64) + 1)
    first = 0
    while first < count:
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + BLOCK_BYTES)) + 1
        last = min(last, count)
        room = PACK_BYTES_MAX - 2 * int(ends[last - 1] - before)
        if writer is not None and writer.size > room:
            write_pack(vault, keys, writer)
            writer = None
        if writer is None:
            writer = PackWriter(keys.fresh_pack(Kind.RECORDS))
            packs.append(writer.key.ref)
        payload = encode_block(bodies(first, last), lengths[first:last], writer.slots)
        start, length, slot = writer.add(payload, slots=last - first)
        part = locators[first:last]
        part["pack"], part["start"], part["length"] = len(packs) - 1, start, length
        part["slot"] = np.arange(slot, slot + last - first)
        first = last
    if writer is not None:
        write_pack(vault, keys, writer)
    return locators, tuple(packs)


class BodyReader:
    """Gets bodies, one GET a block; keeps the last few blocks, for neighbours in id order."""

    def __init__(self, vault: Vault, keys: StoreKeys) -> None:
        self._vault = vault
        self._keys = keys
        self._blocks: BoundedCache[tuple[bytes, int], RecordBlock] = BoundedCache(_BLOCKS_HELD)

    def read(self, locator: Locator, digest: bytes) -> bytes:
        """One record's body, verified by its block's seal and by its digest."""
        name = (locator.pack.id, locator.start)
        block = self._blocks.get(name)
        if block is None:
            payload = read_block(
                self._vault,
                self._keys,
                Kind.RECORDS,
                locator.pack,
                locator.start,
                locator.length,
                locator.slot,
            )
            block = RecordBlock.decode(payload)
            self._blocks.put(name, block, cost=len(payload))
        return verified(self._keys, block.body(locator.slot), digest)


def verified(keys: StoreKeys, body: bytes, digest: bytes) -> bytes:
    """``body``, if that is what the tree says it is."""
    if not compare_digest(record_digest(body, keys.ids.record), digest):
        raise Corrupt("a stored record does not have the digest that the tree says")
    return body
