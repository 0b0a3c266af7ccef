"""Wire shapes of what is staged on a branch."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.wire import Links, ListQuery, Pagination, Reply
from datavault.domain.changes import ChangeKind

if TYPE_CHECKING:
    from datavault.domain.staging import StagedKind, StagedPage


class StagedChangeReply(Reply):
    """What committing the branch would do to a record."""

    id: str
    kind: Annotated[
        ChangeKind,
        Field(description="`changed` also where the staged text is the one that is committed."),
    ]
    links: Annotated[Links, Field(description="`record`: as staged, or else as committed.")]

    @classmethod
    def of(cls, change: "StagedKind", dataset_id: str, branch: str, commit: str) -> Self:
        """The wire shape of ``change``."""
        ref = commit if change.kind is ChangeKind.REMOVED else branch
        record = link("datasets", dataset_id, "records", change.id, ref=ref)
        return cls(id=change.id, kind=change.kind, links={"record": record})


class StagedListReply(Reply):
    """A page of what is staged on a branch, in the byte order of the record ids."""

    commit: Annotated[str, Field(description="The commit that the branch is at.")]
    data: list[StagedChangeReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "StagedPage", dataset_id: str, branch: str, query: ListQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "branches",
            branch,
            "staged",
            next_cursor=page.next_cursor,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            commit=page.commit,
            data=[
                StagedChangeReply.of(change, dataset_id, branch, page.commit)
                for change in page.items
            ],
            pagination=Pagination.after(page.next_cursor),
            links={
                **links,
                "dataset": link("datasets", dataset_id),
                "commit": link("datasets", dataset_id, "commits", page.commit),
            },
        )
