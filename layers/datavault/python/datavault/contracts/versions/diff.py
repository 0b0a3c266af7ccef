"""Wire shapes of what differs between two versions.

A record's text passes through verbatim, so a page is written byte by byte by ``encode_diff``; the
reply models describe it to OpenAPI and the client.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from datavault.contracts.json_text import encode
from datavault.contracts.links import href, link, page_links
from datavault.contracts.records import RecordText, Ref
from datavault.contracts.wire import Cursor, Limit, Links, Pagination, Query, Reply
from datavault.domain.changes import ChangeKind

if TYPE_CHECKING:
    from datavault.domain.changes import Compared, Counted, Held, RecordChange

Text = Annotated[
    dict[str, Any] | None,
    Field(
        description="The record's own text. Null unless `include=records`, and where the texts of"
        " one change are more than a reply holds: then get the record from either ref."
    ),
]


class DiffQuery(Query):
    """Which two versions, how much of each change, and which page."""

    base: Annotated[Ref, Field(description="The version to compare from.")]
    target: Annotated[Ref, Field(description="The version to compare to.")] = "main"
    include: Annotated[
        Literal["etags", "records"],
        Field(description="`records` adds both texts of each change, verbatim."),
    ] = "etags"
    limit: Limit = 100
    cursor: Cursor = None


class CountChangesQuery(Query):
    """Which two versions, and which page of the count."""

    base: Annotated[Ref, Field(description="The version to compare from.")]
    target: Annotated[Ref, Field(description="The version to compare to.")] = "main"
    cursor: Cursor = None


class HeldReply(RecordText):
    """A record as one version holds it."""

    etag: str
    data: Text = None


class ChangeReply(Reply):
    """A record that is not the same in two versions; a side that has none is null."""

    id: str
    kind: ChangeKind
    before: HeldReply | None
    after: HeldReply | None
    links: Annotated[Links, Field(description="`record`: as `target` has it, or else `base`.")]


class DiffReply(Reply):
    """A page of changes in the byte order of their record ids."""

    base: Annotated[str, Field(description="The commit that `base` named at the first page.")]
    target: Annotated[str, Field(description="The commit that `target` named at the first page.")]
    data: list[ChangeReply]
    pagination: Pagination
    links: Links


class ChangeCountsReply(Reply):
    """How many records differ: the sum of all pages, of which there is mostly one."""

    base: str
    target: str
    added: int
    changed: int
    removed: int
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, counted: "Counted", dataset_id: str, query: CountChangesQuery) -> Self:
        """The wire shape of ``counted``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "diff",
            "counts",
            next_cursor=counted.next_cursor,
            base=query.base,
            target=query.target,
            cursor=query.cursor,
        )
        return cls(
            base=counted.base,
            target=counted.target,
            added=counted.added,
            changed=counted.changed,
            removed=counted.removed,
            pagination=Pagination.after(counted.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )


def encode_diff(page: "Compared", dataset_id: str, query: DiffQuery) -> bytes:
    """A ``DiffReply`` around the records' own bytes."""
    links = page_links(
        "datasets",
        dataset_id,
        "diff",
        next_cursor=page.next_cursor,
        base=query.base,
        target=query.target,
        include=query.include,
        limit=query.limit,
        cursor=query.cursor,
    )
    links["counts"] = link(
        "datasets", dataset_id, "diff", "counts", base=query.base, target=query.target
    )
    links["dataset"] = link("datasets", dataset_id)
    return b'{"base":%s,"target":%s,"data":[%s],"pagination":%s,"_links":%s}' % (
        encode(page.base),
        encode(page.target),
        b",".join(_change(each, page, dataset_id) for each in page.changes),
        Pagination.after(page.next_cursor).model_dump_json().encode(),
        encode({name: target.model_dump() for name, target in links.items()}),
    )


def encode_held(held: "Held | None") -> bytes:
    """A ``HeldReply`` around the record's own bytes, or null."""
    if held is None:
        return b"null"
    data = b"null" if held.body is None else held.body
    return b'{"etag":%s,"data":%s}' % (encode(held.etag), data)


def encode_record_link(dataset_id: str, record_id: str, ref: str) -> bytes:
    """The ``_links`` of what is said about a record that ``ref`` has: one, for a page has many."""
    return encode({"record": {"href": href("datasets", dataset_id, "records", record_id, ref=ref)}})


def _change(change: "RecordChange", page: "Compared", dataset_id: str) -> bytes:
    ref = page.base if change.after is None else page.target
    return b'{"id":%s,"kind":%s,"before":%s,"after":%s,"_links":%s}' % (
        encode(change.id),
        encode(change.kind.value),
        encode_held(change.before),
        encode_held(change.after),
        encode_record_link(dataset_id, change.id, ref),
    )
