"""Wire shapes of datasets."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Ref
from datavault.contracts.wire import (
    Body,
    Instant,
    Links,
    ListQuery,
    Pagination,
    Reply,
    Time,
    time_of,
)
from datavault.domain.ids import DATASET_NAME_CHARS_MAX

if TYPE_CHECKING:
    from datavault.domain.dataset_index import Criteria
    from datavault.domain.datasets import Dataset
    from datavault.domain.pages import Page
    from datavault.domain.record_schema import RecordSchema

# As ``domain.datasets`` and ``domain.dataset_index`` have them, and a test compares.
DEFAULT_BRANCH = "main"
LABELS_MAX = 16
METADATA_FIELDS_MAX = 10
FILTERS_MAX = 8
METADATA_CHARS_MAX = 256
# A label's key, "=" and value; or a metadata field's.
FILTER_CHARS_MAX = 128 + 1 + 256
# Beyond these, JSON numbers are not the same for every reader.
NUMBER_MAX = 2**53 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A search parts key and value at the first "=".
_KEY_PATTERN = "^[^=]+$"
Label = Annotated[str, Field(min_length=1, max_length=128, pattern=_KEY_PATTERN)]
LabelValue = Annotated[str, Field(max_length=256)]
MetadataField = Annotated[str, Field(min_length=1, max_length=128, pattern=_KEY_PATTERN)]


def _scalar(value: object) -> object:
    """One message for a value that will not do, where pydantic has one for each kind."""
    if isinstance(value, str):
        if len(value) > METADATA_CHARS_MAX:
            raise PydanticCustomError(
                "metadata_text",
                "at most {most} characters, this has {size}",
                {"most": METADATA_CHARS_MAX, "size": len(value)},
            )
    elif not isinstance(value, bool | int | float) or not -NUMBER_MAX <= value <= NUMBER_MAX:
        raise PydanticCustomError(
            "metadata_value",
            "is a string, true or false, or a number between -{bound} and {bound}",
            {"bound": NUMBER_MAX},
        )
    return value


MetadataValue = Annotated[
    Annotated[str, Field(max_length=METADATA_CHARS_MAX)]
    | bool
    | Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
    | Annotated[float, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)],
    BeforeValidator(_scalar),
]
Filter = Annotated[str, Field(min_length=1, max_length=FILTER_CHARS_MAX, pattern="^[^=]")]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=DATASET_NAME_CHARS_MAX,
        description="Unique in the workspace.",
        examples=["support-chats"],
    ),
]
Description = Annotated[str, Field(max_length=4096)]
Labels = Annotated[
    dict[Label, LabelValue], Field(max_length=LABELS_MAX, examples=[{"team": "assist"}])
]
Metadata = Annotated[
    dict[MetadataField, MetadataValue],
    Field(max_length=METADATA_FIELDS_MAX, examples=[{"language": "en", "turns": 4}]),
]
RecordKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        description="The top-level field of each record that holds its id (a string or"
        " an integer). Without it, ids are given with the records or assigned.",
        examples=["id"],
    ),
]


# A JSON Schema as it is on the wire, where its name would be a method's of every model.
SchemaDocument = Annotated[
    dict[str, Any] | None,
    Field(
        alias="schema",
        description="A JSON Schema (draft 2020-12, at most 64 KiB) that records which come in from"
        " now on are checked by; those that are there stay. Its `$ref`s point into itself, `format`"
        " is a note, and patterns have no look-around and no references back. `{}` takes the schema"
        " away.",
        examples=[{"type": "object", "required": ["id", "messages"]}],
    ),
]


class CreateDatasetBody(Body):
    """What a new dataset is called and how the ids of its records are found."""

    name: Name
    description: Description = ""
    labels: Annotated[Labels, Field(default_factory=dict)]
    metadata: Annotated[Metadata, Field(default_factory=dict)]
    record_key: RecordKey | None = None
    schema_: SchemaDocument = None

    def record_schema(self) -> "RecordSchema | None":
        """The schema for the service, within all bounds."""
        return _record_schema(self.schema_)


class UpdateDatasetBody(Body):
    """What to say of a dataset from now on. What is left out (or null) stays; labels, metadata and
    schema are replaced whole.
    """

    name: Name | None = None
    description: Description | None = None
    labels: Labels | None = None
    metadata: Metadata | None = None
    schema_: SchemaDocument = None

    def record_schema(self) -> "RecordSchema | None":
        """The schema for the service, within all bounds."""
        return _record_schema(self.schema_)


class CloneDatasetBody(Body):
    """What the clone is called and where it starts. What is left out (or null) of description,
    labels and metadata is as the origin's, and so is the schema.
    """

    name: Name
    ref: Annotated[
        Ref, Field(description="Where the clone's branch starts; what is staged stays behind.")
    ] = DEFAULT_BRANCH
    description: Description | None = None
    labels: Labels | None = None
    metadata: Metadata | None = None


class ListDatasetsQuery(ListQuery):
    """Which datasets, and a page of them. All criteria must hold."""

    name_prefix: Annotated[
        Annotated[str, Field(min_length=1, max_length=DATASET_NAME_CHARS_MAX)] | None,
        Field(description="How the name begins; upper and lower case are one."),
    ] = None
    label: Annotated[
        tuple[Filter, ...],
        Field(
            max_length=FILTERS_MAX,
            description="`key`, or `key=value`; given several times, all must hold.",
        ),
    ] = ()
    metadata: Annotated[
        tuple[Annotated[Filter, Field(pattern="^[^=]+=")], ...],
        Field(
            max_length=FILTERS_MAX,
            description="`field=value`; given several times, all must hold. `true` and `5` stand"
            " for themselves and for the texts that look the same.",
        ),
    ] = ()
    created_by: Annotated[
        Annotated[str, Field(min_length=1, max_length=1024)] | None,
        Field(description="The `created_by` of the datasets."),
    ] = None
    state: Annotated[
        Literal["active", "archived", "any"], Field(description="Archived ones only if asked for.")
    ] = "active"
    created_after: Annotated[
        Instant | None, Field(description="RFC 3339: created later than this.")
    ] = None
    created_before: Annotated[
        Instant | None, Field(description="RFC 3339: created earlier than this.")
    ] = None

    def criteria(self) -> "Criteria":
        """The same for the service."""
        from datavault.domain.dataset_index import Criteria
        from datavault.domain.datasets import State

        after, before = _micros(self.created_after), _micros(self.created_before)
        return Criteria(
            name_prefix=self.name_prefix,
            labels=tuple(_parted(text) for text in self.label),
            metadata=tuple((field, value or "") for field, value in map(_parted, self.metadata)),
            created_by=self.created_by,
            state=None if self.state == "any" else State(self.state),
            # Datasets are made at whole milliseconds.
            created_from_ms=None if after is None else after // 1000 + 1,
            created_before_ms=None if before is None else -(-before // 1000),
        )


class Origin(Reply):
    """The dataset that was cloned, and the commit at which."""

    dataset: str
    commit: str


class DatasetReply(Reply):
    """A dataset."""

    id: str
    name: str
    description: str
    labels: dict[str, str]
    record_key: str | None
    default_branch: str
    metadata: dict[str, str | int | float | bool]
    state: Literal["active", "archived"] = Field(
        description="An archived dataset is read as before and takes no changes."
    )
    version: int = Field(description="Rises with every change; the ETag, in quotes.")
    origin: Origin | None = Field(description="Of a clone: where it left its origin.")
    schema_hash: str | None = Field(
        description="Stands for the schema that records are checked by; the same for the same one."
    )
    privacy: Literal["off"] = Field(
        description="Personal data in this dataset is not searched for or replaced."
    )
    created_at: Time
    created_by: str
    updated_at: Time
    links: Links

    @classmethod
    def of(cls, dataset: "Dataset") -> Self:
        """The wire shape of ``dataset``."""
        origin = dataset.origins[0] if dataset.origins else None
        return cls(
            id=dataset.id,
            name=dataset.name,
            description=dataset.description,
            labels=dict(dataset.labels),
            record_key=dataset.record_key,
            default_branch=DEFAULT_BRANCH,
            metadata=dict(dataset.metadata),
            state=dataset.state.value,
            version=dataset.version,
            origin=None if origin is None else Origin(dataset=origin.dataset, commit=origin.commit),
            schema_hash=dataset.schema or None,
            privacy="off",
            created_at=time_of(dataset.created_ms),
            created_by=dataset.created_by,
            updated_at=time_of(dataset.updated_ms),
            links={
                "self": link("datasets", dataset.id),
                "stats": link("datasets", dataset.id, "stats"),
                "records": link("datasets", dataset.id, "records"),
                "commits": link("datasets", dataset.id, "commits"),
                "branches": link("datasets", dataset.id, "branches"),
            },
        )


class DescribedDatasetReply(DatasetReply):
    """A dataset, with the schema that its records are checked by."""

    schema_: Annotated[
        dict[str, Any] | None, Field(alias="schema", description="Null if there is none.")
    ]

    @classmethod
    def describing(cls, dataset: "Dataset", schema: "RecordSchema | None") -> Self:
        """The wire shape of a dataset and its schema."""
        reply = DatasetReply.of(dataset)
        return cls(
            **{name: getattr(reply, name) for name in DatasetReply.model_fields},
            schema_=None if schema is None else schema.document,
        )


class DatasetListReply(Reply):
    """A page of datasets."""

    data: list[DatasetReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Dataset]", query: ListDatasetsQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        return cls(
            data=[DatasetReply.of(dataset) for dataset in page.items],
            pagination=Pagination.after(page.next_cursor),
            links=page_links(
                "datasets",
                next_cursor=page.next_cursor,
                **query.model_dump(mode="json", exclude_defaults=True, exclude={"limit"}),
                limit=query.limit,
            ),
        )


def _record_schema(document: dict[str, Any] | None) -> "RecordSchema | None":
    if document is None:
        return None
    from datavault.domain.schema_bounds import parse_record_schema

    return parse_record_schema(document)


def _micros(instant: datetime | None) -> int | None:
    """Microseconds since the epoch, exactly."""
    return None if instant is None else (instant - _EPOCH) // timedelta(microseconds=1)


def _parted(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    return key, value if equals else None
