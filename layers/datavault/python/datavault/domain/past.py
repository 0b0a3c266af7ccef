"""A record's past: what commits did to it."""

from dataclasses import dataclass
from enum import StrEnum

from datavault.domain.history import Commit


class Kind(StrEnum):
    """What a commit did to a record."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Event:
    """What a commit did to a record; ``etag`` is that of the record it left, if it left one."""

    commit: Commit
    kind: Kind
    etag: str | None
