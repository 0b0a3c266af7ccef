"""A caller of the deployed API, for the demo and the end-to-end tests.

Speaks plain HTTP through a keep-alive pool and looks at nothing: what comes back is status,
headers and bytes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from datavault.contracts.links import encoded

NDJSON = "application/x-ndjson"


class Refused(RuntimeError):
    """The API answered with a problem; ``problem`` is its document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:  # noqa: ANN401
        """The body, parsed."""
        return json.loads(self.content)


class Session:
    """One caller: an API's base URL and an access token."""

    def __init__(self, api_url: str, token: str | None) -> None:
        self.api_url = api_url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(
            maxsize=16, retries=False, timeout=urllib3.Timeout(connect=5, read=60)
        )

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: str | int,
    ) -> Answer:
        """Send a request as it is; nothing is raised for its status."""
        url = f"{self.api_url}{path}" + (f"?{urlencode(query)}" if query else "")
        response = self._pool.request(
            method, url, body=body, headers={**self._headers, **(headers or {})}
        )
        return Answer(response.status, dict(response.headers), response.data)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: str | int,
    ) -> Any:  # noqa: ANN401
        """Send JSON and get JSON, or ``Refused``."""
        content = None if body is None else json.dumps(body).encode()
        typed = {} if content is None else {"Content-Type": "application/json"}
        answer = self.send(
            method, f"/api/v1{path}", content, headers={**typed, **(headers or {})}, **query
        )
        if answer.status >= 400:
            raise Refused(answer.status, answer.json())
        return answer.json() if answer.content else None

    def append_lines(self, dataset: str, lines: bytes, *, branch: str = "main") -> Any:  # noqa: ANN401
        """Append NDJSON."""
        answer = self.send(
            "POST",
            f"/api/v1/datasets/{dataset}/records",
            lines,
            headers={"Content-Type": NDJSON},
            branch=branch,
        )
        if answer.status >= 400:
            raise Refused(answer.status, answer.json())
        return answer.json()

    def record(self, dataset: str, record_id: str, *, ref: str = "main") -> bytes:
        """One record's own bytes."""
        answer = self.send(
            "GET",
            f"/api/v1/datasets/{dataset}/records/{encoded(record_id)}",
            headers={"Accept": NDJSON},
            ref=ref,
        )
        if answer.status >= 400:
            raise Refused(answer.status, answer.json())
        return answer.content.rstrip(b"\n")

    def pages(self, dataset: str, *, ref: str, limit: int = 1000) -> Iterator[bytes]:
        """All records of a ref in order of id, a page of NDJSON at a time."""
        cursor: dict[str, str] = {}
        while True:
            answer = self.send(
                "GET",
                f"/api/v1/datasets/{dataset}/records",
                None,
                headers={"Accept": NDJSON},
                ref=ref,
                limit=limit,
                **cursor,
            )
            if answer.status >= 400:
                raise Refused(answer.status, answer.json())
            yield answer.content
            following = {name.lower(): value for name, value in answer.headers.items()}
            if "x-next-cursor" not in following:
                return
            cursor = {"cursor": following["x-next-cursor"]}
