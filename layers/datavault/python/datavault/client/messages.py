"""Requests and answers on their way, before anything is made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request without its authorization; ``target`` is path and query below the endpoint."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes | None
    authorized: bool

    @property
    def repeatable(self) -> bool:
        """Whether carrying it out twice is the same as once."""
        return self.method == "GET" or "Idempotency-Key" in self.headers


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_good(self) -> bool:
        """Whether the operation was carried out."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back. ``reason`` is a word for what went wrong, without any content."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Records as they are stored: ``content`` is NDJSON, each line one record byte for byte.

    ``next_cursor`` goes into ``cursor`` of the same call to get the page after it.
    """

    content: bytes
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The records, without the ends of their lines."""
        return iter(self.content.split(b"\n")[:-1])

    def __len__(self) -> int:
        return self.content.count(b"\n")
