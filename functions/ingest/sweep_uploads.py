"""Started by a schedule: expire uploads that nobody ended, and remove what jobs have read."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.sweep import sweep_uploads
from functions.edge.task import Payload, task


@task("sweep_uploads")
def handler(vault: Vault, _payload: Payload) -> dict[str, Any]:
    """Sweep; a run that is cut short is taken up by the next."""
    swept = sweep_uploads(vault)
    return {"expired": swept.expired, "objects": swept.objects}
