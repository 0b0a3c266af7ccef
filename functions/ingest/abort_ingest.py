"""State AbortIngest: the job ends without its commit; what only it needed goes."""

from typing import Any

from datavault.domain.errors import VaultError
from datavault.domain.jobs import Failure
from datavault.ports import Vault
from datavault.services.ingest.publishing import abort_ingest
from functions.edge.steps import Step
from functions.edge.task import Payload, task

_WHY = "a step failed and could not be repeated: ask for the job again"


@task("abort_ingest")
def handler(vault: Vault, payload: Payload) -> dict[str, Any]:
    """End the job; why, its step has noted, or only the error's name is known."""
    step = Step.of(payload)
    state = abort_ingest(
        vault,
        workspace=step.workspace,
        job_id=step.job_id,
        failure=Failure(VaultError.code, _WHY),
    )
    return {"state": state.value}
