"""Fed by the ledger's stream: publish each entry as an event."""

from typing import Any

from datavault.contracts.events import write
from datavault.ports import Vault
from datavault.services.events.publishing import publish_events
from functions.edge.stream import new_rows
from functions.edge.task import Payload, task


@task("publish_events")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Publish a batch. Lambda gives again what is named here, and all that is behind it."""
    records = new_rows(payload)
    later = publish_events(vault, [record.row for record in records], write=write)
    return {
        "batchItemFailures": [{"itemIdentifier": records[place].sequence_number} for place in later]
    }
