"""State CleanIngest: what only the job needed goes."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.publishing import clean_ingest
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("clean_ingest")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Clean; what is left over expires with the landing."""
    step = Step.of(payload)
    clean_ingest(vault, workspace=step.workspace, job_id=step.job_id)
    return {}
