"""State IngestPart: one part is read, and what is new in it stored."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.parts import ingest_part
from datavault.services.job_steps import noting_failure
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("ingest_part")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Answer nothing: a thousand answers are one state."""
    step = Step.of(payload)
    with noting_failure(vault, step.workspace, step.job_id):
        ingest_part(vault, workspace=step.workspace, job_id=step.job_id, part=step.number("part"))
    return {}
