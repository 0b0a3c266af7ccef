"""API Gateway events as the gateway makes them, and responses as a client sees them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from datavault.adapters.memory.vault import MemoryVault

# What must never come back in an error, a log or a metric.
CANARY = "canary-7f3a"


@dataclass(frozen=True)
class Reply:
    """A response with its body as bytes, however it travelled."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_base64: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answering(Protocol):
    def answer(self, vault: Any, event: Mapping[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Client:
    """Calls handlers on a vault, as one subject of one workspace."""

    vault: MemoryVault
    workspace: str
    subject: str = "ada"
    roles: str = "admin"
    token_lifetime_s: int = 900

    def __call__(self, handler: Answering, **parts: Any) -> Reply:
        response = handler.answer(self.vault, self.event(**parts))
        body = response["body"]
        return Reply(
            response["statusCode"],
            response["headers"],
            base64.b64decode(body) if response["isBase64Encoded"] else body.encode(),
            response["isBase64Encoded"],
        )

    def event(
        self,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        json_body: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A REST API's proxy event; path values are given as they are meant."""
        if json_body is not None:
            body = json.dumps(json_body).encode()
        sent = {} if body is None else {"Content-Type": "application/json"}
        sent |= headers or {}
        # The API's binary media types; anything else is text to the gateway.
        binary = sent.get("Content-Type") in {"application/json", "application/x-ndjson"}
        given = {
            name: [value] if isinstance(value, str) else value
            for name, value in (query or {}).items()
        }
        text = None
        if body is not None:
            text = base64.b64encode(body).decode() if binary else body.decode(errors="replace")
        return {
            "headers": sent,
            "pathParameters": {name: quote(value, safe="") for name, value in (path or {}).items()}
            or None,
            "multiValueQueryStringParameters": given or None,
            "body": text,
            "isBase64Encoded": binary,
            "requestContext": {
                "requestId": "gateway-request-1",
                "authorizer": {
                    "principalId": self.subject,
                    "subject": self.subject,
                    "workspace": self.workspace,
                    "roles": self.roles,
                    "expires_s": str(self.vault.clock.now_ms() // 1000 + self.token_lifetime_s),
                },
            },
        }
