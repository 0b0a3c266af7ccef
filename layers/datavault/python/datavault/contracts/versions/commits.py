"""Wire shapes of commits."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch, Ref
from datavault.contracts.wire import (
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

if TYPE_CHECKING:
    from datavault.domain.history import Commit
    from datavault.domain.pages import Page


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
