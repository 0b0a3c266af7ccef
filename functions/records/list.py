"""GET /datasets/{dataset_id}/records."""

from urllib.parse import quote, urlencode

from datavault.contracts.operations import JSON, NDJSON
from datavault.contracts.records import ListRecordsQuery, encode_page
from datavault.domain.pages import Page
from datavault.domain.staging import RecordView
from datavault.ports import Vault
from datavault.services.records.reading import list_records
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("list_records")
def handler(vault: Vault, request: Request[ListRecordsQuery, None]) -> Answer:
    """List records; fewer than asked for where a page of them would not fit the reply."""
    query, limit = request.query, request.query.limit
    while True:
        page = list_records(
            vault,
            caller=request.caller,
            dataset_id=request.dataset_id,
            ref=query.ref,
            limit=limit,
            cursor=query.cursor,
        )
        answer = _lines(page, query) if request.wants_lines else _envelope(page, request)
        if answer.fits or len(page.items) <= 1:
            return answer
        limit = len(page.items) // 2


def _envelope(page: Page[RecordView], request: Request[ListRecordsQuery, None]) -> Answer:
    return Answer(encode_page(page, request.dataset_id, request.query), JSON)


def _lines(page: Page[RecordView], query: ListRecordsQuery) -> Answer:
    body = b"".join(view.body + b"\n" for view in page.items)
    if page.next_cursor is None:
        return Answer(body, NDJSON)
    # A reference of a query only holds under any stage and domain name.
    following = {"ref": query.ref, "limit": query.limit, "cursor": page.next_cursor}
    target = f"?{urlencode(following, quote_via=quote)}"
    headers = {"Link": f'<{target}>; rel="next"', "X-Next-Cursor": page.next_cursor}
    return Answer(body, NDJSON, headers=headers)
