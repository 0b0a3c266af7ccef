"""Packs: immutable objects of sealed blocks, and the keys that each write attempt draws anew.

Format 1 (integers little-endian)::

    header   0   4   magic "DVPK"
             4   1   format, 1
             5   1   suite, 1: HKDF-SHA256, zstd, AES-256-GCM with the block index as nonce
             6   1   kind: 1 records, 2 nodes, 3 staged records
             7   1   zero
             8   4   epoch of the store's data key (DEK)
             12  4   zero
             16  16  store id, the bytes of its UUID
             32  32  seed, random, fresh for each write attempt
             64  32  key commitment
    blocks   one after the other, numbered from 0: u32 number, then a sealed zstd frame
    footer   sealed with number 2**32 - 1: the block table, see below
    trailer  4   length of the sealed footer
             4   magic "DVPE"

``HKDF-Expand(DEK, tag || store || epoch || kind || seed)`` (SHA-256; the tag is the ASCII text
``io.llm-data-vault/1/pack keys``, the epoch u32, the kind u8) gives the pack id (16 bytes, its
name), the pack key (32) and the key commitment (32). AES-GCM alone does not commit to its key: a
pack read whole has its commitment compared first, and a block read alone is found by a pack id
that a sealed locator names and the key derivation has to give. The nonce of a block is its number
in 12 bytes, big end first. Its associated data are the pack's first 6 bytes, store id, pack id, u8
kind, u32 number, and u8 1 for the last one (the footer), else 0; so a block moved to another pack
or to another store does not open, and one moved within the pack only for whom its place gives no
number: of such the slots, and then digest or address, are compared. A truncated pack has no footer.

Key and nonce never come from content: another compression of the same content would use them
again for another plaintext.

The block table: u32 count, then u32 columns: start of each block in the pack, its sealed length,
its first slot, and the number of its slots. Slots number what the pack holds, from 0.
"""

import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from hmac import compare_digest
from threading import local
from uuid import UUID

import numpy as np
import numpy.typing as npt
import zstandard

from datavault.domain.crypto.sealing import TAG_BYTES, CountedSealer
from datavault.domain.digests import expand
from datavault.domain.errors import Corrupt
from datavault.domain.ids import StoreId
from datavault.domain.store.places import PACK_ID_BYTES, PACK_SEED_BYTES, PackRef

HEADER_BYTES = 96
TRAILER_BYTES = 8
# Blocks are the unit of reading: 64 KiB is where compression stops gaining much (PERFORMANCE).
BLOCK_BYTES = 64 * 1024
PACK_BYTES_MAX = 64 * 1024 * 1024
# A block holds at least one record whole (4 MiB), a node or a page of an index.
BLOCK_PAYLOAD_BYTES_MAX = 16 * 1024 * 1024
# Level 1 on ingest; compaction may choose 3. Decompression is the same.
ZSTD_LEVEL = 1

_MAGIC = b"DVPK"
_MAGIC_END = b"DVPE"
_FORMAT = 1
_SUITE = 1
_HEADER = struct.Struct("<4sBBBxI4x16s32s32s")
_TRAILER = struct.Struct("<I4s")
_PLACE = struct.Struct("<4sBB16s16sBI?")
_FOOTER_INDEX = 2**32 - 1
_TAG = b"io.llm-data-vault/1/pack keys"

type Column = npt.NDArray[np.uint32]


class Kind(IntEnum):
    """What a pack holds; part of its key, so one kind is never read as another."""

    RECORDS = 1
    NODES = 2
    STAGED = 3


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Where the blocks of a pack are and which slots they hold."""

    starts: Column
    lengths: Column
    first_slots: Column
    slot_counts: Column

    def encode(self) -> bytes:
        """The footer's payload, as the module describes it."""
        columns = (self.starts, self.lengths, self.first_slots, self.slot_counts)
        return struct.pack("<I", len(self.starts)) + b"".join(
            column.astype("<u4").tobytes() for column in columns
        )

    @classmethod
    def decode(cls, payload: bytes) -> "BlockTable":
        """The table in an opened footer, or ``Corrupt``."""
        count = int.from_bytes(payload[:4], "little")
        if len(payload) != 4 + 16 * count:
            raise Corrupt(f"a block table of {count} blocks has {len(payload)} bytes")
        columns = np.frombuffer(payload, "<u4", offset=4).reshape(4, count)
        return cls(*columns)


