"""An API without a network: httpx requests become events, the real handlers answer on a vault.

It stands for API Gateway: routes by the operations table, asks the authorizer for rows that need
a token, leaves path parameters encoded, and gives JSON and NDJSON over in base64. Requests are
answered one at a time, as the memory vault's clock and recorders expect. PUTs to the URLs of parts
reach the landing.
"""

import base64
import json
import threading
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import httpx

from datavault.adapters.memory import landing
from datavault.adapters.memory.vault import MemoryVault
from datavault.client import Vault
from datavault.contracts.operations import OPERATIONS, Operation
from datavault.domain.errors import Denied, Invalid, NotFound, Unauthenticated
from datavault.domain.landing import SignedPart
from datavault.ports import Claims
from datavault.services.workspaces import create_workspace
from functions.access import authorize
from tests.support.builders import OPERATOR

BINARY = {"application/json", "application/x-ndjson"}
METHOD_ARN = "arn:aws:execute-api:eu-central-1:000000000000:api/live/GET/any"


class InProcessApi(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers below any host and any first segments of the path; remembers what was asked."""

    def __init__(self, vault: MemoryVault) -> None:
        self.vault = vault
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            if request.url.host == landing.HOST:
                return _landed(self.vault.landing, request)
            path, _, query = request.url.raw_path.decode().partition("?")
            found = _route(request.method, path)
            if found is None:
                return _refusal(403, "denied")
            row, parameters = found
            context: dict[str, Any] = {"requestId": "gateway-request"}
            if row.action is not None:
                try:
                    context["authorizer"] = self._authorized(request)
                except Unauthenticated:
                    return _refusal(401, "unauthenticated")
            event = _event(request, parameters, query, context)
            return _response(import_module(row.function).handler.answer(self.vault, event))

    def _authorized(self, request: httpx.Request) -> dict[str, Any]:
        payload = {
            "authorizationToken": request.headers.get("Authorization", ""),
            "methodArn": METHOD_ARN,
        }
        policy = authorize.handler.run(self.vault, payload)
        context: dict[str, Any] = policy["context"]
        return context


def vault_in_memory() -> Vault:
    """A client of an empty vault in memory, for an admin of a workspace of its own."""
    api = InProcessApi(MemoryVault())
    workspace = create_workspace(api.vault, operator=OPERATOR, name="acme", stage="test").id
    expires_s = api.vault.clock.now_ms() // 1000 + 3600
    token = api.vault.tokens.issue(Claims("ada", workspace, ("admin",), False, expires_s))
    return Vault(endpoint="https://vault.test/live", token=token, transport=api)


def _route(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The row that a path leads to, and its parameters as they were written."""
    for row in OPERATIONS:
        if row.method != method:
            continue
        wanted = row.path.split("/")
        given = path.split("/")[-len(wanted) + 1 :]
        pairs = list(zip(wanted[1:], given, strict=False))
        if len(pairs) == len(wanted) - 1 and all(
            want.startswith("{") or want == have for want, have in pairs
        ):
            return row, {want.strip("{}"): have for want, have in pairs if want.startswith("{")}
    return None


def _event(
    request: httpx.Request, parameters: dict[str, str], query: str, context: dict[str, Any]
) -> dict[str, Any]:
    media_type = request.headers.get("Content-Type", "").partition(";")[0]
    binary = media_type in BINARY
    content = request.content
    return {
        "headers": dict(request.headers),
        "pathParameters": parameters or None,
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
        "body": (base64.b64encode(content) if binary else content).decode() if content else None,
        "isBase64Encoded": binary,
        "requestContext": context,
    }


def _response(answer: dict[str, Any]) -> httpx.Response:
    body = answer["body"]
    content = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
    return httpx.Response(answer["statusCode"], headers=answer["headers"], content=content)


def _landed(there: landing.MemoryLanding, request: httpx.Request) -> httpx.Response:
    """What S3 says to a PUT of a part."""
    signed = SignedPart(str(request.url), dict(request.headers))
    try:
        etag = there.send(signed, request.content)
    except Denied:
        return httpx.Response(403, content=b"<Error><Code>AccessDenied</Code></Error>")
    except Invalid:
        return httpx.Response(400, content=b"<Error><Code>BadDigest</Code></Error>")
    except NotFound:
        return httpx.Response(404, content=b"<Error><Code>NoSuchUpload</Code></Error>")
    return httpx.Response(200, headers={"ETag": f'"{etag}"'})


def _refusal(status: int, code: str) -> httpx.Response:
    """What the gateway says itself (``infra.api``)."""
    problem = {
        "type": "about:blank",
        "title": "Refused",
        "status": status,
        "code": code,
        "detail": "refused by the gateway",
        "correlation_id": "gateway-request",
        "errors": [],
    }
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, headers=headers, content=json.dumps(problem).encode())
