"""Staged changes: records written or deleted on a branch and not yet committed.

A change of one record is a row, sealed and bound to its place; its plaintext (format 1, integers
little-endian) is::

    u8   what: 0 removed, 1 body in the row, 2 body in a staged pack
    u16  bytes of the record id
         the record id
    16   digest                                   (what 1 and 2)
         the body                                 (what 1)
         pack id 16, epoch u32, seed 32, slot u32, start u32, length u32   (what 2)

A *batch* is what one request changed. Its row makes its changes visible and lists their ids:
u32 count, then for each u8 removed, u16 bytes of the id, the id.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from datavault.domain.changes import ChangeKind
from datavault.domain.digests import DIGEST_BYTES
from datavault.domain.errors import Corrupt
from datavault.domain.expectations import Version
from datavault.domain.ids import BatchId, BranchName, CommitId, RecordId
from datavault.domain.store.places import PACK_ID_BYTES, PACK_SEED_BYTES, Locator, PackRef

BATCH_RECORDS_MAX = 1000
BATCH_BYTES_MAX = 4 * 1024 * 1024
# A larger body goes to an object: DynamoDB bills a write by the KB, S3 by the request.
INLINE_BYTES_MAX = 4000
# Up to so many changes fit one transaction of 100 beside head, batch, request and entry.
TRANSACTION_RECORDS_MAX = 90
GENERATION_RECORDS_MAX = 50_000
GENERATION_BYTES_MAX = 128 * 1024 * 1024
# Readers that saw a generation before its commit still find it for this long.
KEPT_AFTER_COMMIT_MS = 3600 * 1000
# Ids listed in one batch row; 128 ids of 512 bytes are 64 KB, far below a row's 400 KB.
BATCH_ROW_IDS_MAX = 128

# RFC 9562, section 4.1: the first two bits of this digit are 10.
_VARIANT = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
_PLACE = struct.Struct(f"<{PACK_ID_BYTES}sI{PACK_SEED_BYTES}sIII")


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record as received: its JSON text, the id given beside it, and how to name it.

    ``expected`` is the version to take the place of, where one is stated.
    """

    text: bytes
    id: str | None
    field: str
    expected: Version | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an append staged, in the order given."""

    branch: BranchName
    ids: tuple[RecordId, ...]


class RecordView(NamedTuple):
    """A record as read. ``staged`` says that it is not yet in a commit."""

    id: RecordId
    body: bytes
    etag: str
    staged: bool


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Of the records asked for: those found and the ids of those that are not there, in the order
    asked, and the ids that there was no room for.
    """

    found: tuple[RecordView, ...]
    missing: tuple[RecordId, ...]
    remaining: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """The records of a ref: those of ``commit`` with ``staged`` changed records laid over them."""

    commit: CommitId
    records: int
    staged: int


class StagedKind(NamedTuple):
    """What committing would do to a record."""

    id: RecordId
    kind: ChangeKind


@dataclass(frozen=True, slots=True)
class StagedPage:
    """Some of what is staged over ``commit``, and how to go on."""

    commit: CommitId
    items: tuple[StagedKind, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StagedChange:
    """One record's change. Removed when ``digest`` is ``None``, else with a body or a place."""

    id: RecordId
    digest: bytes | None = None
    body: bytes | None = None
    place: Locator | None = None

    def encode(self) -> bytes:
        """The plaintext of its row."""
        name = self.id.encode()
        head = len(name).to_bytes(2, "little") + name
        if self.digest is None:
            return b"\0" + head
        if self.body is not None:
            return b"".join((b"\1", head, self.digest, self.body))
        assert self.place is not None, "a change has a body, a place or neither digest"
        place, pack = self.place, self.place.pack
        packed = _PLACE.pack(pack.id, pack.epoch, pack.seed, place.slot, place.start, place.length)
        return b"".join((b"\2", head, self.digest, packed))

    @classmethod
    def decode(cls, plaintext: bytes) -> "StagedChange":
        """The change in an opened row."""
        end = 3 + int.from_bytes(plaintext[1:3], "little")
        name = RecordId(plaintext[3:end].decode())
        what, digest, rest = (
            plaintext[0],
            plaintext[end : end + DIGEST_BYTES],
            plaintext[end + DIGEST_BYTES :],
        )
        if what == 0:
            return cls(name)
        if what == 1:
            return cls(name, digest, rest)
        if what != 2 or len(rest) != _PLACE.size:
            raise Corrupt("a staged change is of no known kind")
        pack_id, epoch, seed, slot, start, length = _PLACE.unpack(rest)
        place = Locator(PackRef(pack_id, epoch, seed), slot, start, length)
        return cls(name, digest, place=place)


@dataclass(frozen=True, slots=True)
class StagedName:
    """That a batch changed a record, as its batch row lists it."""

    id: RecordId
    removed: bool


def encode_names(changes: Iterable[StagedChange]) -> bytes:
    """The plaintext of a batch row."""
    parts = []
    for change in changes:
        name = change.id.encode()
        parts.append(struct.pack("<?H", change.digest is None, len(name)) + name)
    return len(parts).to_bytes(4, "little") + b"".join(parts)


def decode_names(plaintext: bytes) -> Iterator[StagedName]:
    """The names in an opened batch row."""
    at = 4
    for _ in range(int.from_bytes(plaintext[:4], "little")):
        removed, size = struct.unpack_from("<?H", plaintext, at)
        at += 3
        yield StagedName(RecordId(plaintext[at : at + size].decode()), removed)
        at += size


def assigned_ids(batch: BatchId, tokens: bytes) -> list[RecordId]:
    """The UUIDv7s that an append gives to its records: the batch's time, the index, the token.

    ``tokens`` are 8 bytes a record that are as good as random, derived from the batch: so a
    repeated request is answered with the same ids.
    """
    prefix = batch.removeprefix("bt_")[:13]
    digits = tokens.hex()
    return [
        RecordId(
            f"{prefix}-7{at >> 4:03x}-{_VARIANT[digits[at]]}{digits[at + 1 : at + 4]}"
            f"-{digits[at + 4 : at + 16]}"
        )
        for at in range(0, len(digits), 16)
    ]