class PackKey:
    """The name and the key of one pack; seals and opens its blocks. Safe in several threads."""

    __slots__ = ("_commitment", "_sealer", "_store", "kind", "ref")

    def __init__(self, dek: bytes, store: StoreId, kind: Kind, epoch: int, seed: bytes) -> None:
        self._store = UUID(store.removeprefix("st_")).bytes
        info = _TAG + self._store + epoch.to_bytes(4, "little") + bytes([kind]) + seed
        derived = expand(dek, info, length=PACK_ID_BYTES + 64)
        self.kind = kind
        self.ref = PackRef(derived[:PACK_ID_BYTES], epoch, seed)
        self._sealer = CountedSealer(derived[PACK_ID_BYTES : PACK_ID_BYTES + 32])
        self._commitment = derived[PACK_ID_BYTES + 32 :]

    @classmethod
    def fresh(cls, dek: bytes, store: StoreId, kind: Kind, epoch: int) -> "PackKey":
        """A key for one write attempt."""
        return cls(dek, store, kind, epoch, os.urandom(PACK_SEED_BYTES))

    def header(self) -> bytes:
        """The pack's first 96 bytes."""
        return _HEADER.pack(
            _MAGIC,
            _FORMAT,
            _SUITE,
            self.kind,
            self.ref.epoch,
            self._store,
            self.ref.seed,
            self._commitment,
        )

    def check_header(self, header: bytes) -> None:
        """Return if ``header`` is this pack's, its commitment included; else ``Corrupt``."""
        if not compare_digest(header, self.header()):
            raise Corrupt(f"pack {self.ref.id.hex()} has another header than its key commits to")

    def seal_block(self, index: int, payload: bytes) -> bytes:
        """Compress and seal block ``index``, and write the index in front; each index once."""
        frame = _compressor().compress(payload)
        return index.to_bytes(4, "little") + self._sealer.seal(
            index, frame, self._place(index, last=False)
        )

    def open_block(self, sealed: bytes, expected: int | None = None) -> bytes:
        """The payload of a sealed block, verified; with the number ``expected`` if that is known.

        A locator does not know it. Who reads by one compares what the block holds: the range of its
        slots and each record's digest, or the node's address.
        """
        index = int.from_bytes(sealed[:4], "little")
        if expected is not None and index != expected:
            raise Corrupt(
                f"block {index} of pack {self.ref.id.hex()} is where {expected} should be"
            )
        place = self._place(index, last=False)
        return _decompress(self._sealer.unseal(index, sealed[4:], place))

    def seal_footer(self, table: BlockTable) -> bytes:
        """The sealed footer and the trailer that end the pack."""
        footer = self._sealer.seal(
            _FOOTER_INDEX,
            _compressor().compress(table.encode()),
            self._place(_FOOTER_INDEX, last=True),
        )
        return footer + _TRAILER.pack(len(footer), _MAGIC_END)

    def open_footer(self, sealed: bytes) -> BlockTable:
        """The block table in the sealed footer, verified."""
        place = self._place(_FOOTER_INDEX, last=True)
        return BlockTable.decode(_decompress(self._sealer.unseal(_FOOTER_INDEX, sealed, place)))

    def _place(self, index: int, *, last: bool) -> bytes:
        return _PLACE.pack(
            _MAGIC, _FORMAT, _SUITE, self._store, self.ref.id, self.kind, index, last
        )


