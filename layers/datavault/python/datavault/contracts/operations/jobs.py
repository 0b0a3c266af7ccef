"""Rows of the table: jobs."""

from datavault.contracts import jobs
from datavault.contracts.operations.rows import API, HISTORY, JSON, NDJSON, Grant, Operation
from datavault.domain.access import Action

ROWS: tuple[Operation, ...] = (
    Operation(
        name="list_jobs",
        capability="jobs",
        method="GET",
        path=f"{API}/jobs",
        summary="List the workspace's jobs, newest first",
        action=Action.READ_JOBS,
        query=jobs.ListJobsQuery,
        reply=jobs.JobListReply,
        status=200,
        function="functions.jobs.list",
        grants=HISTORY,
    ),
    Operation(
        name="get_job",
        capability="jobs",
        method="GET",
        path=f"{API}/jobs/{{job_id}}",
        summary="Get one job: how far it is, and what came of it",
        action=Action.READ_JOBS,
        reply=jobs.JobReply,
        status=200,
        function="functions.jobs.get",
        grants=frozenset({Grant.CATALOG_READ}),
    ),
    Operation(
        name="cancel_job",
        capability="jobs",
        method="POST",
        path=f"{API}/jobs/{{job_id}}/cancel",
        summary="Let a job end without its commit",
        action=Action.CANCEL_JOBS,
        reply=jobs.JobReply,
        status=202,
        function="functions.jobs.cancel",
        # The key is for the Idempotency-Key, whose row is among the staged ones.
        grants=HISTORY
        | {Grant.CATALOG_WRITE, Grant.STAGING_READ, Grant.STAGING_WRITE, Grant.LEDGER_APPEND},
    ),
    Operation(
        name="list_quarantined",
        capability="jobs",
        method="GET",
        path=f"{API}/jobs/{{job_id}}/quarantine",
        summary="List the records that a job refused, or get them as lines to be mended",
        action=Action.READ_RECORDS,
        query=jobs.ListQuarantinedQuery,
        reply=jobs.QuarantineReply,
        returns=(JSON, NDJSON),
        status=200,
        function="functions.jobs.quarantine",
        grants=HISTORY | {Grant.OBJECTS_READ, Grant.STAGING_READ},
        memory_mb=1024,
    ),
)
