"""Bodies of records: storing them in packs, and getting them back verified."""

import sys
from collections.abc import Callable, Iterator, Sequence
from hmac import compare_digest
from itertools import groupby

import numpy as np
import numpy.typing as npt

from datavault.domain.digests import record_digest, record_digests
from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.staging import INLINE_BYTES_MAX, StagedChange
from datavault.domain.store.block import RecordBlock, encode_block
from datavault.domain.store.columns import Entries
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import BLOCK_BYTES, PACK_BYTES_MAX, Kind, PackWriter
from datavault.domain.store.places import LOCATOR, Locator, Locators, PackRef
from datavault.ports import Vault
from datavault.services.blocks import object_key, read_block, write_pack
from datavault.services.sizes import write_sizes


def store_bodies(
    vault: Vault,
    keys: StoreKeys,
    lengths: npt.NDArray[np.uint32],
    bodies: Callable[[int, int], Sequence[bytes | memoryview]],
) -> tuple[Locators, tuple[PackRef, ...]]:
    """Store bodies in their order, in blocks of about 64 KiB and packs of at most 64 MiB.

    ``lengths`` says how long each is; ``bodies(first, last)`` gives those of one block when it
    is their turn, so that they need not all be in memory. Returns where each of them is.
    Nothing refers to the packs yet.
    """
    places: list[tuple[int, int, int, int]] = []
    packs: list[PackRef] = []
    writer: PackWriter | None = None
    edges, sizes = _blocks(lengths)
    for first, last, size in zip(edges[:-1], edges[1:], sizes, strict=True):
        if writer is not None and writer.size > PACK_BYTES_MAX - 2 * size:
            _write_pack(vault, keys, writer, lengths[:first])
            writer = None
        if writer is None:
            writer = PackWriter(keys.fresh_pack(Kind.RECORDS))
            packs.append(writer.key.ref)
        payload = encode_block(bodies(first, last), lengths[first:last], writer.slots)
        start, length, slot = writer.add(payload, slots=last - first)
        places.append((len(packs) - 1, slot, start, length))
    if writer is not None:
        _write_pack(vault, keys, writer, lengths)
    return _locators(places, np.array(edges)), tuple(packs)


def _blocks(lengths: npt.NDArray[np.uint32]) -> tuple[list[int], list[int]]:
    """Where blocks of bodies begin, and the last one ends; and how long each is in bytes."""
    ends = np.cumsum(lengths.astype(np.int64) + 1)
    edges, sizes = [0], []
    before = 0
    while edges[-1] < len(ends):
        # As many as make it full, and no less than one.
        last = min(int(ends.searchsorted(before + BLOCK_BYTES)) + 1, len(ends))
        end = int(ends[last - 1])
        edges.append(last)
        sizes.append(end - before)
        before = end
    return edges, sizes


def _locators(places: list[tuple[int, int, int, int]], edges: npt.NDArray[np.int64]) -> Locators:
    """Locators of every body, from those of the first ones of blocks that begin at ``edges``."""
    counts = np.diff(edges)
    locators = np.array(places, LOCATOR).repeat(counts)
    locators["slot"] += (np.arange(edges[-1]) - edges[:-1].repeat(counts)).astype(np.uint32)
    return locators


def _write_pack(
    vault: Vault, keys: StoreKeys, writer: PackWriter, lengths: npt.NDArray[np.uint32]
) -> None:
    """Store a pack and how long its records are: the last of ``lengths``, as many as it has."""
    write_sizes(vault, keys, writer.key.ref, lengths[len(lengths) - writer.slots :])
    write_pack(vault, keys, writer)


def store_staged_bodies(
    vault: Vault, keys: StoreKeys, changes: Sequence[StagedChange]
) -> tuple[list[StagedChange], PackRef | None]:
    """The same changes, with bodies over 4 kB moved to one sealed object."""
    large = [change for change in changes if len(change.body or b"") > INLINE_BYTES_MAX]
    if not large:
        return list(changes), None
    writer = PackWriter(keys.fresh_pack(Kind.STAGED))
    places: dict[int, Locator] = {}
    block: list[StagedChange] = []
    for change in large:
        block.append(change)
        if sum(len(held.body or b"") for held in block) >= BLOCK_BYTES or change is large[-1]:
            bodies = [held.body or b"" for held in block]
            lengths = np.array([len(body) for body in bodies], np.uint32)
            first = len(places)
            payload = encode_block(bodies, lengths, first)
            start, length, _ = writer.add(payload, slots=len(block))
            for at, held in enumerate(block):
                places[id(held)] = Locator(writer.key.ref, first + at, start, length)
            block = []
    write_pack(vault, keys, writer)
    moved = [
        StagedChange(change.id, change.digest, place=places[id(change)])
        if id(change) in places
        else change
        for change in changes
    ]
    return moved, writer.key.ref


