"""Requests that go out exactly as written: no path is normalised, nothing is encoded for you."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

JSON = "application/json"
NDJSON = "application/x-ndjson"
TIMEOUT_S = 90


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The problem's code, or ``ok``."""
        return str(self.json()["code"]) if self.status >= 400 else "ok"


@dataclass(frozen=True, slots=True)
class Call:
    """A request below an API's base URL; ``path`` and ``query`` are encoded already."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] | None = None

    def with_headers(self, **headers: str) -> "Call":
        """The same with more headers; underscores in names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Call(self.method, self.path, self.body, {**(self.headers or {}), **named})


def send(base_url: str, call: Call) -> Reply:
    """Send one request on a connection of its own."""
    host, _, root = base_url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
    prefix = f"/{root}" if root else ""
    try:
        connection.request(
            call.method, f"{prefix}{call.path}", body=call.body, headers=dict(call.headers or {})
        )
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(reply.status, headers, reply.read())
    finally:
        connection.close()


def json_call(method: str, path: str, body: object) -> Call:
    """A call with a JSON body."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return Call(method, path, content, {"Content-Type": JSON})


def segment(text: str) -> str:
    """``text`` as one segment of a path; also ``.`` and ``..``, which clients would take away."""
    return quote(text, safe="").replace(".", "%2E")
