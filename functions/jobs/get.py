"""GET /jobs/{job_id}."""

from datavault.contracts.jobs import JobReply
from datavault.domain.ids import parse_job_id
from datavault.ports import Vault
from datavault.services.jobs.requests import get_job
from functions.edge.http import Request, endpoint


@endpoint("get_job")
def handler(vault: Vault, request: Request[None, None]) -> JobReply:
    """Get one job."""
    job_id = parse_job_id(request.path["job_id"])
    return JobReply.of(get_job(vault, caller=request.caller, job_id=job_id))
