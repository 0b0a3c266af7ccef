"""Commits: one version of a whole dataset each, named by the hash of what they say.

The id covers the tree's root address and count, the parents, author, message, time, counts and
the hash of the privacy policy applied: ``digests.commit_id`` of the canonical bytes, which are
the JSON text of those members in the order below, UTF-8, without spaces. Where the root is stored
is beside it and not covered, as everywhere in the tree.
"""

import json
from dataclasses import dataclass

from datavault.domain import digests
from datavault.domain.errors import Corrupt
from datavault.domain.ids import CommitId
from datavault.domain.store.node import Pointer

MESSAGE_CHARS_MAX = 4096
# A commit's row names this many first-parent ancestors, so that a page of history is read in
# a few round trips instead of one per commit; 32 ids are 1 KB.
TRAIL_MAX = 32
_ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Counts:
    """What a commit changed against its first parent, and what it holds."""

    records: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
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

    @property
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
class Kept:
    """A commit as kept: with the ids of its first-parent ancestors, nearest first."""

    commit: Commit
    trail: bytes

    def ancestors(self) -> list[CommitId]:
        """Up to ``TRAIL_MAX`` first-parent ancestors, nearest first."""
        starts = range(0, len(self.trail), _ID_BYTES)
        return [CommitId(self.trail[at : at + _ID_BYTES].hex()) for at in starts]

    def trail_of_child(self) -> bytes:
        """What a commit keeps whose first parent this is."""
        own = bytes.fromhex(self.commit.id)
        return (own + self.trail)[: TRAIL_MAX * _ID_BYTES]
