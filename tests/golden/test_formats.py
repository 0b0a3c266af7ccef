"""Frozen bytes open for ever; and what the docstrings say is enough to open them.

The second half of this file is another implementation of the formats, written from the docstrings
of ``store.pack``, ``store.block``, ``store.keys``, ``crypto.sealing``, ``staging``, ``history``,
``digests`` and ``requests``; it shares nothing with the first but libraries.
"""

import hashlib
import hmac
import json
import struct
import uuid
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datavault.domain import digests
from datavault.domain.digests import IdKeys
from datavault.domain.errors import Corrupt
from datavault.domain.history import Commit
from datavault.domain.ids import RecordId
from datavault.domain.staging import StagedChange, StagedName, decode_names
from datavault.domain.store.block import RecordBlock
from datavault.domain.store.pack import Kind, PackKey, open_table, read_header
from datavault.domain.store.sizes import decode_sizes
from tests.golden import make_formats as made

PACKS = {1: "pack_records_v1.bin", 2: "pack_nodes_v1.bin", 3: "pack_staged_v1.bin"}


def golden(name: str) -> bytes:
    return (made.HERE / name).read_bytes()


@pytest.mark.parametrize("name", made.files())
def test_the_formats_are_as_they_were(name: str) -> None:
    """Compression may change with the library; then the payloads have to be the same."""
    now, then = made.files()[name], golden(name)
    if name.startswith("pack") and now != then:
        assert pack_by_hand(now, made.DEK) == pack_by_hand(then, made.DEK)
        return
    assert now == then


@pytest.mark.parametrize("kind", Kind)
def test_a_golden_pack_opens(kind: Kind) -> None:
    pack = golden(PACKS[kind])
    assert read_header(pack[:96]) == (kind, made.EPOCH, made.STORE, made.SEED)
    key = PackKey(made.DEK, made.STORE, kind, made.EPOCH, made.SEED)
    table = open_table(key, pack)
    bodies: list[bytes] = []
    for start, length in zip(table.starts.tolist(), table.lengths.tolist(), strict=True):
        block = RecordBlock.decode(key.open_block(pack[start : start + length]))
        assert block.first_slot == len(bodies)
        bodies += [block.body(block.first_slot + at) for at in range(len(block))]
    assert tuple(bodies) == made.BODIES


@pytest.mark.parametrize("kind", Kind)
def test_a_pack_is_what_its_docstring_says(kind: Kind) -> None:
    opened = pack_by_hand(golden(PACKS[kind]), made.DEK)
    assert opened["kind"] == kind
    assert opened["epoch"] == made.EPOCH
    assert opened["store"] == made.STORE
    assert opened["bodies"] == list(made.BODIES)
    key = PackKey(made.DEK, made.STORE, kind, made.EPOCH, made.SEED)
    assert opened["id"] == key.ref.id


def test_a_golden_commit_decodes() -> None:
    assert Commit.decode(golden("commit_v1.bin"), made.COMMIT.id) == made.COMMIT


def test_a_commit_is_what_its_docstring_says() -> None:
    encoded = golden("commit_v1.bin")
    (size,) = struct.unpack_from("<I", encoded)
    canonical, pointer = encoded[4 : 4 + size], encoded[4 + size :]
    said = json.loads(canonical)
    assert list(said) == [
        *("root", "parents", "author", "message", "time_ms"),
        *("records", "added", "changed", "removed", "policy"),
    ]
    assert json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() == canonical
    name = blake3(canonical, derive_key_context="io.llm-data-vault/1/commit id").hexdigest()
    assert name == made.COMMIT.id
    assert said["message"] == made.COMMIT.message
    magic, level, places, address, count = struct.unpack_from("<4sBB32sQ", pointer)
    assert (magic, level, places, count) == (b"LVT\1", 0, 1, 3)
    assert address.hex() == said["root"]
    place = struct.unpack_from("<16sI32sIII", pointer, 46)
    assert place == (made.PACK.id, made.PACK.epoch, made.PACK.seed, 0, 96, 1000)
    assert len(pointer) == 110


def test_a_commit_whose_root_is_another_is_corrupt() -> None:
    root = replace(made.COMMIT.root, address=bytes(32))
    forged = made.COMMIT.encode()[:-110] + root.to_bytes()
    with pytest.raises(Corrupt, match="another root"):
        Commit.decode(forged, made.COMMIT.id)


