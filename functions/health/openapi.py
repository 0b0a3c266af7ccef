"""GET /openapi.json."""

import json
from functools import cache

from datavault.contracts.openapi import document
from datavault.ports import Vault
from functions.edge.http import Request, endpoint
from functions.edge.responses import Answer

# The document changes with a deployment; five minutes is how long a client may lag behind.
CACHED = {"Cache-Control": "public, max-age=300"}


@endpoint("describe_api")
def handler(_vault: Vault, _request: Request[None, None]) -> Answer:
    """Describe this API."""
    return Answer(_document(), headers=CACHED)


@cache
def _document() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()
