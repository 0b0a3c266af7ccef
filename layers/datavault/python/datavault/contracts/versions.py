"""Wire shapes of commits and branches."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch, Ref
from datavault.contracts.wire import (
    Body,
    Cursor,
    Limit,
    Links,
    ListQuery,
    Pagination,
    Query,
    Reply,
    Time,
    time_of,
)

if TYPE_CHECKING:
    from datavault.domain.history import Commit
    from datavault.domain.pages import Page
    from datavault.domain.refs import Branch as BranchValue


class CreateCommitBody(Body):
    """What the new version is called."""

    branch: Branch = "main"
    message: Annotated[str, Field(max_length=4096, examples=["Import the May chats"])] = ""


class CommitReply(Reply):
    """A commit: one version of the whole dataset."""

    id: Annotated[str, Field(description="The commit's hash: 64 hex characters.")]
    root: str
    parents: list[str]
    author: str
    message: str
    committed_at: Time
    records: int = Field(description="Records in this version.")
    added: int
    changed: int
    removed: int
    policy: str | None = Field(description="Hash of the privacy policy applied; null when off.")
    links: Links

    @classmethod
    def of(cls, commit: "Commit", dataset_id: str) -> Self:
        """The wire shape of ``commit``."""
        links = {
            "self": link("datasets", dataset_id, "commits", commit.id),
            "dataset": link("datasets", dataset_id),
            "records": link("datasets", dataset_id, "records", ref=commit.id),
        }
        if commit.parents:
            links["parent"] = link("datasets", dataset_id, "commits", commit.parents[0])
        return cls(
            id=commit.id,
            root=commit.root.address.hex(),
            parents=list(commit.parents),
            author=commit.author,
            message=commit.message,
            committed_at=time_of(commit.time_ms),
            records=commit.counts.records,
            added=commit.counts.added,
            changed=commit.counts.changed,
            removed=commit.counts.removed,
            policy=commit.policy,
            links=links,
        )


class ListCommitsQuery(Query):
    """Whose history, and which page."""

    ref: Ref = "main"
    limit: Limit = 100
    cursor: Cursor = None


class CommitListReply(Reply):
    """A page of history."""

    data: list[CommitReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Commit]", dataset_id: str, query: ListCommitsQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "commits",
            next_cursor=page.next_cursor,
            ref=query.ref,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            data=[CommitReply.of(commit, dataset_id) for commit in page.items],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )


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
