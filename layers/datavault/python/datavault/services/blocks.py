"""Reading blocks of packs: by the place a locator names, and if that is stale, by the directory.

A pack that was moved or rewritten keeps its id and its slots; the *pack directory* says which
pack holds them now. A locator's block place is a hint: if it does not open, the directory is
asked once; if that does not help, the block is ``Corrupt``.
"""

import numpy as np

from datavault.domain import keyspace
from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.ids import StoreId
from datavault.domain.rows import Put
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import (
    HEADER_BYTES,
    TRAILER_BYTES,
    BlockTable,
    Kind,
    PackWriter,
    open_table,
)
from datavault.domain.store.places import PackRef
from datavault.ports import Vault

FOLDERS = {Kind.RECORDS: "packs", Kind.NODES: "nodes", Kind.STAGED: "staged"}


def object_key(store: StoreId, kind: Kind, pack_id: bytes) -> str:
    """Where the pack of that id is stored, unless it was moved."""
    return keyspace.pack_object(store, FOLDERS[kind], pack_id)


def read_block(
    vault: Vault, keys: StoreKeys, kind: Kind, ref: PackRef, start: int, length: int, slot: int
) -> bytes:
    """The payload of the block that holds ``slot``; its place is a hint.

    Raises:
        Corrupt: neither the hint nor the directory leads to a block that opens.
    """
    try:
        sealed = vault.objects.get_range(object_key(keys.store, kind, ref.id), start, length)
        return keys.pack(ref, kind).open_block(sealed)
    except (NotFound, Corrupt):
        return _read_moved(vault, keys, kind, ref, slot)


def write_pack(vault: Vault, keys: StoreKeys, writer: PackWriter) -> None:
    """Store a finished pack: one PUT under a name that nothing else has."""
    key = object_key(keys.store, writer.key.kind, writer.key.ref.id)
    vault.objects.put(key, writer.finish())


def reseal_pack(vault: Vault, keys: StoreKeys, kind: Kind, ref: PackRef) -> PackRef:
    """Write a pack again under the store's newest key, with the same slots, and say so.

    Blocks keep their payloads and order. Until the directory has the new place, readers use the
    old one; the old object is left to the caller, who may delete it afterwards. Two at once
    leave two good copies, of which the directory names one.
    """
    source_key = keys.pack(ref, kind)
    source = vault.objects.get(object_key(keys.store, kind, ref.id))
    table = open_table(source_key, source)
    writer = PackWriter(keys.fresh_pack(kind))
    for index, (start, length, slots) in enumerate(
        zip(table.starts.tolist(), table.lengths.tolist(), table.slot_counts.tolist(), strict=True)
    ):
        writer.add(source_key.open_block(source[start : start + length], index), slots=slots)
    footer_start = writer.size
    parts = writer.finish()
    target = writer.key.ref
    vault.objects.put(object_key(keys.store, kind, target.id), parts)
    vault.catalog.put_many(
        [
            Put(
                keyspace.moved_pack(keys.store, ref.id),
                {
                    "pack": target.id,
                    "epoch": target.epoch,
                    "seed": target.seed,
                    "footer_start": footer_start,
                    "footer_length": len(parts[-1]),
                },
            )
        ]
    )
    return target


def _read_moved(vault: Vault, keys: StoreKeys, kind: Kind, ref: PackRef, slot: int) -> bytes:
    row = vault.catalog.get(keyspace.moved_pack(keys.store, ref.id))
    if row is None:
        raise Corrupt(f"a block of pack {ref.id.hex()} is missing or fails verification")
    moved = PackRef(row.binary("pack"), row.number("epoch"), row.binary("seed"))
    footer_start, footer_length = row.number("footer_start"), row.number("footer_length")
    if footer_start < HEADER_BYTES or footer_length < TRAILER_BYTES:
        raise Corrupt(f"the directory has no footer for pack {ref.id.hex()}")
    name = object_key(keys.store, kind, moved.id)
    key = keys.pack(moved, kind)
    try:
        key.check_header(vault.objects.get_range(name, 0, HEADER_BYTES))
        footer = vault.objects.get_range(name, footer_start, footer_length - TRAILER_BYTES)
        table = key.open_footer(footer)
        index = _block_of(table, slot, ref)
        start, length = int(table.starts[index]), int(table.lengths[index])
        return key.open_block(vault.objects.get_range(name, start, length), index)
    except NotFound:
        raise Corrupt(f"pack {ref.id.hex()} is not where the directory says") from None


def _block_of(table: BlockTable, slot: int, ref: PackRef) -> int:
    index = int(np.searchsorted(table.first_slots, slot, side="right")) - 1
    if index < 0 or slot >= int(table.first_slots[index]) + int(table.slot_counts[index]):
        raise Corrupt(f"pack {ref.id.hex()} has no slot {slot}")
    return index
