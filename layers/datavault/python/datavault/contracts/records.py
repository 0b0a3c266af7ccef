"""Wire shapes of records. A record's own JSON text passes through verbatim, never re-encoded.

Replies that hold records are therefore written by ``encode_record`` and ``encode_page``, byte by
byte; the reply models below describe them to OpenAPI and the client.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, WithJsonSchema

from datavault.contracts.json_text import encode
from datavault.contracts.links import encoded, href, link, page_links
from datavault.contracts.wire import (
    LIMIT_MAX,
    Body,
    Cursor,
    Limit,
    Links,
    Pagination,
    Query,
    Reply,
    Time,
    time_of,
)
from datavault.domain.errors import Invalid
from datavault.domain.ids import BRANCH_NAME_CHARS_MAX

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.past import Event
    from datavault.domain.staging import Count, Receipt, RecordBatch, RecordView

# An etag has 32; what a proxy puts around it does not fit.
ETAG_CHARS_MAX = 64
# As many bytes as an id may have.
RECORD_ID_CHARS_MAX = 512
IDS_MAX = 100
# Bytes are counted when it is parsed; the schema can say characters only, of a byte at least.
RecordName = Annotated[
    str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": RECORD_ID_CHARS_MAX})
]
RecordJson = Annotated[
    bytes,
    WithJsonSchema({"type": "object", "additionalProperties": True}),
    Field(description="The record: any JSON object, kept as its own text."),
]
Branch = Annotated[
    str, Field(min_length=1, max_length=BRANCH_NAME_CHARS_MAX, description="A branch.")
]
Ref = Annotated[
    str,
    Field(
        min_length=1,
        max_length=BRANCH_NAME_CHARS_MAX,
        description="A branch, a tag, a commit id, or a prefix of one (8 characters at least).",
    ),
]


class RecordIn(Body):
    """A record, with its id where the dataset has no ``record_key``."""

    id: Annotated[
        RecordName | None,
        Field(description="1 to 512 bytes of UTF-8; assigned if absent."),
    ] = None
    data: RecordJson
    expected_version: Annotated[
        str | None,
        Field(
            max_length=ETAG_CHARS_MAX,
            description="The etag of the record that this one replaces; null: there is none. "
            "If any record is at another version, nothing is staged.",
        ),
    ] = None


class AppendBody(Body):
    """1 to 1000 records for one branch, 4 MB in all."""

    branch: Branch = "main"
    records: Annotated[list[RecordIn], Field(min_length=1, max_length=LIMIT_MAX)]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The body in a JSON text, each record's ``data`` as the text it was sent as."""
        return cls.model_validate(envelope_of(text, items="records"))


def envelope_of(text: bytes, *, items: str) -> object:
    """The JSON in a body's text, the ``data`` of each of its ``items`` as the text it was."""
    # Imported here: only what takes records needs it, and every function imports the table.
    from datavault.domain.records import split_envelope

    envelope = split_envelope(text, items=items)
    held = envelope.get(items) if isinstance(envelope, dict) else None
    for item in held if isinstance(held, list) else ():
        if isinstance(item, dict) and "data" in item:
            item["data"] = bytes(item["data"])
    return envelope


class AppendQuery(Query):
    """The branch of an NDJSON body (a JSON body names its own); ``main`` when absent."""

    branch: Branch | None = None


class AppendReply(Reply):
    """What was staged: visible on the branch at once, part of a version with the next commit."""

    branch: str
    count: int
    ids: list[str]
    links: Links

    @classmethod
    def of(cls, receipt: "Receipt", dataset_id: str) -> Self:
        """The wire shape of ``receipt``."""
        return cls(
            branch=receipt.branch,
            count=len(receipt.ids),
            ids=list(receipt.ids),
            links={
                "dataset": link("datasets", dataset_id),
                "records": link("datasets", dataset_id, "records", ref=receipt.branch),
                "commits": link("datasets", dataset_id, "commits"),
            },
        )


class GetRecordQuery(Query):
    """Where to read."""

    ref: Ref = "main"


class RestoreRecordBody(Body):
    """Which version of the record to bring back, and where to."""

    ref: Annotated[Ref, Field(description="The ref that has the record as it is wanted.")]
    branch: Branch = "main"


class DeleteRecordQuery(Query):
    """Where to delete, and what."""

    branch: Branch = "main"
    expected_version: Annotated[
        Annotated[str, Field(max_length=ETAG_CHARS_MAX)] | None,
        Field(description="The etag the record has to have; else nothing is staged."),
    ] = None


class ListRecordsQuery(Query):
    """Where to read, and which page."""

    ref: Ref = "main"
    limit: Limit = 100
    cursor: Cursor = None


class RecordText(Reply):
    """A reply whose member ``data`` is a record's own text, which the client keeps beside it."""

    _text: bytes = PrivateAttr(default=b"")

    @property
    def text(self) -> bytes:
        """The record's own text, byte for byte as it is stored; empty where there is none."""
        return self._text

    def keep_text(self, text: bytes) -> None:
        """Remember ``text``, which ``data`` was parsed from."""
        self._text = text


class RecordReply(RecordText):
    """A record. ``staged`` says that it is not part of a commit yet."""

    id: str
    data: Annotated[dict[str, Any], Field(description="The record's own text, as it was sent.")]
    etag: str
    staged: bool
    links: Links


class RecordListReply(Reply):
    """A page of records in the byte order of their ids."""

    data: list[RecordReply]
    pagination: Pagination
    links: Links


