"""State MergeRuns: a group of runs becomes one."""

from typing import Any

from datavault.ports import Vault
from datavault.services.ingest.merging import merge_runs
from datavault.services.job_steps import noting_failure
from functions.edge.steps import Step
from functions.edge.task import Payload, task


@task("merge_runs")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """Answer nothing: a thousand answers are one state."""
    step = Step.of(payload)
    with noting_failure(vault, step.workspace, step.job_id):
        merge_runs(
            vault,
            workspace=step.workspace,
            job_id=step.job_id,
            level=step.number("level"),
            count=step.number("runs"),
            group=step.number("group"),
        )
    return {}
