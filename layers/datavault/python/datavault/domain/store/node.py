"""Nodes of the tree, their addresses, and the bytes that they are stored as.

All numbers are little-endian. A stored node or patch is the payload of a sealed block, which
authenticates every byte of it; the address, recomputed on load, covers the *identity* only: ids,
digests, child addresses and counts, never where anything is stored.

Node, ``NODE_MAGIC + identity + places``::

    magic       4  "LVN" and the version, 1
    identity:
      level     u1  0: a leaf, whose rows are records; else an inner node, whose rows are nodes
      n         u4  number of rows, at most ENTRIES_MAX; 0 in a leaf only
      lengths   n * u2  bytes of each id, 1-512 (of a child: of the last record id below it)
      ids       the ids, without separators, ascending, no NUL
      values    leaf:  n * 16   digests
                inner: n * (32 + u8)  address, number of records below
    packs       table: p u2, then p * (16 id, u4 key epoch, 32 seed)
    stored      places of the n rows
    anchors     in an inner node: n * u1, 1 where the child is stored as a patch, then the
                places of those children's anchors

Places of n things in p packs::

    r           u4  number of runs
    pack        n * u1, or u2 when p > 256  index into the table, in id order
                from here on in order of (pack, position): records of a pack follow one another
    entries     r planes u4  how many follow one another in the same block
    start       r planes u4  the block's first byte, minus the end of the block before, mod 2**32
    length      r planes u4  the block's length
    slot        n planes u4  minus the slot before, mod 2**32: mostly 1

"Planes" are all low bytes, then all second bytes, and so on, which is what zstd likes.

A leaf may be stored as a patch of another (``patch``): what that makes of its anchor has the
address that its parent has for it, or is ``Corrupt``.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from datavault.domain.digests import ADDRESS_BYTES, Prefix, node_address
from datavault.domain.errors import Corrupt
from datavault.domain.store.columns import (
    CHILD,
    DIGEST,
    Children,
    Columns,
    Entries,
)
from datavault.domain.store.encoding import (
    ENTRIES_MAX,
    PACK,
    Source,
    id_bytes,
    read_ids,
    read_packs,
    read_places,
    write_packs,
    write_places,
)
from datavault.domain.store.patch import Patch
from datavault.domain.store.places import LOCATOR, NO_PACK, NO_ROWS, Locator, PackRef, Rows

NODE_MAGIC = b"LVN\x01"
POINTER_MAGIC = b"LVT\x01"
LEVEL_MAX = 32

_NODE_HEAD = struct.Struct("<BI")
_POINTER = struct.Struct(f"<4sBB{ADDRESS_BYTES}sQ")
_PLACE = struct.Struct(f"<{PACK.size}sIII")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A node: its address, level and number of records, and where it is stored.

    With an ``anchor``, ``locator`` is where its patch is stored, and ``anchor`` is the leaf that
    the patch is for.
    """

    address: bytes
    level: int
    count: int
    locator: Locator
    anchor: Locator | None = None

    def to_bytes(self) -> bytes:
        """The pointer, for a commit to name its root by: 110 bytes, with an anchor 174.

        Magic ("LVT", 1), u1 level, u1 number of places, 32 address, u8 count; then per place
        16 pack id, u4 key epoch, 32 seed, u4 slot, u4 start, u4 length.
        """
        places = [self.locator] if self.anchor is None else [self.locator, self.anchor]
        head = _POINTER.pack(POINTER_MAGIC, self.level, len(places), self.address, self.count)
        return head + b"".join(map(_place_bytes, places))

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Self:
        """The pointer in ``encoded``, or ``Corrupt``."""
        if len(encoded) < _POINTER.size:
            raise Corrupt(f"tree pointer of {len(encoded)} bytes, at least {_POINTER.size} needed")
        magic, level, places, address, count = _POINTER.unpack_from(encoded)
        whole = _POINTER.size + places * _PLACE.size
        if magic != POINTER_MAGIC or level > LEVEL_MAX or places not in (1, 2):
            raise Corrupt("not a tree pointer of version 1")
        if len(encoded) != whole or (level and places == 2):
            raise Corrupt(f"tree pointer of {len(encoded)} bytes, {whole} expected")
        locators = [
            _place_from(encoded, _POINTER.size + index * _PLACE.size) for index in range(places)
        ]
        return cls(address, level, count, *locators)


@dataclass(slots=True, eq=False)
class Leaf:
    """Records in ascending order of id.

    ``head`` is what the leaf's identity begins with, all but the digests: leaves of the same ids
    have it together. ``whole`` is the identity, where it is in memory in one piece.

    A leaf that a patch made has its ``anchor``. ``replaced`` is the rows that the patch put in
    place of the anchor's where it left the ids as they were, ``None`` where it did not; of a full
    leaf, which is its own anchor, none.
    """

    rows: Entries
    head: Prefix
    whole: bytes | memoryview | None = None
    anchor: "Leaf | None" = None
    replaced: Rows | None = field(default_factory=lambda: NO_ROWS)

    level = 0

    @classmethod
    def of(cls, rows: Entries) -> Self:
        """The leaf of these entries."""
        return cls.stored(rows, _identity(0, rows))

    @classmethod
    def stored(cls, rows: Entries, identity: bytes | memoryview) -> Self:
        """The leaf of these entries, whose identity is in memory."""
        digests = len(rows) * DIGEST.itemsize
        return cls(rows, Prefix(memoryview(identity)[: -digests or None]), identity)

    def patched(self, patch: Patch) -> Self:
        """The leaf that ``patch`` makes of this one, its anchor.

        Raises:
            Corrupt: the patch is not for this leaf.
        """
        rows = patch.applied(self.rows)
        if rows.ids is self.rows.ids:
            return type(self)(rows, self.head, None, self, patch.at)
        leaf = type(self).of(rows)
        return type(self)(rows, leaf.head, leaf.whole, self, None)

    def changed(self, rows: Entries) -> Self:
        """The full leaf of ``rows``, made sooner where they have this one's column of ids."""
        return type(self)(rows, self.head) if rows.ids is self.rows.ids else type(self).of(rows)

    @property
    def identity(self) -> bytes | memoryview:
        """The bytes that the leaf's address is the hash of."""
        if self.whole is not None:
            return self.whole
        return b"".join([self.head.octets, self.rows.values.tobytes()])

    @property
    def count(self) -> int:
        """The number of records."""
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """About how much memory the leaf takes, its anchor included."""
        anchor = 0 if self.anchor is None else self.anchor.nbytes
        whole = 0 if self.whole is None else len(self.whole)
        return self.rows.nbytes + whole + anchor


