"""Ledger entries: what happened, by whom, to what; written in the transaction that did it.

An entry holds ids and counts, never content: no record, no record id, no message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from datavault.domain import keyspace
from datavault.domain.access import Action, Caller
from datavault.domain.ids import EntryId, WorkspaceId, new_id
from datavault.domain.rows import Absent, Put, Value


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. ``operation`` is its name in the operations table."""

    id: EntryId
    workspace: WorkspaceId
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
                "workspace": self.workspace,
                "at_ms": self.at_ms,
                "actor": self.actor,
                "action": self.action.value,
                "operation": self.operation,
                "resource": self.resource,
                "correlation_id": self.correlation_id,
                **{f"detail_{name}": value for name, value in self.details.items()},
            },
            Absent(),
        )


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