class PackWriter:
    """Collects sealed blocks into one pack, in order."""

    def __init__(self, key: PackKey) -> None:
        self.key = key
        self._parts: list[bytes] = [key.header()]
        self._rows: list[tuple[int, int, int, int]] = []
        self._size = HEADER_BYTES
        self._slots = 0

    @property
    def size(self) -> int:
        """Bytes so far, without the footer."""
        return self._size

    @property
    def blocks(self) -> int:
        """Blocks so far: the index of the next one."""
        return len(self._rows)

    @property
    def slots(self) -> int:
        """Slots so far: the first one of the next block."""
        return self._slots

    def add(self, payload: bytes, *, slots: int) -> tuple[int, int, int]:
        """Seal ``payload`` as the next block; its start, sealed length and first slot."""
        return self.add_sealed(self.key.seal_block(self.blocks, payload), slots=slots)

    def add_sealed(self, sealed: bytes, *, slots: int) -> tuple[int, int, int]:
        """Take a block already sealed under the next index (by another thread, perhaps)."""
        place = (self._size, len(sealed), self._slots)
        self._rows.append((*place, slots))
        self._parts.append(sealed)
        self._size += len(sealed)
        self._slots += slots
        return place

    def finish(self) -> list[bytes]:
        """The whole pack, as parts to be written one after the other."""
        columns = np.array(self._rows, dtype=np.uint32).reshape(-1, 4).T
        return [*self._parts, self.key.seal_footer(BlockTable(*columns))]


def read_header(header: bytes) -> tuple[Kind, int, StoreId, bytes]:
    """Kind, epoch, store and seed that a pack's header claims; to be checked with ``PackKey``."""
    if len(header) != HEADER_BYTES:
        raise Corrupt(f"a pack header has {HEADER_BYTES} bytes, this has {len(header)}")
    magic, version, suite, kind, epoch, store, seed, _ = _HEADER.unpack(header)
    if (magic, version, suite) != (_MAGIC, _FORMAT, _SUITE) or kind not in set(Kind):
        raise Corrupt("these bytes are not a pack of a known format")
    return Kind(kind), epoch, StoreId(f"st_{UUID(bytes=store)}"), seed


def open_table(key: PackKey, pack: bytes) -> BlockTable:
    """The block table of a whole pack, after checking its header, its end and its layout."""
    if len(pack) < HEADER_BYTES + TRAILER_BYTES + TAG_BYTES:
        raise Corrupt(f"pack {key.ref.id.hex()} is cut off at {len(pack)} bytes")
    key.check_header(pack[:HEADER_BYTES])
    footer_bytes, magic = _TRAILER.unpack(pack[-TRAILER_BYTES:])
    footer_start = len(pack) - TRAILER_BYTES - footer_bytes
    if magic != _MAGIC_END or footer_start < HEADER_BYTES:
        raise Corrupt(f"pack {key.ref.id.hex()} has no footer")
    table = key.open_footer(pack[footer_start:-TRAILER_BYTES])
    ends = table.starts.astype(np.int64) + table.lengths
    expected = np.concatenate(([HEADER_BYTES], ends))
    if not np.array_equal(expected[:-1], table.starts) or expected[-1] != footer_start:
        raise Corrupt(f"pack {key.ref.id.hex()} has blocks that do not follow one another")
    return table


class _Contexts(local):
    """One compressor and one decompressor a thread: making them costs more than a small block."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=False)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def _compressor() -> zstandard.ZstdCompressor:
    return _contexts.compressor


def _decompress(frame: bytes) -> bytes:
    """The payload of an authentic frame. Its size stands in the frame, and is bounded here."""
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= BLOCK_PAYLOAD_BYTES_MAX:
            raise Corrupt(f"a block claims {size} bytes, at most {BLOCK_PAYLOAD_BYTES_MAX} allowed")
        return _contexts.decompressor.decompress(frame)
    except zstandard.ZstdError:
        raise Corrupt("a block does not decompress") from None
