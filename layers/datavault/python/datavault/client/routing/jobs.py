"""Generated from the operations table: routes of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.client.messages import Lines
    from datavault.contracts.jobs import JobListReply, JobReply, QuarantineReply

LIST_JOBS: Route[JobListReply] = Route(
    "list_jobs", "GET", "/api/v1/jobs", "datavault.contracts.jobs:JobListReply"
)
GET_JOB: Route[JobReply] = Route(
    "get_job", "GET", "/api/v1/jobs/{job_id}", "datavault.contracts.jobs:JobReply"
)
CANCEL_JOB: Route[JobReply] = Route(
    "cancel_job", "POST", "/api/v1/jobs/{job_id}/cancel", "datavault.contracts.jobs:JobReply"
)
LIST_QUARANTINED: Route[QuarantineReply] = Route(
    "list_quarantined",
    "GET",
    "/api/v1/jobs/{job_id}/quarantine",
    "datavault.contracts.jobs:QuarantineReply",
)
LIST_QUARANTINED_AS_LINES: Route[Lines] = Route(
    "list_quarantined", "GET", "/api/v1/jobs/{job_id}/quarantine", returns="application/x-ndjson"
)
