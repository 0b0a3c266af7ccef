"""Tags: names of commits that never move. A tag cannot be deleted or made again.

Tags and branches share one namespace, since a ref may be either: whoever makes one checks, in the
transaction that makes it, that the other is not there.
"""

from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchName, CommitId, DatasetId, TagName, WorkspaceId
from datavault.domain.rows import Absent, Change, Check, Put, Row


@dataclass(frozen=True, slots=True)
class Tag:
    """A commit's name, and what was said when it got it."""

    name: TagName
    commit: CommitId
    message: str
    created_ms: int
    created_by: str

    @classmethod
    def of(cls, row: Row, message: str) -> "Tag":
        """From its row and its message, which is sealed there."""
        return cls(
            TagName(row.text("name")),
            CommitId(row.text("commit")),
            message,
            row.number("created_ms"),
            row.text("created_by"),
        )


def create(ws: WorkspaceId, ds: DatasetId, tag: Tag, sealed_message: bytes) -> list[Change]:
    """The tag, if neither a tag nor a branch has its name."""
    row = Put(
        keyspace.tag(ws, ds, tag.name),
        {
            "name": tag.name,
            "commit": tag.commit,
            "message": sealed_message,
            "created_ms": tag.created_ms,
            "created_by": tag.created_by,
        },
        Absent(),
    )
    return [row, Check(keyspace.branch(ws, ds, BranchName(tag.name)), Absent())]
