"""Wire shapes of uploads."""

import base64
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch
from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply, Time, time_of

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.uploads import Offer, Upload, UploadPart

# As many as a URL has room for; a body takes those of the first page.
CHECKSUMS_IN_QUERY_MAX = 64
CHECKSUMS_IN_BODY_MAX = 100
PARTS_MAX = 10_000
FILES_MAX = 20_000
# Beyond this, JSON numbers are not the same for every reader.
RECORDS_MAX = 2**53 - 1
COLUMNS_MAX = 4096
UploadState = Literal["open", "completing", "completed", "aborted", "expired"]
Format = Literal["ndjson", "json_array", "csv", "tsv", "text_lines", "text_paragraphs", "parquet"]
Compression = Literal["none", "gzip", "zstd"]
Kind = Literal["string", "integer", "number", "boolean", "json"]
Mode = Literal["upsert", "replace", "append_only"]

Sha256 = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9+/]{43}=$",
        max_length=44,
        description="A part's SHA-256 in base64, as S3 takes it.",
        examples=["n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="],
    ),
]
Count = Annotated[int, Field(ge=0, le=RECORDS_MAX)]
PartNumber = Annotated[int, Field(ge=1, le=PARTS_MAX)]


class CreateUploadBody(Body):
    """A file that is to come, and what is to become of it."""

    branch: Annotated[Branch, Field(description="The branch that takes its records.")] = "main"
    name: Annotated[
        str,
        Field(
            max_length=1024,
            description="What people call the file: it decides between formats that both fit its"
            " content, and tells where a bad record stands. Kept sealed.",
            examples=["may/chats.ndjson.gz"],
        ),
    ] = ""
    size: Annotated[
        int | None,
        Field(ge=0, description="Its bytes, 5 TiB at most; absent where nobody knows yet."),
    ] = None
    part_bytes: Annotated[
        int | None,
        Field(
            ge=1,
            description="Bytes of every part but the last: 5 MiB to 5 GiB, so that there are at"
            " most 10,000 parts. Absent: the least whole MiB that does, and 16 MiB at least.",
        ),
    ] = None
    format: Annotated[
        Format | None, Field(description="What the file is; absent, its content says.")
    ] = None
    compression: Annotated[
        Compression | None, Field(description="How it is compressed; absent, its content says.")
    ] = None
    columns: Annotated[
        dict[Annotated[str, Field(max_length=1024)], Kind],
        Field(
            max_length=COLUMNS_MAX,
            default_factory=dict,
            description="Kinds of a table's columns by name; those not named are strings.",
        ),
    ]
    mode: Annotated[
        Mode,
        Field(
            description="What becomes of the branch's records: `upsert` replaces those of the same"
            " id, `replace` all, `append_only` none."
        ),
    ] = "upsert"
    message: Annotated[
        str, Field(max_length=4096, description="The commit's.", examples=["Import the May chats"])
    ] = ""
    max_bad_records: Annotated[
        Count | None,
        Field(
            description="So many bad records are kept apart without failing the job. Without this"
            " and `max_bad_fraction` none may be bad; with both, neither may be exceeded."
        ),
    ] = None
    max_bad_fraction: Annotated[
        Annotated[float, Field(ge=0, le=1)] | None,
        Field(description="The same as a part of all records."),
    ] = None
    min_records: Annotated[
        Count | None,
        Field(
            description="The job fails with fewer records than this, and the branch stays as it is."
            " Counted are the file's records that are not bad, whether the branch has them already"
            " or not."
        ),
    ] = None
    max_records: Annotated[
        Count | None, Field(description="The job fails with more records than this.")
    ] = None
    checksums: Annotated[
        list[Sha256] | None,
        Field(
            max_length=CHECKSUMS_IN_BODY_MAX,
            description="SHA-256 of the first parts, in order. If given, even empty, every part has"
            " to come with its checksum and is refused otherwise.",
        ),
    ] = None


class ListUploadPartsQuery(ListQuery):
    """Which page of an upload's parts, and checksums of parts to be sent."""

    checksum: Annotated[
        tuple[
            Annotated[str, Field(max_length=49, pattern="^[1-9][0-9]{0,4}:[A-Za-z0-9_-]{43}$")], ...
        ],
        Field(
            max_length=CHECKSUMS_IN_QUERY_MAX,
            description="`number:sha256` of a part that is to be sent, in base64url without"
            " padding; may be repeated.",
        ),
    ] = ()

    def by_number(self) -> dict[int, bytes]:
        """The checksums of parts."""
        found: dict[int, bytes] = {}
        for text in self.checksum:
            number, checksum = text.split(":")
            found[int(number)] = base64.urlsafe_b64decode(checksum + "=")
        return found


