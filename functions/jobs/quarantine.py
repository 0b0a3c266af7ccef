"""GET /jobs/{job_id}/quarantine."""

from datavault.contracts.jobs import ListQuarantinedQuery, QuarantineReply
from datavault.contracts.operations import NDJSON
from datavault.domain.ids import parse_job_id
from datavault.ports import Vault
from datavault.services.jobs.quarantine import list_quarantined
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("list_quarantined")
def handler(vault: Vault, request: Request[ListQuarantinedQuery, None]) -> QuarantineReply | Answer:
    """List what a job refused; as lines, the records themselves."""
    job_id = parse_job_id(request.path["job_id"])
    page = list_quarantined(
        vault, caller=request.caller, job_id=job_id, cursor=request.query.cursor
    )
    if not request.wants_lines:
        return QuarantineReply.of(page, job_id, request.query)
    headers = {} if page.next_cursor is None else {"X-Next-Cursor": page.next_cursor}
    return Answer(b"".join(each.raw + b"\n" for each in page.items), NDJSON, headers=headers)
