"""Generated from the operations table: routes of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datavault.client.routes import Route

if TYPE_CHECKING:
    from datavault.contracts.versions.branches import BranchListReply, BranchReply, ReflogReply
    from datavault.contracts.versions.commits import CommitListReply, CommitReply
    from datavault.contracts.versions.diff import ChangeCountsReply, DiffReply
    from datavault.contracts.versions.merges import ConflictListReply, MergeReply, PreviewReply
    from datavault.contracts.versions.tags import TagListReply, TagReply
    from datavault.contracts.versions.verification import VerifyReply

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
GET_BRANCH: Route[BranchReply] = Route(
    "get_branch",
    "GET",
    "/api/v1/datasets/{dataset_id}/branches/{branch}",
    "datavault.contracts.versions.branches:BranchReply",
)
UPDATE_BRANCH: Route[BranchReply] = Route(
    "update_branch",
    "PATCH",
    "/api/v1/datasets/{dataset_id}/branches/{branch}",
    "datavault.contracts.versions.branches:BranchReply",
)
RESET_BRANCH: Route[BranchReply] = Route(
    "reset_branch",
    "POST",
    "/api/v1/datasets/{dataset_id}/branches/{branch}/reset",
    "datavault.contracts.versions.branches:BranchReply",
)
LIST_REFLOG: Route[ReflogReply] = Route(
    "list_reflog",
    "GET",
    "/api/v1/datasets/{dataset_id}/branches/{branch}/reflog",
    "datavault.contracts.versions.branches:ReflogReply",
)
CREATE_TAG: Route[TagReply] = Route(
    "create_tag",
    "POST",
    "/api/v1/datasets/{dataset_id}/tags",
    "datavault.contracts.versions.tags:TagReply",
)
LIST_TAGS: Route[TagListReply] = Route(
    "list_tags",
    "GET",
    "/api/v1/datasets/{dataset_id}/tags",
    "datavault.contracts.versions.tags:TagListReply",
)
GET_TAG: Route[TagReply] = Route(
    "get_tag",
    "GET",
    "/api/v1/datasets/{dataset_id}/tags/{tag}",
    "datavault.contracts.versions.tags:TagReply",
)
VERIFY_VERSION: Route[VerifyReply] = Route(
    "verify_version",
    "GET",
    "/api/v1/datasets/{dataset_id}/verify",
    "datavault.contracts.versions.verification:VerifyReply",
)
DELETE_BRANCH: Route[None] = Route(
    "delete_branch", "DELETE", "/api/v1/datasets/{dataset_id}/branches/{branch}"
)
DIFF_REFS: Route[DiffReply] = Route(
    "diff_refs",
    "GET",
    "/api/v1/datasets/{dataset_id}/diff",
    "datavault.contracts.versions.diff:DiffReply",
)
COUNT_CHANGES: Route[ChangeCountsReply] = Route(
    "count_changes",
    "GET",
    "/api/v1/datasets/{dataset_id}/diff/counts",
    "datavault.contracts.versions.diff:ChangeCountsReply",
)
PREVIEW_MERGE: Route[PreviewReply] = Route(
    "preview_merge",
    "GET",
    "/api/v1/datasets/{dataset_id}/merge/preview",
    "datavault.contracts.versions.merges:PreviewReply",
)
LIST_CONFLICTS: Route[ConflictListReply] = Route(
    "list_conflicts",
    "GET",
    "/api/v1/datasets/{dataset_id}/merge/conflicts",
    "datavault.contracts.versions.merges:ConflictListReply",
)
MERGE_REFS: Route[MergeReply] = Route(
    "merge_refs",
    "POST",
    "/api/v1/datasets/{dataset_id}/merge",
    "datavault.contracts.versions.merges:MergeReply",
)
CHERRY_PICK_COMMIT: Route[MergeReply] = Route(
    "cherry_pick_commit",
    "POST",
    "/api/v1/datasets/{dataset_id}/cherry-pick",
    "datavault.contracts.versions.merges:MergeReply",
)
REVERT_COMMIT: Route[MergeReply] = Route(
    "revert_commit",
    "POST",
    "/api/v1/datasets/{dataset_id}/revert",
    "datavault.contracts.versions.merges:MergeReply",
)
