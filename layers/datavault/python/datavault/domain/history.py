"""Commits: one version of a whole dataset each, named by the hash of what they say.

The id covers the tree's root address and count, the parents, author, message, time, counts and
the hash of the privacy policy applied: ``digests.commit_id`` of the canonical bytes, which are
the JSON text of those members in the order below, UTF-8, without spaces. Where the root is stored
is beside it and not covered, as everywhere in the tree.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from datavault.domain import digests
from datavault.domain.errors import Corrupt
from datavault.domain.ids import CommitId
from datavault.domain.store.node import Pointer

MESSAGE_CHARS_MAX = 4096
# A commit's row names this many first-parent ancestors, so that a page of history is read in
# a few round trips instead of one per commit; 32 ids are 1 KB.
TRAIL_MAX = 32
_ID_BYTES = 32
# A trail reaches 32 back; each of these eight times as far, 131,072 in all.
SKIPS = (256, 2048, 16_384, 131_072)
_HEIGHTS = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a commit changed against its first parent, and what it holds."""

    records: int
    added: int
    changed: int
    removed: int


# Without slots: the id, a hash of everything, is asked for often and made once.
@dataclass(frozen=True)
class Commit:
    """A version. ``root`` is the tree's root; ``policy`` the policy's hash, ``None`` when off."""

    root: Pointer
    parents: tuple[CommitId, ...]
    author: str
    message: str
    time_ms: int
    counts: Counts
    policy: str | None = None

    def canonical(self) -> bytes:
        """The bytes whose hash is the id."""
        return json.dumps(
            {
                "root": self.root.address.hex(),
                "parents": list(self.parents),
                "author": self.author,
                "message": self.message,
                "time_ms": self.time_ms,
                "records": self.counts.records,
                "added": self.counts.added,
                "changed": self.counts.changed,
                "removed": self.counts.removed,
                "policy": self.policy,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    @cached_property
    def id(self) -> CommitId:
        """The commit's name: 64 hex characters."""
        return CommitId(digests.commit_id(self.canonical()))

    def encode(self) -> bytes:
        """Canonical bytes and the root's whereabouts: u32 length of the former, both."""
        canonical = self.canonical()
        return len(canonical).to_bytes(4, "little") + canonical + self.root.to_bytes()

    @classmethod
    def decode(cls, encoded: bytes, commit_id: CommitId) -> "Commit":
        """The commit of that id, recomputed; anything else is ``Corrupt``."""
        end = 4 + int.from_bytes(encoded[:4], "little")
        canonical = encoded[4:end]
        if digests.commit_id(canonical) != commit_id:
            raise Corrupt(f"commit {commit_id} does not hash to its id")
        said = json.loads(canonical)
        root = Pointer.from_bytes(encoded[end:])
        if root.address.hex() != said["root"]:
            raise Corrupt(f"commit {commit_id} names another root than it stores")
        return cls(
            root,
            tuple(CommitId(parent) for parent in said["parents"]),
            said["author"],
            said["message"],
            said["time_ms"],
            Counts(said["records"], said["added"], said["changed"], said["removed"]),
            said["policy"],
        )


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a commit stands among its ancestors; kept in its row and no part of its identity.

    ``height`` is one more than the greatest of its parents' (a first commit's is 0), so that an
    ancestor is always lower. ``stem`` is the height of the nearest ancestor, or the commit itself,
    that has not exactly one parent: down to there the first parents are all the ancestors, one of
    each height. Of those, ``skips`` has the nearest whose height is a multiple of each of
    ``SKIPS``, if any is left: a skip list, whose entries a child has from its parent alone.

    Encoded: u64 height, u64 stem, 32 bytes a skip, zeros for none; little-endian.
    """

    height: int
    stem: int
    skips: tuple[CommitId | None, ...]

    def encode(self) -> bytes:
        """As its row keeps it, sealed."""
        ids = (bytes(_ID_BYTES) if skip is None else bytes.fromhex(skip) for skip in self.skips)
        return _HEIGHTS.pack(self.height, self.stem) + b"".join(ids)

    @classmethod
    def decode(cls, encoded: bytes) -> "Lineage":
        """What ``encode`` gave."""
        if len(encoded) != _HEIGHTS.size + len(SKIPS) * _ID_BYTES:
            raise Corrupt(f"a lineage of {len(encoded)} bytes")
        starts = range(_HEIGHTS.size, len(encoded), _ID_BYTES)
        ids = (encoded[start : start + _ID_BYTES] for start in starts)
        skips = tuple(CommitId(each.hex()) if any(each) else None for each in ids)
        height, stem = _HEIGHTS.unpack_from(encoded)
        return cls(height, stem, skips)


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit as kept: with the ids of its first-parent ancestors, nearest first.

    Rows written before there were lineages have none; nor has what comes after those.
    """

    commit: Commit
    trail: bytes
    lineage: Lineage | None = None

    def ancestors(self) -> list[CommitId]:
        """Up to ``TRAIL_MAX`` first-parent ancestors, nearest first."""
        starts = range(0, len(self.trail), _ID_BYTES)
        return [CommitId(self.trail[at : at + _ID_BYTES].hex()) for at in starts]

    def trail_of_child(self) -> bytes:
        """What a commit keeps whose first parent this is."""
        own = bytes.fromhex(self.commit.id)
        return (own + self.trail)[: TRAIL_MAX * _ID_BYTES]

    def at(self, height: int) -> CommitId | None:
        """The ancestor of that height, if it is named here and all between have one parent."""
        if self.lineage is None or not self.lineage.stem <= height < self.lineage.height:
            return None
        back = self.lineage.height - 1 - height
        if back < len(self.trail) // _ID_BYTES:
            return CommitId(self.trail[back * _ID_BYTES : (back + 1) * _ID_BYTES].hex())
        for multiple, skip in zip(SKIPS, self.lineage.skips, strict=True):
            if (self.lineage.height - 1) // multiple * multiple == height:
                return skip
        return None


def lineage_of(parents: Sequence[Kept]) -> Lineage | None:
    """The lineage of a commit with these parents; ``None`` where one of them has none."""
    known = [parent.lineage for parent in parents if parent.lineage is not None]
    if len(known) != len(parents):
        return None
    height = 1 + max((each.height for each in known), default=-1)
    if len(parents) != 1:
        return Lineage(height, height, (None,) * len(SKIPS))
    (parent,), (before,) = parents, known
    skips = (
        parent.commit.id if before.height % multiple == 0 else skip
        for multiple, skip in zip(SKIPS, before.skips, strict=True)
    )
    return Lineage(height, before.stem, tuple(skips))


def child_of(parents: Sequence[Kept], commit: Commit) -> Kept:
    """A new commit as it will be kept, its parents being these."""
    trail = parents[0].trail_of_child() if parents else b""
    return Kept(commit, trail, lineage_of(parents))