def test_a_golden_sealed_row_opens() -> None:
    opened = made.keys().unseal(
        golden("sealed_v1.bin"), purpose="staged", context="br_1/2", place="ws/ds/part/sort"
    )
    assert opened == b"small thing"


def test_a_sealed_row_is_what_its_docstring_says() -> None:
    sealed = golden("sealed_v1.bin")
    opened = small_by_hand(sealed, made.DEK, "staged", "br_1/2", "ws/ds/part/sort")
    assert opened == b"small thing"
    assert len(sealed) == len(opened) + 40
    assert struct.unpack_from("<4sBBHI", sealed) == (b"DVSE", 1, 1, 0, made.EPOCH)


def test_golden_sizes_decode_and_are_what_their_docstring_says() -> None:
    encoded = golden("sizes_v1.bin")
    assert decode_sizes(encoded).tolist() == [2, 100, 4 * 2**20, 7]
    assert struct.unpack_from("<4sB3sI", encoded) == (b"DVSZ", 1, bytes(3), 4)
    plain = zstandard.ZstdDecompressor().decompress(encoded[12:])
    assert struct.unpack("<4I", plain) == (2, 100, 4 * 2**20, 7)


@pytest.mark.parametrize(
    ("start", "replaced"),
    [(0, b"DVSX"), (4, b"\2"), (8, b"\5"), (8, b"\xff\xff\xff\xff"), (12, b"no frame")],
)
def test_what_is_no_sizes_is_corrupt(start: int, replaced: bytes) -> None:
    encoded = golden("sizes_v1.bin")
    with pytest.raises(Corrupt):
        decode_sizes(encoded[:start] + replaced + encoded[start + len(replaced) :])
    with pytest.raises(Corrupt):
        decode_sizes(encoded[: start + 1])


@pytest.mark.parametrize(
    ("name", "change"),
    list(zip(("staged_removed", "staged_body", "staged_place"), made.CHANGES, strict=True)),
)
def test_a_golden_staged_change_decodes(name: str, change: StagedChange) -> None:
    assert StagedChange.decode(golden(f"{name}_v1.bin")) == change


def test_staged_changes_are_what_their_docstring_says() -> None:
    gone, body, place = (
        staged_by_hand(golden(f"staged_{name}_v1.bin")) for name in ("removed", "body", "place")
    )
    assert gone == (0, "gone", b"", b"")
    assert body == (1, "schlüssel", bytes(range(16)), b'{"a":1}')
    packed = struct.pack("<16sI32sIII", made.PACK.id, 7, made.PACK.seed, 5, 96, 70_000)
    assert place == (2, "large", bytes(range(16, 32)), packed)


def test_a_batch_row_is_what_its_docstring_says() -> None:
    encoded = golden("staged_names_v1.bin")
    expected = [("gone", True), ("schlüssel", False), ("large", False)]
    assert list(decode_names(encoded)) == [StagedName(RecordId(n), r) for n, r in expected]
    (count,) = struct.unpack_from("<I", encoded)
    at, found = 4, []
    for _ in range(count):
        removed, size = struct.unpack_from("<BH", encoded, at)
        found.append((encoded[at + 3 : at + 3 + size].decode(), bool(removed)))
        at += 3 + size
    assert (found, at) == (expected, len(encoded))


def test_a_request_row_is_what_its_docstring_says() -> None:
    lines = golden("staged_request_v1.txt").decode().splitlines()
    name = blake3(b"alice\0key-1").hexdigest(16)
    assert lines[:3] == ["staging", f"request/{made.CALLER.workspace}/{name}", "request"]
    key = expand_by_hand(made.WORKSPACE_KEY, b"io.llm-data-vault/1/idempotent request", 32)
    assert lines[3:] == [
        f"body_hash={blake3(b'body'.ljust(32, b'.'), key=key).digest()!r}",
        f"expires_at={1_767_225_600 + 24 * 3600}",
        "outcome='bt_outcome'",
    ]


