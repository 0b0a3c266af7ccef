"""Generated from the operations table: routes of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.contracts.versions.branches import BranchListReply, BranchReply
    from datavault.contracts.versions.commits import CommitListReply, CommitReply

CREATE_COMMIT: Route[CommitReply] = Route(
    "create_commit",
    "POST",
    "/api/v1/datasets/{dataset_id}/commits",
    "datavault.contracts.versions.commits:CommitReply",
)
LIST_COMMITS: Route[CommitListReply] = Route(
    "list_commits",
    "GET",
    "/api/v1/datasets/{dataset_id}/commits",
    "datavault.contracts.versions.commits:CommitListReply",
)
GET_COMMIT: Route[CommitReply] = Route(
    "get_commit",
    "GET",
    "/api/v1/datasets/{dataset_id}/commits/{commit_id}",
    "datavault.contracts.versions.commits:CommitReply",
)
CREATE_BRANCH: Route[BranchReply] = Route(
    "create_branch",
    "POST",
    "/api/v1/datasets/{dataset_id}/branches",
    "datavault.contracts.versions.branches:BranchReply",
)
LIST_BRANCHES: Route[BranchListReply] = Route(
    "list_branches",
    "GET",
    "/api/v1/datasets/{dataset_id}/branches",
    "datavault.contracts.versions.branches:BranchListReply",
)
DELETE_BRANCH: Route[None] = Route(
    "delete_branch", "DELETE", "/api/v1/datasets/{dataset_id}/branches/{branch}"
)
