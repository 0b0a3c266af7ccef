"""The reflog: where a branch has been, step by step, each written in the transaction that made it.

It belongs to a branch's *name*: it goes on when the branch is deleted, and when another one gets
the name, so that a reset or a deletion can be undone (commits stay, and are found by their ids).
Rows are ordered by branch id, which begins with the time the branch was made, then by the number
of the move, which the heads count: no two clocks decide which of two moves came first.
"""

from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.ids import BranchId, BranchName, CommitId, DatasetId, WorkspaceId
from datavault.domain.rows import Absent, Put, Row


@dataclass(frozen=True, slots=True)
class Named:
    """A branch, and under which name of which dataset it stands."""

    workspace: WorkspaceId
    dataset: DatasetId
    id: BranchId
    name: BranchName


@dataclass(frozen=True, slots=True)
class Why:
    """By which operation of whom a branch moves, and when."""

    operation: str
    actor: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a branch, ``number`` counting from 0.

    ``source`` is ``None`` when the branch was made, ``target`` when it was deleted.
    """

    branch: BranchId
    number: int
    source: CommitId | None
    target: CommitId | None
    why: Why

    @classmethod
    def of(cls, row: Row) -> "Move":
        """From its row."""
        return cls(
            BranchId(row.text("branch")),
            row.number("number"),
            CommitId(row.text("source")) if row.text("source") else None,
            CommitId(row.text("target")) if row.text("target") else None,
            Why(row.text("operation"), row.text("actor"), row.number("at_ms")),
        )

    def put(self, named: Named) -> Put:
        """The change that adds this step to the reflog of the branch's name."""
        return Put(
            keyspace.reflog(named.workspace, named.dataset, named.name, self.branch, self.number),
            {
                "branch": self.branch,
                "number": self.number,
                "source": self.source or "",
                "target": self.target or "",
                "operation": self.why.operation,
                "actor": self.why.actor,
                "at_ms": self.why.at_ms,
            },
            Absent(),
        )
