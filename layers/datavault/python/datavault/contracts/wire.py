"""What all wire shapes share: strict models, problems, pages and links.

Validators are built on first use (``defer_build``): a function needs those of its own row only,
and building all of them is most of what importing the operations table would cost a cold start.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from datavault.contracts.json_text import parse_object

LIMIT_MAX = 1000
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
CURSOR_CHARS_MAX = 4096


class Body(BaseModel):
    """A request: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The body in a JSON text; ``Malformed``, or pydantic's ``ValidationError``."""
        return cls.model_validate(parse_object(text))


class Query(BaseModel):
    """Query parameters: unknown ones are refused; text is turned into numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Reply(BaseModel):
    """A response."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)


class Link(Reply):
    """Where something related is, relative to the API's root URL."""

    href: str


Links = Annotated[dict[str, Link], Field(alias="_links", default_factory=dict)]
Time = Annotated[datetime, Field(description="RFC 3339, in UTC, to the millisecond.")]


def time_of(milliseconds: int) -> datetime:
    """Milliseconds since the epoch as the wire writes them."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _only_digits(value: object) -> object:
    """Text of digits: pydantic would also take ``+5``, `` 5 `` and ``5.0`` for an integer."""
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,9}", value):
        raise PydanticCustomError("digits", "is a whole number of at most 9 decimal digits")
    return value


def _only_rfc3339(value: object) -> object:
    """An instant with its offset: pydantic would also take numbers, dates and local times."""
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise PydanticCustomError("rfc3339", "is a time like 2026-01-31T12:00:00Z (RFC 3339)")
    return value


Instant = Annotated[datetime, BeforeValidator(_only_rfc3339)]
Limit = Annotated[
    int,
    BeforeValidator(_only_digits),
    Field(ge=1, le=LIMIT_MAX, description="Rows in a page, at most."),
]
Cursor = Annotated[
    Annotated[str, Field(max_length=CURSOR_CHARS_MAX)] | None,
    Field(description="The `next_cursor` of the page before; it goes with the same query only."),
]


class Pagination(Reply):
    """How to go on with a list. ``next_cursor`` is opaque and good for the same query only."""

    next_cursor: str | None
    has_more: bool

    @classmethod
    def after(cls, next_cursor: str | None) -> Self:
        """For a page that ends at ``next_cursor``."""
        return cls(next_cursor=next_cursor, has_more=next_cursor is not None)


class FieldProblem(Reply):
    """One thing wrong with a request: where, and what; never the value."""

    field: str
    message: str


class Problem(Reply):
    """A problem document (RFC 9457) with the vault's ``code``."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    correlation_id: str
    errors: list[FieldProblem] = []


class ListQuery(Query):
    """A page of a list: at most ``limit`` rows, after ``cursor``."""

    limit: Limit = 100
    cursor: Cursor = None
