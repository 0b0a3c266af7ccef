"""Started by a schedule: start jobs that nobody started, and end those that are stuck."""

from typing import Any

from datavault.ports import Vault
from datavault.services.jobs.sweep import sweep_jobs
from functions.edge.task import Payload, task


@task("sweep_jobs")
def handler(vault: Vault, _payload: Payload) -> dict[str, Any]:
    """Sweep; a run that is cut short is taken up by the next."""
    swept = sweep_jobs(vault)
    return {"started": swept.started, "ended": swept.ended}