def test_content_hashes_are_what_their_docstring_says() -> None:
    derived = IdKeys.derive(made.ID_KEY)
    tags = {
        "record": b"record digest",
        "node": b"tree node address",
        "boundary": b"tree boundary",
        "staged_id": b"staged record id",
        "etag": b"record etag",
    }
    for name, tag in tags.items():
        expected = expand_by_hand(made.ID_KEY, b"io.llm-data-vault/1/" + tag, 32)
        assert getattr(derived, name) == expected
    digest = blake3(b"{}", key=derived.record).digest(16)
    assert digests.record_digest(b"{}", derived.record) == digest
    assert digests.record_etag(digest, derived.etag) == blake3(digest, key=derived.etag).hexdigest(
        16
    )
    assert digests.staged_id("ü", derived.staged_id) == (
        blake3("ü".encode(), key=derived.staged_id).hexdigest(16)
    )


# The other implementation.


def expand_by_hand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2.3."""
    block, out, number = b"", b"", 0
    while len(out) < length:
        number += 1
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha256).digest()
        out += block
    return out[:length]


def pack_by_hand(pack: bytes, dek: bytes) -> dict[str, object]:
    """A pack as ``store.pack`` and ``store.block`` describe it."""
    magic, version, suite, kind, zero, epoch, zeros, store, seed, commitment = struct.unpack_from(
        "<4sBBBBI4s16s32s32s", pack
    )
    assert (magic, version, suite, zero, zeros) == (b"DVPK", 1, 1, 0, bytes(4))
    tag = b"io.llm-data-vault/1/pack keys"
    info = tag + store + struct.pack("<I", epoch) + bytes([kind]) + seed
    derived = expand_by_hand(dek, info, 80)
    pack_id, key = derived[:16], AESGCM(derived[16:48])
    assert derived[48:] == commitment

    def opened(index: int, sealed: bytes, *, last: bool) -> bytes:
        place = magic + bytes([version, suite]) + store + pack_id + bytes([kind])
        place += struct.pack("<IB", index, last)
        frame = key.decrypt(index.to_bytes(12, "big"), sealed, place)
        return zstandard.ZstdDecompressor().decompress(frame)

    size, end = struct.unpack("<I4s", pack[-8:])
    assert end == b"DVPE"
    table = opened(2**32 - 1, pack[-8 - size : -8], last=True)
    (count,) = struct.unpack_from("<I", table)
    starts, lengths, first_slots, slot_counts = np.frombuffer(table, "<u4", offset=4).reshape(
        4, count
    )
    bodies: list[bytes] = []
    at = 96
    for index in range(count):
        assert starts[index] == at
        block = pack[at : at + int(lengths[index])]
        assert struct.unpack_from("<I", block) == (index,)
        payload = opened(index, block[4:], last=False)
        records, first = struct.unpack_from("<II", payload)
        assert (
            (records, first) == (slot_counts[index], first_slots[index]) == (records, len(bodies))
        )
        sizes = struct.unpack_from(f"<{records}I", payload, 8)
        body_at = 8 + 4 * records
        for each in sizes:
            bodies.append(payload[body_at : body_at + each])
            assert payload[body_at + each : body_at + each + 1] == b"\n"
            body_at += each + 1
        assert body_at == len(payload)
        at += int(lengths[index])
    assert at == len(pack) - 8 - size
    return {
        "kind": kind,
        "epoch": epoch,
        "store": f"st_{uuid.UUID(bytes=store)}",
        "id": pack_id,
        "bodies": bodies,
    }


def small_by_hand(sealed: bytes, dek: bytes, purpose: str, context: str, place: str) -> bytes:
    """A small sealed thing as ``store.keys`` describes it."""
    info = b"\0".join((b"io.llm-data-vault/1/small things", purpose.encode(), context.encode()))
    key = AESGCM(expand_by_hand(dek, info, 32))
    header, nonce, rest = sealed[:12], sealed[12:24], sealed[24:]
    return key.decrypt(nonce, rest, header + place.encode())


def staged_by_hand(plaintext: bytes) -> tuple[int, str, bytes, bytes]:
    """A staged change as ``domain.staging`` describes it."""
    what, size = struct.unpack_from("<BH", plaintext)
    name, rest = plaintext[3 : 3 + size].decode(), plaintext[3 + size :]
    return what, name, rest[:16], rest[16:]
