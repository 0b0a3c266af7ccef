"""What a version takes, as values."""

from dataclasses import dataclass

from datavault.domain.ids import CommitId


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes as stored, sealed and compressed: of blocks of records, and of nodes of the tree."""

    records: int
    nodes: int

    @property
    def total(self) -> int:
        """Both."""
        return self.records + self.nodes


@dataclass(frozen=True, slots=True)
class DatasetStats:
    """``unique`` and ``shared`` divide what ``commit`` is stored in: what ``base`` does not need
    and what it needs too. Without a base all is unique. ``both_*`` are of the two versions kept.
    """

    commit: CommitId
    base: CommitId | None
    records: int
    logical_bytes: int
    stored: Stored
    unique: Stored
    shared: Stored
    both_logical_bytes: int
    both_stored_bytes: int
