"""Where things are: hrefs relative to the API's root URL, percent-encoded."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from datavault.contracts.wire import Link

type Member = str | int | Sequence[str] | None

API = "/api/v1"


def href(*segments: str, **query: Member) -> str:
    """The path of these segments, each encoded whole, and the query's members that are set."""
    path = "/".join((API, *map(encoded, segments)))
    set_members = {name: value for name, value in query.items() if value is not None}
    encoded_query = urlencode(set_members, doseq=True, quote_via=quote)
    return f"{path}?{encoded_query}" if set_members else path


def encoded(segment: str) -> str:
    """One segment of a path. ``.`` and ``..`` too, which clients take away as they stand."""
    return "%2E" * len(segment) if segment in {".", ".."} else quote(segment, safe="")


def link(*segments: str, **query: Member) -> Link:
    """The same as a link."""
    return Link(href=href(*segments, **query))


def page_links(*segments: str, next_cursor: str | None, **query: Member) -> dict[str, Link]:
    """A list's links: itself, and the page after it while there is one."""
    links = {"self": link(*segments, **query)}
    if next_cursor is not None:
        links["next"] = link(*segments, **{**query, "cursor": next_cursor})
    return links