class BatchGetBody(Body):
    """Which records, and where to read."""

    ref: Ref = "main"
    ids: Annotated[
        list[RecordName],
        Field(min_length=1, max_length=IDS_MAX, description="Ids of records, none of them twice."),
    ]


class BatchGetReply(Reply):
    """The records that are there, in the order asked.

    After about 4 MB the rest is left: ask again for ``remaining``.
    """

    data: list[RecordReply]
    missing: Annotated[list[str], Field(description="Ids of which the ref has no record.")]
    remaining: Annotated[list[str], Field(description="Ids for which there was no room.")]
    links: Links


class CountQuery(Query):
    """Where to count."""

    ref: Ref = "main"


class CountReply(Reply):
    """How many records a ref has, staged changes included."""

    records: int
    commit: Annotated[str, Field(description="The commit over which staged changes are laid.")]
    staged: Annotated[int, Field(description="Records that staged changes touch.")]
    links: Links

    @classmethod
    def of(cls, count: "Count", dataset_id: str, ref: str) -> Self:
        """The wire shape of ``count``."""
        return cls(
            records=count.records,
            commit=count.commit,
            staged=count.staged,
            links={
                "self": link("datasets", dataset_id, "count", ref=ref),
                "dataset": link("datasets", dataset_id),
                "records": link("datasets", dataset_id, "records", ref=ref),
                "commit": link("datasets", dataset_id, "commits", count.commit),
            },
        )


class RecordEventReply(Reply):
    """What a commit did to a record."""

    kind: Literal["added", "changed", "removed"]
    commit: str
    author: str
    committed_at: Time
    etag: Annotated[str | None, Field(description="The record's etag since; null: it is gone.")]
    links: Links

    @classmethod
    def of(cls, event: "Event", dataset_id: str, record_id: str) -> Self:
        """The wire shape of ``event``."""
        commit = event.commit
        links = {"commit": link("datasets", dataset_id, "commits", commit.id)}
        if event.etag is not None:
            links["record"] = link("datasets", dataset_id, "records", record_id, ref=commit.id)
        return cls(
            kind=event.kind.value,
            commit=commit.id,
            author=commit.author,
            committed_at=time_of(commit.time_ms),
            etag=event.etag,
            links=links,
        )


class RecordHistoryReply(Reply):
    """A page of a record's history, newest first."""

    data: list[RecordEventReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(
        cls, page: "Page[Event]", dataset_id: str, record_id: str, query: ListRecordsQuery
    ) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "records",
            record_id,
            "history",
            next_cursor=page.next_cursor,
            ref=query.ref,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            data=[RecordEventReply.of(event, dataset_id, record_id) for event in page.items],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )


def split_lines(text: bytes) -> list[tuple[str, bytes]]:
    """The non-empty lines of an NDJSON text, each with its name (``line 3``).

    Raises:
        Invalid: there are no lines, or more than ``LIMIT_MAX``.
    """
    lines = [
        (f"line {number}", line)
        for number, line in enumerate(text.split(b"\n"), start=1)
        if line.strip(b" \t\r")
    ]
    if not 1 <= len(lines) <= LIMIT_MAX:
        raise Invalid(f"a body has 1 to {LIMIT_MAX} records, this has {len(lines)}", field="body")
    return lines


def encode_record(view: "RecordView", dataset_id: str, ref: str) -> bytes:
    """A ``RecordReply`` around the record's own bytes."""
    return b"".join(encode_records([view], dataset_id, ref))


def encode_records(views: Iterable["RecordView"], dataset_id: str, ref: str) -> Iterator[bytes]:
    """Several, each as ``encode_record`` does; what all their links share is encoded once."""
    dataset = href("datasets", dataset_id)
    _, query = href(ref=ref).split("?")
    # A path's encoding leaves nothing that JSON would have to escape.
    ends = f'?{query}"}},"dataset":{{"href":"{dataset}"}}}}}}'.encode()
    for view in views:
        yield b'{"id":%s,"data":%s,"etag":"%s","staged":%s,"_links":{"self":{"href":"%s%s' % (
            encode(view.id),
            view.body,
            view.etag.encode(),
            b"true" if view.staged else b"false",
            f"{dataset}/records/{encoded(view.id)}".encode(),
            ends,
        )


def encode_page(page: "Page[RecordView]", dataset_id: str, query: ListRecordsQuery) -> bytes:
    """A ``RecordListReply`` around the records' own bytes."""
    links = page_links(
        "datasets",
        dataset_id,
        "records",
        next_cursor=page.next_cursor,
        ref=query.ref,
        limit=query.limit,
        cursor=query.cursor,
    )
    links["dataset"] = link("datasets", dataset_id)
    return b'{"data":[%s],"pagination":%s,"_links":%s}' % (
        b",".join(encode_records(page.items, dataset_id, query.ref)),
        Pagination.after(page.next_cursor).model_dump_json().encode(),
        encode({name: target.model_dump() for name, target in links.items()}),
    )


def encode_batch(batch: "RecordBatch", dataset_id: str, ref: str) -> bytes:
    """A ``BatchGetReply`` around the records' own bytes."""
    links = {"dataset": {"href": href("datasets", dataset_id)}}
    return b'{"data":[%s],"missing":%s,"remaining":%s,"_links":%s}' % (
        b",".join(encode_records(batch.found, dataset_id, ref)),
        encode(batch.missing),
        encode(batch.remaining),
        encode(links),
    )
