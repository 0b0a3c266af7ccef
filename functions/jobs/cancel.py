"""POST /jobs/{job_id}/cancel."""

from datavault.contracts.jobs import JobReply
from datavault.domain.ids import parse_job_id
from datavault.ports import Vault
from datavault.services.jobs.requests import cancel_job
from functions.edge.http import Request, endpoint


@endpoint("cancel_job")
def handler(vault: Vault, request: Request[None, None]) -> JobReply:
    """Let a job end."""
    job = cancel_job(
        vault,
        caller=request.caller,
        job_id=parse_job_id(request.path["job_id"]),
        request=request.once,
    )
    return JobReply.of(job)
