"""Wire shapes of datasets."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply
from datavault.domain.ids import DATASET_NAME_CHARS_MAX

__all__ = ["CreateDatasetBody", "DatasetListReply", "DatasetReply", "ListQuery"]

LABELS_MAX = 50
Label = Annotated[str, Field(min_length=1, max_length=128)]


class CreateDatasetBody(Body):
    """What a new dataset is called and how the ids of its records are found."""

    name: Annotated[str, Field(min_length=1, max_length=DATASET_NAME_CHARS_MAX)]
    description: Annotated[str, Field(max_length=4096)] = ""
    labels: Annotated[dict[Label, Annotated[str, Field(max_length=256)]], Field(max_length=50)] = {}
    record_key: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=256,
                description="The top-level field of each record that holds its id (a string or"
                " an integer). Without it, ids are given with the records or assigned.",
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
    created_at: datetime
    created_by: str
    links: Links


class DatasetListReply(Reply):
    """A page of datasets."""

    data: list[DatasetReply]
    pagination: Pagination
    links: Links
