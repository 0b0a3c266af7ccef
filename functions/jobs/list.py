"""GET /jobs."""

from datavault.contracts.jobs import JobListReply, ListJobsQuery
from datavault.domain.ids import parse_dataset_id
from datavault.ports import Vault
from datavault.services.jobs.requests import list_jobs
from functions.edge.http import Request, endpoint


@endpoint("list_jobs")
def handler(vault: Vault, request: Request[ListJobsQuery, None]) -> JobListReply:
    """List the workspace's jobs."""
    query = request.query
    page = list_jobs(
        vault,
        caller=request.caller,
        dataset_id=None if query.dataset_id is None else parse_dataset_id(query.dataset_id),
        limit=query.limit,
        cursor=query.cursor,
    )
    return JobListReply.of(page, query)
