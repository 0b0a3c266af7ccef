"""GET /datasets/{dataset_id}/merge/conflicts."""

from datavault.contracts.operations import JSON
from datavault.contracts.versions.merges import ListConflictsQuery, encode_conflicts
from datavault.domain.changes import Include
from datavault.ports import Vault
from datavault.services.versions.preview import list_conflicts
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("list_conflicts")
def handler(vault: Vault, request: Request[ListConflictsQuery, None]) -> Answer:
    """List conflicts: fewer where their texts would not fit the reply, or one without them."""
    query, limit, include = request.query, request.query.limit, Include(request.query.include)
    while True:
        page = list_conflicts(
            vault,
            caller=request.caller,
            dataset_id=request.dataset_id,
            question=query.question(),
            include=include,
            limit=limit,
            cursor=query.cursor,
        )
        answer = Answer(encode_conflicts(page, request.dataset_id, query), JSON)
        if answer.fits or include is Include.ETAGS:
            return answer
        include = include if len(page.conflicts) > 1 else Include.ETAGS
        limit = max(1, len(page.conflicts) // 2)