def read_body(vault: Vault, keys: StoreKeys, locator: Locator, digest: bytes) -> bytes:
    """One record's body: one GET, verified by its block's seal and by its digest."""
    payload = read_block(
        vault,
        keys,
        Kind.RECORDS,
        locator.pack,
        locator.start,
        locator.length,
        locator.slot,
    )
    return verified(keys, RecordBlock.decode(payload).body(locator.slot), digest)


def read_bodies(
    vault: Vault, keys: StoreKeys, entries: Entries, *, kind: Kind = Kind.RECORDS
) -> list[bytes]:
    """The bodies of many entries, in their order, each verified like one alone.

    Every block is fetched and opened once, neighbours in a pack together; so the cost is that of
    the blocks. All bodies are in memory at once: give it a bounded number.
    """
    return [bytes(body) for body in view_bodies(vault, keys, entries, kind=kind)]


class TooMuch(Exception):
    """The blocks of these entries are more than may be in memory at once."""


def view_bodies(
    vault: Vault,
    keys: StoreKeys,
    entries: Entries,
    *,
    kind: Kind = Kind.RECORDS,
    payload_bytes_max: int | None = None,
) -> list[memoryview]:
    """The same without a copy of each: views keep the payloads of their blocks in memory.

    Raises:
        TooMuch: those are more than ``payload_bytes_max``, sealed or opened, and are not of one
            entry alone. How many bytes a block opens to is only known then, so that up to one block
            more has been in memory.
    """
    locators = entries.locators
    order = np.lexsort((locators["slot"], locators["start"], locators["pack"]))
    ordered = locators.take(order)
    first = np.ones(len(order), np.bool_)
    first[1:] = (ordered["start"][1:] != ordered["start"][:-1]) | (
        ordered["pack"][1:] != ordered["pack"][:-1]
    )
    edges = [*np.flatnonzero(first).tolist(), len(order)]
    places = [entries.locator(int(order[edge])) for edge in edges[:-1]]
    room = payload_bytes_max if payload_bytes_max is not None and len(entries) > 1 else sys.maxsize
    if sum(place.length for place in places) > room:
        raise TooMuch
    bodies: list[memoryview] = []
    for place, sealed, at, end in zip(
        places, fetch_blocks(vault, keys, kind, places), edges[:-1], edges[1:], strict=True
    ):
        block = RecordBlock.decode(open_block(vault, keys, kind, place, sealed))
        room -= len(block.payload)
        if room < 0:
            raise TooMuch
        bodies += block.bodies(ordered["slot"][at:end].astype(np.int64))
    if record_digests(bodies, keys.ids.record) != entries.values.take(order).tobytes():
        raise Corrupt("a stored record does not have the digest that the tree says")
    where = np.empty(len(order), np.intp)
    where[order] = np.arange(len(order))
    return [bodies[row] for row in where.tolist()]


def verified(keys: StoreKeys, body: bytes, digest: bytes) -> bytes:
    """``body``, if that is what the tree says it is."""
    if not compare_digest(record_digest(body, keys.ids.record), digest):
        raise Corrupt("a stored record does not have the digest that the tree says")
    return body


def fetch_blocks(
    vault: Vault, keys: StoreKeys, kind: Kind, places: Sequence[Locator]
) -> Iterator[bytes | None]:
    """The sealed blocks at ``places``, which are sorted by pack; ``None`` for a pack not there."""
    for pack_id, group in groupby(places, key=lambda place: place.pack.id):
        members = list(group)
        ranges = [(member.start, member.length) for member in members]
        try:
            yield from vault.objects.get_ranges(object_key(keys.store, kind, pack_id), ranges)
        except NotFound:
            yield from (None for _ in members)


def open_block(
    vault: Vault, keys: StoreKeys, kind: Kind, place: Locator, sealed: bytes | None
) -> bytes:
    """The payload of a block; when the hint is stale, from where the directory says."""
    if sealed is not None:
        try:
            return keys.pack(place.pack, kind).open_block(sealed)
        except Corrupt:
            pass
    return read_block(vault, keys, kind, place.pack, place.start, place.length, place.slot)
