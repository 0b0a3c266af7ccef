"""GET /datasets/{dataset_id}/diff."""

from datavault.contracts.operations import JSON
from datavault.contracts.versions.diff import DiffQuery, encode_diff
from datavault.domain.changes import Include
from datavault.ports import Vault
from datavault.services.versions.diff import diff_refs
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("diff_refs")
def handler(vault: Vault, request: Request[DiffQuery, None]) -> Answer:
    """List what differs: fewer changes where their texts would not fit the reply, or one alone."""
    query, limit, include = request.query, request.query.limit, Include(request.query.include)
    while True:
        page = diff_refs(
            vault,
            caller=request.caller,
            dataset_id=request.dataset_id,
            base=query.base,
            target=query.target,
            include=include,
            limit=limit,
            cursor=query.cursor,
        )
        answer = Answer(encode_diff(page, request.dataset_id, query), JSON)
        if answer.fits or include is Include.ETAGS:
            return answer
        include = include if len(page.changes) > 1 else Include.ETAGS
        limit = max(1, len(page.changes) // 2)
