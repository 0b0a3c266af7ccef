"""Wire shapes of branches."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch, Ref
from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply, Time, time_of

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.refs import Branch as BranchValue


class CreateBranchBody(Body):
    """A new branch and where it starts."""

    name: Annotated[Branch, Field(description="The new branch.", examples=["experiment"])]
    start: Annotated[Ref, Field(description="The ref whose commit the branch starts at.")] = "main"


class BranchReply(Reply):
    """A branch."""

    name: str
    commit: str
    created_at: Time
    created_by: str
    links: Links

    @classmethod
    def of(cls, branch: "BranchValue", dataset_id: str) -> Self:
        """The wire shape of ``branch``."""
        return cls(
            name=branch.name,
            commit=branch.commit,
            created_at=time_of(branch.created_ms),
            created_by=branch.created_by,
            links={
                "self": link("datasets", dataset_id, "branches", branch.name),
                "dataset": link("datasets", dataset_id),
                "records": link("datasets", dataset_id, "records", ref=branch.name),
                "commits": link("datasets", dataset_id, "commits", ref=branch.name),
            },
        )


class BranchListReply(Reply):
    """A page of branches."""

    data: list[BranchReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[BranchValue]", dataset_id: str, query: ListQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "branches",
            next_cursor=page.next_cursor,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            data=[BranchReply.of(branch, dataset_id) for branch in page.items],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )
