"""What operators do, in the ledger: who it was, when, and to what; no reason and no name they gave.

A change of the catalog has its entry in its own transaction (``ledger.operator_entry``). What is
done elsewhere (API Gateway, the bus, KMS) has two: one before it begins, without which it does not
begin, and one with what came of it. A first one without a second is something that was cut short,
or failed, and may have been done; its correlation id is that of one command. What ends with a
change of the catalog has the second in that transaction, and was not done without it.
"""

from dataclasses import dataclass

from datavault.domain import keyspace, ledger
from datavault.domain.access import Operator
from datavault.domain.errors import NotFound
from datavault.domain.ids import WorkspaceId
from datavault.domain.rows import Put, Value
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts

# The detail that tells the first entry from the second.
STEP = "step"
BEGUN = "begun"
ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Undertaking:
    """Something that has begun, and that the ledger knows of."""

    operator: Operator
    operation: str
    resource: str
    workspace: WorkspaceId | None


def begin(
    vault: Vault,
    operator: Operator,
    operation: str,
    resource: str,
    *,
    workspace: WorkspaceId | None,
    **details: Value,
) -> Undertaking:
    """Say that ``operation`` begins; where this raises, it must not."""
    made = Undertaking(operator, operation, resource, workspace)
    _write(vault, _entry(vault, made, BEGUN, details))
    return made


def end(vault: Vault, undertaking: Undertaking, **details: Value) -> None:
    """Say what came of it."""
    _write(vault, ended(vault, undertaking, **details))


def ended(vault: Vault, undertaking: Undertaking, **details: Value) -> Put:
    """What says so, for the transaction that it ends with."""
    return _entry(vault, undertaking, ENDED, details)


def require_workspace(vault: Vault, workspace: WorkspaceId) -> None:
    """Return if there is such a workspace; none ever goes. Else ``NotFound``."""
    if vault.catalog.get(keyspace.workspace(workspace)) is None:
        raise NotFound("there is no such workspace in this stage", field="workspace")


def _entry(vault: Vault, of: Undertaking, step: str, details: dict[str, Value]) -> Put:
    return ledger.operator_entry(
        of.operator,
        of.operation,
        of.resource,
        vault.clock.now_ms(),
        workspace=of.workspace,
        **{STEP: step},
        **details,
    )


def _write(vault: Vault, entry: Put) -> None:
    for token in attempts(vault, "the ledger"):
        if attempt(vault, [entry], token):
            return