class SentPart(Body):
    """A part as S3 acknowledged it."""

    number: PartNumber
    etag: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern='^"?[A-Za-z0-9-]+"?$',
            description="The ETag header of its PUT.",
        ),
    ]
    checksum_sha256: Annotated[
        Sha256 | None, Field(description="Needed where the upload has checksums.")
    ] = None


class SentFile(Body):
    """One of several files that were uploaded as one, one behind the other."""

    name: Annotated[str, Field(min_length=1, max_length=1024, description="Kept sealed.")]
    size: Annotated[int, Field(ge=0)]


class CompleteUploadBody(Body):
    """All parts of the file."""

    parts: Annotated[
        list[SentPart],
        Field(min_length=1, max_length=PARTS_MAX, description="In ascending order."),
    ]
    files: Annotated[
        list[SentFile],
        Field(
            max_length=FILES_MAX,
            default_factory=list,
            description="If the upload is many files, one behind the other without anything between"
            " them: these, in order. One commit takes them in, each as its own content says.",
        ),
    ]


class PartReply(Reply):
    """One part: as it has arrived, or where to send it."""

    number: int
    size: int | None = Field(description="How many bytes it has to have; null if nobody knows.")
    etag: str | None = Field(description="Of the part that has arrived; null if none has.")
    checksum_sha256: str | None
    url: str | None = Field(
        description="Where to PUT the part: whoever has the URL may, for an hour. Null for one that"
        " has arrived, and for one whose checksum has to be told first."
    )
    headers: dict[str, str] = Field(description="To be sent with the PUT, exactly so.")
    links: Links

    @classmethod
    def of(cls, part: "UploadPart", upload_id: str) -> Self:
        """The wire shape of ``part``."""
        landed, signed = part.landed, part.signed
        checksum = None if landed is None else landed.sha256
        return cls(
            number=part.number,
            size=part.size if landed is None else landed.size,
            etag=None if landed is None else landed.etag,
            checksum_sha256=None if checksum is None else base64.b64encode(checksum).decode(),
            url=None if signed is None else signed.url,
            headers={} if signed is None else dict(signed.headers),
            links={"upload": link("uploads", upload_id)},
        )


class UploadReply(Reply):
    """An upload."""

    id: str
    dataset_id: str
    branch: str
    state: UploadState
    size: int | None
    part_bytes: int
    parts_total: int | None = Field(description="How many parts there are; null if nobody knows.")
    has_checksums: bool
    job: str | None = Field(description="The job that takes the file in, once it is completed.")
    created_at: Time
    created_by: str
    expires_at: Time
    links: Links

    @classmethod
    def of(cls, upload: "Upload") -> Self:
        """The wire shape of ``upload``."""
        links = {
            "self": link("uploads", upload.id),
            "parts": link("uploads", upload.id, "parts"),
            "dataset": link("datasets", upload.dataset),
        }
        job = upload.job if upload.state.value == "completed" else None
        if job is not None:
            links["job"] = link("jobs", job)
        return cls(
            id=upload.id,
            dataset_id=upload.dataset,
            branch=upload.branch,
            state=upload.state.value,
            size=upload.parts.size,
            part_bytes=upload.parts.part_bytes,
            parts_total=upload.parts.count,
            has_checksums=upload.is_checked,
            job=job,
            created_at=time_of(upload.created_ms),
            created_by=upload.created_by,
            expires_at=time_of(upload.expires_ms),
            links=links,
        )


class OfferReply(UploadReply):
    """A new upload, and where its first parts go; ``_links.parts`` has all of them."""

    parts: list[PartReply]

    @classmethod
    def offering(cls, offer: "Offer") -> Self:
        """The wire shape of ``offer``."""
        upload = UploadReply.of(offer.upload)
        parts = [PartReply.of(part, upload.id) for part in offer.first_parts]
        return cls(
            **{name: getattr(upload, name) for name in UploadReply.model_fields}, parts=parts
        )


class PartListReply(Reply):
    """A page of an upload's parts."""

    data: list[PartReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[UploadPart]", upload_id: str, query: ListUploadPartsQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        return cls(
            data=[PartReply.of(part, upload_id) for part in page.items],
            pagination=Pagination.after(page.next_cursor),
            links=page_links(
                "uploads",
                upload_id,
                "parts",
                next_cursor=page.next_cursor,
                limit=query.limit,
                cursor=query.cursor,
            ),
        )
