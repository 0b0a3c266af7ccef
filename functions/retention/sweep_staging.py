"""Started by a schedule: remove staged changes that no reader needs any more."""

from typing import Any

from datavault.ports import Vault
from datavault.services.retention import sweep_staging
from functions.edge.task import Payload, task


@task("sweep_staging")
def handler(vault: Vault, _payload: Payload) -> dict[str, Any]:
    """Sweep; a run that is cut short is taken up by the next."""
    swept = sweep_staging(vault)
    return {"generations": swept.generations, "rows": swept.rows, "objects": swept.objects}
