"""Ledger entries: what happened, by whom, to what; written in the transaction that did it.

An entry holds ids and counts, never content: no record, no record id, no message. What operators
do to a workspace is in its own ledger, where they cannot hide it from those it concerns; what
concerns them all is in the stage's, which belongs to no workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from datavault.domain import keyspace
from datavault.domain.access import Action, Caller, Operator
from datavault.domain.errors import Corrupt
from datavault.domain.ids import EntryId, WorkspaceId, new_id
from datavault.domain.rows import Absent, Put, Row, Value

_DETAIL = "detail_"


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. ``operation`` is its name in the operations table, or an operator's service.

    ``workspace`` is ``None`` for what concerns the whole stage.
    """

    id: EntryId
    workspace: WorkspaceId | None
    at_ms: int
    actor: str
    action: Action
    operation: str
    resource: str
    correlation_id: str
    details: Mapping[str, Value] = field(default_factory=dict)

    def put(self) -> Put:
        """The change that adds this entry to the ledger."""
        return Put(
            keyspace.ledger(self.workspace, self.at_ms, self.id),
            {
                "id": self.id,
                **({} if self.workspace is None else {"workspace": self.workspace}),
                "at_ms": self.at_ms,
                "actor": self.actor,
                "action": self.action.value,
                "operation": self.operation,
                "resource": self.resource,
                "correlation_id": self.correlation_id,
                **{f"{_DETAIL}{name}": value for name, value in self.details.items()},
            },
            Absent(),
        )

    @classmethod
    def of(cls, row: Row) -> "Entry":
        """From its row.

        Raises:
            Corrupt: the row is no entry, or one with an action that is not known here.
        """
        try:
            return cls(
                EntryId(row.text("id")),
                WorkspaceId(row.text("workspace")) if "workspace" in row.attributes else None,
                row.number("at_ms"),
                row.text("actor"),
                Action(row.text("action")),
                row.text("operation"),
                row.text("resource"),
                row.text("correlation_id"),
                {
                    name.removeprefix(_DETAIL): value
                    for name, value in row.attributes.items()
                    if name.startswith(_DETAIL)
                },
            )
        except (KeyError, AssertionError, ValueError):
            raise Corrupt("a row of the ledger is no entry that is known here") from None


def entry(
    caller: Caller,
    action: Action,
    operation: str,
    resource: str,
    at_ms: int,
    **details: Value,
) -> Put:
    """The change that records what ``caller`` did."""
    return Entry(
        EntryId(new_id("le", at_ms)),
        caller.workspace,
        at_ms,
        caller.subject,
        action,
        operation,
        resource,
        caller.correlation_id,
        details,
    ).put()


def operator_entry(
    operator: Operator,
    operation: str,
    resource: str,
    at_ms: int,
    *,
    workspace: WorkspaceId | None,
    **details: Value,
) -> Put:
    """The change that records what ``operator`` did to a workspace, or to the whole stage."""
    return Entry(
        EntryId(new_id("le", at_ms)),
        workspace,
        at_ms,
        operator.identity,
        Action.OPERATE,
        operation,
        resource,
        operator.correlation_id,
        details,
    ).put()
