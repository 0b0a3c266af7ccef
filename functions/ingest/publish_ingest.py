"""State PublishIngest: the branch moves and the job ends, or another attempt is due."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.publishing import publish_ingest
from datavault.services.job_steps import noting_failure
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("publish_ingest")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Say whether the branch had moved."""
    step = Step.of(payload)
    with noting_failure(vault, step.workspace, step.job_id):
        published = publish_ingest(
            vault,
            workspace=step.workspace,
            job_id=step.job_id,
            attempt_number=step.number("attempt"),
            steps=step.number("step"),
        )
    return {"moved": published.moved, "attempt": published.attempt}
