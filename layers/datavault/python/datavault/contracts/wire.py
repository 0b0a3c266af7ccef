"""What all wire shapes share: strict models, problems, pages and links."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LIMIT_MAX = 1000


class Body(BaseModel):
    """A request: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """Query parameters: unknown ones are refused; text is turned into numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    """A response."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Link(Reply):
    """Where something related is, relative to the API's root."""

    href: str


Links = Annotated[dict[str, Link], Field(alias="_links", default_factory=dict)]


class Pagination(Reply):
    """How to go on with a list. ``next_cursor`` is opaque and good for the same query only."""

    next_cursor: str | None
    has_more: bool


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

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = 100
    cursor: Annotated[str, Field(max_length=4096)] | None = None
