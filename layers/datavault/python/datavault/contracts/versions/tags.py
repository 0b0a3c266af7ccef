"""Wire shapes of tags."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Ref
from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply, Time, time_of
from datavault.domain.ids import BRANCH_NAME_CHARS_MAX

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.tags import Tag


class CreateTagBody(Body):
    """A name for a commit, for good."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=BRANCH_NAME_CHARS_MAX,
            description="The new tag; no branch may have the name.",
            examples=["v1.0"],
        ),
    ]
    ref: Annotated[Ref, Field(description="The ref whose commit gets the name.")] = "main"
    message: Annotated[str, Field(max_length=4096, examples=["What we trained on in May"])] = ""


class TagReply(Reply):
    """A tag."""

    name: str
    commit: str
    message: str
    created_at: Time
    created_by: str
    links: Links

    @classmethod
    def of(cls, tag: "Tag", dataset_id: str) -> Self:
        """The wire shape of ``tag``."""
        return cls(
            name=tag.name,
            commit=tag.commit,
            message=tag.message,
            created_at=time_of(tag.created_ms),
            created_by=tag.created_by,
            links={
                "self": link("datasets", dataset_id, "tags", tag.name),
                "dataset": link("datasets", dataset_id),
                "commit": link("datasets", dataset_id, "commits", tag.commit),
                "records": link("datasets", dataset_id, "records", ref=tag.name),
            },
        )


class TagListReply(Reply):
    """A page of tags."""

    data: list[TagReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Tag]", dataset_id: str, query: ListQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "tags",
            next_cursor=page.next_cursor,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            data=[TagReply.of(tag, dataset_id) for tag in page.items],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )
