"""GET /docs."""

from functools import cache

from datavault.contracts.openapi import document
from datavault.contracts.operations import HTML
from datavault.contracts.reference import render, security_policy
from datavault.ports import Vault
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer


@endpoint("browse_docs")
def handler(_vault: Vault, _request: Request[None, None]) -> Answer:
    """Show this API as a page."""
    headers = {
        "Cache-Control": "public, max-age=300",
        "Content-Security-Policy": security_policy(),
        "Referrer-Policy": "no-referrer",
    }
    return Answer(_page(), f"{HTML}; charset=utf-8", headers=headers)


@cache
def _page() -> bytes:
    return render(document()).encode()
