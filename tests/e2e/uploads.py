"""Uploading as a client does who has nothing but the API and a URL for each part."""

from collections.abc import Sequence
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.deployment import Shelf


def put_part(part: Any, content: bytes) -> dict[str, Any]:
    """PUT one part to its URL, with its headers; what completing it needs."""
    request = Request(part["url"], data=content, headers=part["headers"], method="PUT")
    with urlopen(request, timeout=60) as answer:
        return {"number": part["number"], "etag": answer.headers["ETag"]}


def is_taken(part: Any) -> bool:
    """Whether the landing takes a byte at a part's URL."""
    try:
        put_part(part, b"x")
    except HTTPError as error:
        if error.code == 403:
            return False
        raise
    return True


def begin(shelf: Shelf, **said: Any) -> Any:
    """A new upload."""
    reply = shelf.person.post(f"{shelf.path}/uploads", said)
    assert reply.status == 201, reply.content
    return reply.json()


def upload(shelf: Shelf, contents: Sequence[bytes], **said: Any) -> tuple[str, list[Any]]:
    """An upload whose parts have arrived: its id, and what completing it needs."""
    made = begin(shelf, size=sum(map(len, contents)), **said)
    parts = zip(made["parts"], contents, strict=True)
    return made["id"], [put_part(part, content) for part, content in parts]
