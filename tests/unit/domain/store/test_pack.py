"""Packs: what is written comes back, in its pack and in no other."""

import struct

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.crypto.sealing import CountedSealer
from datavault.domain.digests import expand
from datavault.domain.errors import Corrupt
from datavault.domain.ids import StoreId
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import (
    BLOCK_PAYLOAD_BYTES_MAX,
    HEADER_BYTES,
    TRAILER_BYTES,
    BlockTable,
    Kind,
    PackKey,
    PackWriter,
    open_table,
    read_header,
)
from datavault.domain.store.places import PackRef

STORE = StoreId("st_019b76da-a800-7abc-8def-0123456789ab")
OTHER_STORE = StoreId("st_019b76da-a800-7abc-8def-0123456789ac")
DEK = bytes(range(32))


def written(payloads: list[bytes], *, kind: Kind = Kind.RECORDS) -> tuple[PackKey, bytes]:
    writer = PackWriter(PackKey.fresh(DEK, STORE, kind, 1))
    for payload in payloads:
        writer.add(payload, slots=1 + len(payload) % 3)
    return writer.key, b"".join(writer.finish())


@settings(max_examples=50, deadline=None)
@given(payloads=st.lists(st.binary(max_size=200), max_size=8))
def test_blocks_come_back_in_order_with_their_slots(payloads: list[bytes]) -> None:
    key, pack = written(payloads)
    table = open_table(key, pack)
    found = [
        key.open_block(pack[start : start + length])
        for start, length in zip(table.starts.tolist(), table.lengths.tolist(), strict=True)
    ]
    assert found == payloads
    slots = [1 + len(payload) % 3 for payload in payloads]
    assert table.slot_counts.tolist() == slots
    assert table.first_slots.tolist() == [sum(slots[:at]) for at in range(len(slots))]


def test_the_writer_says_where_it_is() -> None:
    writer = PackWriter(PackKey.fresh(DEK, STORE, Kind.NODES, 1))
    assert (writer.size, writer.blocks, writer.slots) == (HEADER_BYTES, 0, 0)
    start, length, slot = writer.add(b"payload", slots=3)
    assert (start, slot) == (HEADER_BYTES, 0)
    assert (writer.size, writer.blocks, writer.slots) == (HEADER_BYTES + length, 1, 3)
    assert writer.add(b"more", slots=1)[2] == 3


def test_a_block_opens_in_its_pack_only() -> None:
    key, pack = written([b"payload"])
    table = open_table(key, pack)
    block = pack[HEADER_BYTES : HEADER_BYTES + int(table.lengths[0])]
    assert key.open_block(block) == b"payload"
    same = (DEK, STORE, Kind.RECORDS, 1, key.ref.seed)
    for at, other in (
        (0, bytes(32)),
        (1, OTHER_STORE),
        (2, Kind.STAGED),
        (3, 2),
        (4, bytes(32)),
    ):
        different = PackKey(*(other if at == index else part for index, part in enumerate(same)))  # type: ignore[arg-type]
        assert different.ref != key.ref
        with pytest.raises(Corrupt):
            different.open_block(block)
        with pytest.raises(Corrupt, match="commits to"):
            different.check_header(pack[:HEADER_BYTES])
    with pytest.raises(Corrupt):
        key.open_block((1).to_bytes(4, "little") + block[4:])


def test_a_footer_is_no_block_and_a_block_no_footer() -> None:
    """The last-flag and the number are authenticated, so neither passes for the other."""
    key, pack = written([b"payload"])
    (size,) = struct.unpack("<I", pack[-TRAILER_BYTES:-4])
    footer = pack[-TRAILER_BYTES - size : -TRAILER_BYTES]
    with pytest.raises(Corrupt):
        key.open_block(b"\xff" * 4 + footer)
    with pytest.raises(Corrupt):
        key.open_footer(pack[HEADER_BYTES + 4 : -TRAILER_BYTES - size])


def test_every_attempt_has_a_pack_of_its_own() -> None:
    keys = [PackKey.fresh(DEK, STORE, Kind.RECORDS, 1) for _ in range(100)]
    assert len({key.ref.id for key in keys}) == 100
    sealed = {key.seal_block(0, b"the same") for key in keys}
    assert len(sealed) == 100


def test_a_header_says_what_the_pack_is() -> None:
    key, pack = written([], kind=Kind.STAGED)
    assert read_header(pack[:HEADER_BYTES]) == (Kind.STAGED, 1, STORE, key.ref.seed)
    for at, wrong in ((0, 0), (4, 2), (5, 2), (6, 0), (6, 4)):
        header = bytearray(pack[:HEADER_BYTES])
        header[at] = wrong
        with pytest.raises(Corrupt):
            read_header(bytes(header))
    for size in (0, 95, 97):
        with pytest.raises(Corrupt, match="96 bytes"):
            read_header(pack[:size])


