"""Wire shapes of branches."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from datavault.contracts.links import link, page_links
from datavault.contracts.records import Branch, Ref
from datavault.contracts.wire import Body, Links, ListQuery, Pagination, Reply, Time, time_of

if TYPE_CHECKING:
    from datavault.domain.pages import Page
    from datavault.domain.reflog import Move
    from datavault.domain.refs import Branch as BranchValue


class CreateBranchBody(Body):
    """A new branch and where it starts."""

    name: Annotated[Branch, Field(description="The new branch.", examples=["experiment"])]
    start: Annotated[Ref, Field(description="The ref whose commit the branch starts at.")] = "main"


class UpdateBranchBody(Body):
    """What is to be true of a branch."""

    protected: Annotated[
        bool, Field(description="Whether it takes merges only: no other change, no deletion.")
    ]


class ResetBranchBody(Body):
    """Where a branch is to go."""

    to: Annotated[Ref, Field(description="The ref whose commit the branch goes to.")]
    staged: Annotated[
        Literal["refuse", "discard"],
        Field(description="What to do about staged changes: not reset at all, or discard them."),
    ] = "refuse"
    expected_commit: Annotated[
        str | None,
        Field(
            pattern="^[0-9a-f]{64}$",
            max_length=64,
            description="The commit the branch has to be at; else nothing is done.",
        ),
    ] = None


class BranchReply(Reply):
    """A branch."""

    name: str
    commit: str
    created_at: Time
    created_by: str
    protected: Annotated[bool, Field(description="Whether it moves by merges only.")]
    links: Links

    @classmethod
    def of(cls, branch: "BranchValue", dataset_id: str) -> Self:
        """The wire shape of ``branch``."""
        return cls(
            name=branch.name,
            commit=branch.commit,
            created_at=time_of(branch.created_ms),
            created_by=branch.created_by,
            protected=branch.protected,
            links={
                "self": link("datasets", dataset_id, "branches", branch.name),
                "dataset": link("datasets", dataset_id),
                "records": link("datasets", dataset_id, "records", ref=branch.name),
                "commits": link("datasets", dataset_id, "commits", ref=branch.name),
                "reflog": link("datasets", dataset_id, "branches", branch.name, "reflog"),
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


class MoveReply(Reply):
    """One step of a branch."""

    source: Annotated[str | None, Field(description="The commit before; null: it was made.")]
    target: Annotated[str | None, Field(description="The commit after; null: it was deleted.")]
    operation: str
    actor: str
    moved_at: Time
    branch_id: Annotated[str, Field(description="Tells branches apart that had the name in turn.")]
    links: Links

    @classmethod
    def of(cls, move: "Move", dataset_id: str) -> Self:
        """The wire shape of ``move``."""
        ends = {"source": move.source, "target": move.target}
        links = {
            end: link("datasets", dataset_id, "commits", commit)
            for end, commit in ends.items()
            if commit is not None
        }
        return cls(
            source=move.source,
            target=move.target,
            operation=move.why.operation,
            actor=move.why.actor,
            moved_at=time_of(move.why.at_ms),
            branch_id=move.branch,
            links=links,
        )


class ReflogReply(Reply):
    """A page of the steps of a branch, newest first."""

    data: list[MoveReply]
    pagination: Pagination
    links: Links

    @classmethod
    def of(cls, page: "Page[Move]", dataset_id: str, branch: str, query: ListQuery) -> Self:
        """The wire shape of ``page``, the answer to ``query``."""
        links = page_links(
            "datasets",
            dataset_id,
            "branches",
            branch,
            "reflog",
            next_cursor=page.next_cursor,
            limit=query.limit,
            cursor=query.cursor,
        )
        return cls(
            data=[MoveReply.of(move, dataset_id) for move in page.items],
            pagination=Pagination.after(page.next_cursor),
            links={**links, "dataset": link("datasets", dataset_id)},
        )
