"""Wire shapes of datasets."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply, Time, time_of
from datavault.domain.ids import DATASET_NAME_CHARS_MAX

if TYPE_CHECKING:
    from datavault.domain.datasets import Dataset
    from datavault.domain.pages import Page

__all__ = ["CreateDatasetBody", "DatasetListReply", "DatasetReply", "ListQuery"]

# A dataset starts with this branch; ``domain.datasets`` has the same name, and a test compares.
DEFAULT_BRANCH = "main"
LABELS_MAX = 50
Label = Annotated[str, Field(min_length=1, max_length=128)]
LabelValue = Annotated[str, Field(max_length=256)]


class CreateDatasetBody(Body):
    """What a new dataset is called and how the ids of its records are found."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=DATASET_NAME_CHARS_MAX,
            description="Unique in the workspace.",
            examples=["support-chats"],
        ),
    ]
    description: Annotated[str, Field(max_length=4096)] = ""
    labels: Annotated[
        dict[Label, LabelValue],
        Field(max_length=LABELS_MAX, default_factory=dict, examples=[{"team": "assist"}]),
    ]
    record_key: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=256,
                description="The top-level field of each record that holds its id (a string or"
                " an integer). Without it, ids are given with the records or assigned.",
                examples=["id"],
            ),
        ]
        | None
    ) = None


class DatasetReply(Reply):
    """A dataset."""

    id: str
    name: str
    description: str
    labels: dict[str, str]
    record_key: str | None
    default_branch: str
    privacy: Literal["off"] = Field(
        description="Personal data in this dataset is not searched for or replaced."
    )
    created_at: Time
    created_by: str
    links: Links

    @classmethod
    def of(cls, dataset: "Dataset") -> Self:
        """The wire shape of ``dataset``."""
        return cls(
            id=dataset.id,
            name=dataset.name,
            description=dataset.description,
            labels=dict(dataset.labels),
            record_key=dataset.record_key,
            default_branch=DEFAULT_BRANCH,
            privacy="off",
            created_at=time_of(dataset.created_ms),
            created_by=dataset.created_by,
            links={
                "self": link("datasets", dataset.id),
                "records": link("datasets", dataset.id, "records"),
                "commits": link("datasets", dataset.id, "commits"),
                "branches": link("datasets", dataset.id, "branches"),
            },
        )


class DatasetListReply(Reply):
    """A page of datasets."""

    data: list[DatasetReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Dataset]", query: ListQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        return cls(
            data=[DatasetReply.of(dataset) for dataset in page.items],
            pagination=Pagination.after(page.next_cursor),
            links=page_links(
                "datasets", next_cursor=page.next_cursor, limit=query.limit, cursor=query.cursor
            ),
        )
