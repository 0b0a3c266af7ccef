"""Wire shapes of commits and branches."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from datavault.contracts.records import Branch, Ref
from datavault.contracts.wire import LIMIT_MAX, Body, Links, Pagination, Query, Reply


class CreateCommitBody(Body):
    """What the new version is called."""

    branch: Branch = "main"
    message: Annotated[str, Field(max_length=4096)] = ""


class CommitReply(Reply):
    """A commit: one version of the whole dataset."""

    id: str
    root: str
    parents: list[str]
    author: str
    message: str
    committed_at: datetime
    records: int = Field(description="Records in this version.")
    added: int
    changed: int
    removed: int
    policy: str | None = Field(description="Hash of the privacy policy applied; null when off.")
    links: Links


class CommitListReply(Reply):
    """A page of history."""

    data: list[CommitReply]
    pagination: Pagination
    links: Links


class ListCommitsQuery(Query):
    """Whose history, and which page."""

    ref: Ref = "main"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = 100
    cursor: Annotated[str, Field(max_length=4096)] | None = None


class CreateBranchBody(Body):
    """A new branch and where it starts."""

    name: Branch
    start: Annotated[Ref, Field(description="The ref whose commit the branch starts at.")] = "main"


class BranchReply(Reply):
    """A branch."""

    name: str
    commit: str
    created_at: datetime
    created_by: str
    links: Links


class BranchListReply(Reply):
    """A page of branches."""

    data: list[BranchReply]
    pagination: Pagination
    links: Links
