"""State PlanIngest: what each file is, and how the work is divided."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.planning import plan_ingest
from datavault.services.job_steps import noting_failure
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("plan_ingest")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Say how many parts there are."""
    step = Step.of(payload)
    with noting_failure(vault, step.workspace, step.job_id):
        return {"parts": plan_ingest(vault, workspace=step.workspace, job_id=step.job_id)}