def may_differ(one: Leaf, other: Leaf) -> Rows | None:
    """Rows of two leaves of the same ids, all others being the same; ``None`` if not known.

    It is where both are made of the same anchor, which is in memory once.
    """
    same_anchor = (one.anchor or one) is (other.anchor or other)
    if not same_anchor or one.replaced is None or other.replaced is None:
        return None
    if not len(one.replaced):
        return other.replaced
    if not len(other.replaced):
        return one.replaced
    touched = np.zeros(one.count, np.bool_)
    touched[one.replaced] = True
    touched[other.replaced] = True
    return touched.nonzero()[0]


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """Nodes of the level below, in ascending order of their last record id."""

    level: int
    rows: Children
    identity: bytes | memoryview

    @classmethod
    def of(cls, level: int, rows: Children) -> Self:
        """The node at ``level`` of these children."""
        return cls(level, rows, _identity(level, rows))

    @property
    def count(self) -> int:
        """The number of records below."""
        return int(self.rows.values["count"].sum())

    @property
    def nbytes(self) -> int:
        """About how much memory the node takes."""
        return self.rows.nbytes + len(self.identity)

    def pointer(self, row: int) -> Pointer:
        """The pointer to a child."""
        return self.pointers([row])[0]

    def pointers(self, rows: Sequence[int]) -> list[Pointer]:
        """The pointers to some children, sooner than one by one."""
        below = self.level - 1
        values = self.rows.values.take(rows).tolist()
        return [
            Pointer(address, below, count, *places)
            for (address, count), places in zip(values, self.rows.places(rows), strict=True)
        ]


type Node = Leaf | Inner


def address_of(node: Node, key: bytes) -> bytes:
    """A node's address under ``IdKeys.node``."""
    if isinstance(node, Leaf) and node.whole is None:
        return node.head.address(node.rows.values.tobytes(), key)
    return node_address(node.identity, key)


def encode(node: Node) -> bytes:
    """The payload that ``node`` is stored as."""
    rows = node.rows.compacted()
    parts = [NODE_MAGIC, node.identity, write_packs(rows.packs)]
    if isinstance(node, Leaf):
        parts.append(write_places(rows.locators, len(rows.packs)))
    else:
        stored, anchors = rows.locators[:, 0], rows.locators[:, 1]
        anchored = anchors["pack"] != NO_PACK
        parts += [
            write_places(stored, len(rows.packs)),
            anchored.tobytes(),
            write_places(anchors[anchored], len(rows.packs)),
        ]
    return b"".join(parts)


def decode(payload: bytes) -> Node:
    """The node in ``payload``, whose address is still to be compared.

    Its columns are views of ``payload`` where they can be.

    Raises:
        Corrupt: ``payload`` is not a node that ``encode`` could have made.
    """
    source = Source(payload, NODE_MAGIC)
    level, size = source.numbers(_NODE_HEAD)
    if level > LEVEL_MAX or size > ENTRIES_MAX or (level and not size):
        raise Corrupt(f"tree node of level {level} with {size} rows")
    ids = read_ids(source, size)
    values = source.array(CHILD if level else DIGEST, size)
    identity = source.since(len(NODE_MAGIC))
    packs = read_packs(source)
    stored = read_places(source, size, len(packs))
    if not level:
        source.close()
        return Leaf.stored(Entries(ids, values, stored, packs), identity)
    anchored = source.array(np.dtype(np.uint8), size)
    if np.count_nonzero(anchored > 1) or (level > 1 and np.count_nonzero(anchored)):
        raise Corrupt("tree node with a patch where none can be")
    locators = np.zeros((size, 2), LOCATOR)
    locators[:, 0] = stored.made
    locators["pack"][:, 1] = NO_PACK
    rows = np.flatnonzero(anchored)
    locators[rows, 1] = read_places(source, len(rows), len(packs)).made
    source.close()
    return Inner(level, Children(ids, values, locators, packs), identity)


def _identity(level: int, rows: Columns) -> bytes:
    lengths = np.strings.str_len(rows.ids).astype("<u2")
    head = _NODE_HEAD.pack(level, len(rows))
    ids = id_bytes(rows.ids, lengths)
    return b"".join([head, lengths.tobytes(), ids, rows.values.tobytes()])


def _place_bytes(place: Locator) -> bytes:
    pack = PACK.pack(place.pack.id, place.pack.epoch, place.pack.seed)
    return _PLACE.pack(pack, place.slot, place.start, place.length)


def _place_from(encoded: bytes, offset: int) -> Locator:
    pack, slot, start, length = _PLACE.unpack_from(encoded, offset)
    return Locator(PackRef(*PACK.unpack(pack)), slot, start, length)