def test_blocks_that_do_not_follow_one_another_are_corrupt() -> None:
    """An authentic footer of another layout: only a bug writes one, and it is not believed."""
    key, pack = written([b"a", b"b"])
    table = open_table(key, pack)
    blocks = pack[: int(table.starts[1] + table.lengths[1])]
    shifted = table.starts.copy()
    shifted[1] += 1
    short = table.lengths.copy()
    short[1] -= 1
    for starts, lengths in ((shifted, table.lengths), (table.starts, short)):
        wrong = BlockTable(starts, lengths, table.first_slots, table.slot_counts)
        with pytest.raises(Corrupt, match="do not follow one another"):
            open_table(key, blocks + key.seal_footer(wrong))
    with pytest.raises(Corrupt, match="no footer"):
        open_table(key, pack[:-4] + b"DVPX")
    with pytest.raises(Corrupt, match="no footer"):
        open_table(key, pack[:-8] + struct.pack("<I", 2**31) + b"DVPE")


@pytest.mark.parametrize("payload", [b"", b"\1", b"\1\0\0\0", b"\1\0\0\0" + bytes(15), bytes(5)])
def test_a_block_table_of_another_size_is_corrupt(payload: bytes) -> None:
    with pytest.raises(Corrupt, match="block table"):
        BlockTable.decode(payload)


def test_a_block_that_claims_too_much_is_not_decompressed() -> None:
    """Authentic, and still bounded: a frame of a few bytes can claim terabytes."""
    key = PackKey.fresh(DEK, STORE, Kind.RECORDS, 1)
    store = bytes.fromhex(STORE[3:].replace("-", ""))
    info = b"io.llm-data-vault/1/pack keys" + store + struct.pack("<I", 1) + b"\1" + key.ref.seed
    sealer = CountedSealer(expand(DEK, info, length=80)[16:48])
    place = struct.pack("<4sBB16s16sBI?", b"DVPK", 1, 1, store, key.ref.id, 1, 0, False)

    def block(frame: bytes) -> bytes:
        return bytes(4) + sealer.seal(0, frame, place)

    zeros = bytes(BLOCK_PAYLOAD_BYTES_MAX + 1)
    assert key.open_block(block(zstandard.compress(zeros[1:]))) == zeros[1:]
    with pytest.raises(Corrupt, match="16777217 bytes, at most 16777216"):
        key.open_block(block(zstandard.compress(zeros)))
    sizeless = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 99)
    for frame in (sizeless, b"no frame", b"", zstandard.compress(b"x" * 99)[:-3]):
        with pytest.raises(Corrupt):
            key.open_block(block(frame))


def test_a_store_finds_the_keys_of_its_packs_and_of_no_others() -> None:
    keys = StoreKeys(STORE, bytes(32), {1: DEK, 2: bytes(32)})
    fresh = keys.fresh_pack(Kind.RECORDS)
    assert fresh.ref.epoch == 2
    again = keys.pack(fresh.ref, Kind.RECORDS)
    assert again.header() == fresh.header()
    assert keys.pack(fresh.ref, Kind.RECORDS) is again
    old = PackKey.fresh(DEK, STORE, Kind.RECORDS, 1)
    assert keys.pack(old.ref, Kind.RECORDS).header() == old.header()
    for wrong, kind in (
        (fresh.ref, Kind.NODES),
        (PackRef(fresh.ref.id, 1, fresh.ref.seed), Kind.RECORDS),
        (PackRef(fresh.ref.id, 2, bytes(32)), Kind.RECORDS),
        (PackRef(bytes(16), 2, fresh.ref.seed), Kind.RECORDS),
        (PackRef(fresh.ref.id, 3, fresh.ref.seed), Kind.RECORDS),
    ):
        with pytest.raises(Corrupt):
            keys.pack(wrong, kind)


def test_a_store_forgets_pack_keys_before_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from datavault.domain.store import keys as module

    monkeypatch.setattr(module, "_PACK_KEYS_MAX", 3)
    keys = StoreKeys(STORE, bytes(32), {1: DEK})
    fresh = [keys.fresh_pack(Kind.NODES) for _ in range(10)]
    for each in (*fresh, *fresh):
        assert keys.pack(each.ref, Kind.NODES).header() == each.header()
        assert len(keys._packs) <= 3


def test_small_things_open_in_their_place_and_for_their_purpose() -> None:
    keys = StoreKeys(STORE, bytes(32), {1: DEK})
    where = {"purpose": "p", "context": "c", "place": "w"}
    sealed = keys.seal(b"small", **where)
    assert keys.unseal(sealed, **where) == b"small"
    for name in where:
        with pytest.raises(Corrupt):
            keys.unseal(sealed, **{**where, name: "x"})
    # Purpose and context cannot run into one another, nor the header into the place.
    with pytest.raises(Corrupt):
        keys.unseal(keys.seal(b"", purpose="pc", context="", place="w"), **where)
    newer = StoreKeys(STORE, bytes(32), {1: DEK, 2: bytes(32)})
    assert newer.unseal(sealed, **where) == b"small"
    with pytest.raises(Corrupt, match="no data key of epoch 2"):
        keys.unseal(newer.seal(b"small", **where), **where)
    for size in range(len(sealed)):
        with pytest.raises(Corrupt):
            keys.unseal(sealed[:size], **where)
    for at in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(Corrupt):
            keys.unseal(bytes(flipped), **where)


def test_columns_of_a_table_are_unsigned() -> None:
    column = np.array([2**32 - 1], np.uint32)
    table = BlockTable(column, column, column, column)
    assert BlockTable.decode(table.encode()).starts.tolist() == [2**32 - 1]
