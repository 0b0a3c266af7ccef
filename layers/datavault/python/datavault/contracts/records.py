"""Wire shapes of records. A record's own JSON text passes through verbatim, never re-encoded.

Replies that hold records are therefore written by ``encode_record`` and ``encode_page``, byte by
byte; the reply models below describe them to OpenAPI and the client.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, PrivateAttr, WithJsonSchema

from datavault.contracts.links import href, link, page_links
from datavault.contracts.wire import LIMIT_MAX, Body, Cursor, Limit, Links, Pagination, Query, Reply
from datavault.domain.errors import Invalid
from datavault.domain.ids import BRANCH_NAME_CHARS_MAX

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.staging import Receipt, RecordView

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

    # Bytes are counted when it is parsed; the schema can say characters only, of a byte at least.
    id: Annotated[
        Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})] | None,
        Field(description="1 to 512 bytes of UTF-8; assigned if absent."),
    ] = None
    data: RecordJson


class AppendBody(Body):
    """1 to 1000 records for one branch, 4 MB in all."""

    branch: Branch = "main"
    records: Annotated[list[RecordIn], Field(min_length=1, max_length=LIMIT_MAX)]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The body in a JSON text, each record's ``data`` as the text it was sent as."""
        # Imported here: only appending needs it, and every function imports the table.
        from datavault.domain.records import split_envelope

        envelope = split_envelope(text)
        records = envelope.get("records") if isinstance(envelope, dict) else None
        for record in records if isinstance(records, list) else ():
            if isinstance(record, dict) and "data" in record:
                record["data"] = bytes(record["data"])
        return cls.model_validate(envelope)


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


class DeleteRecordQuery(Query):
    """Where to delete."""

    branch: Branch = "main"


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
    links = {
        "self": {"href": href("datasets", dataset_id, "records", view.id, ref=ref)},
        "dataset": {"href": href("datasets", dataset_id)},
    }
    return b'{"id":%s,"data":%s,"etag":%s,"staged":%s,"_links":%s}' % (
        _json(view.id),
        view.body,
        _json(view.etag),
        _json(view.staged),
        _json(links),
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
        b",".join(encode_record(view, dataset_id, query.ref) for view in page.items),
        Pagination.after(page.next_cursor).model_dump_json().encode(),
        _json({name: target.model_dump() for name, target in links.items()}),
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
