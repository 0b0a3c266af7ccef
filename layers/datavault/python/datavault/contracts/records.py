"""Wire shapes of records. A record's own JSON text passes through verbatim, never re-encoded."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from datavault.contracts.wire import LIMIT_MAX, Body, Links, Pagination, Query, Reply
from datavault.domain.ids import BRANCH_NAME_CHARS_MAX

RecordJson = Annotated[
    bytes,
    WithJsonSchema({"type": "object", "additionalProperties": True}),
    Field(description="The record: any JSON object, kept as its own text."),
]
Branch = Annotated[str, Field(min_length=1, max_length=BRANCH_NAME_CHARS_MAX)]
Ref = Annotated[
    str,
    Field(
        min_length=1,
        max_length=BRANCH_NAME_CHARS_MAX,
        description="A branch, a commit id, or a prefix of one (8 characters at least).",
    ),
]


class RecordIn(Body):
    """A record, with its id where the dataset has no ``record_key``."""

    id: str | None = None
    data: RecordJson


class AppendBody(Body):
    """1 to 1000 records for one branch, 4 MB in all."""

    branch: Branch = "main"
    records: Annotated[list[RecordIn], Field(min_length=1, max_length=LIMIT_MAX)]


class AppendQuery(Query):
    """The branch of an NDJSON body (a JSON body names its own)."""

    branch: Branch = "main"


class AppendReply(Reply):
    """What was staged: visible on the branch at once, part of a version with the next commit."""

    branch: str
    count: int
    ids: list[str]
    links: Links


class GetRecordQuery(Query):
    """Where to read."""

    ref: Ref = "main"


class DeleteRecordQuery(Query):
    """Where to delete."""

    branch: Branch = "main"


class ListRecordsQuery(Query):
    """Where to read, and which page."""

    ref: Ref = "main"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = 100
    cursor: Annotated[str, Field(max_length=4096)] | None = None


class RecordReply(Reply):
    """A record. ``commit_id`` is the commit read, without what was staged on top of it."""

    id: str
    data: dict[str, Any]
    etag: str
    staged: bool
    links: Links


class RecordListReply(Reply):
    """A page of records in the byte order of their ids."""

    data: list[RecordReply]
    pagination: Pagination
    links: Links
