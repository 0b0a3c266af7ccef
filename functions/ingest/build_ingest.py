"""State BuildIngest: for some minutes, runs are put into the tree."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.merging import build_ingest
from datavault.services.job_steps import noting_failure
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("build_ingest")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Say how many steps were made, and whether all is in the tree."""
    step = Step.of(payload)
    with noting_failure(vault, step.workspace, step.job_id):
        built = build_ingest(
            vault,
            workspace=step.workspace,
            job_id=step.job_id,
            level=step.number("level"),
            count=step.number("runs"),
            attempt=step.number("attempt"),
            step=step.number("step"),
        )
    return {"step": built.steps, "done": built.done}
