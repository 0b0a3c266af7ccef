"""What became of a record between two versions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from datavault.domain.ids import CommitId, RecordId


class ChangeKind(StrEnum):
    """How a record differs in a target from a base."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Include(StrEnum):
    """What is told of each record: its etags, or its texts as well."""

    ETAGS = "etags"
    RECORDS = "records"


class Held(NamedTuple):
    """A record as one version holds it; ``body`` only where texts were asked for."""

    etag: str
    body: bytes | None


class RecordChange(NamedTuple):
    """A record that is not the same in two versions; a side that has none is ``None``."""

    id: RecordId
    before: Held | None
    after: Held | None

    @property
    def kind(self) -> ChangeKind:
        """What happened to it."""
        if self.before is None:
            return ChangeKind.ADDED
        return ChangeKind.REMOVED if self.after is None else ChangeKind.CHANGED


@dataclass(frozen=True, slots=True)
class Compared:
    """A page of what differs: the two versions, the changes in order of id, how to go on."""

    base: CommitId
    target: CommitId
    changes: tuple[RecordChange, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records differ between two versions, in one page of the count."""

    base: CommitId
    target: CommitId
    added: int
    changed: int
    removed: int
    next_cursor: str | None
