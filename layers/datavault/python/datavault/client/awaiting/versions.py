"""Generated from the operations table: methods of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import AsyncCaller
from datavault.client.paging import async_pages
from datavault.client.routes import Arguments
from datavault.client.routing import versions as routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Literal

    from datavault.client.routes import CallOptions, ChangeOptions
    from datavault.contracts.versions.branches import (
        BranchListReply,
        BranchReply,
        MoveReply,
        ReflogReply,
    )
    from datavault.contracts.versions.commits import CommitListReply, CommitReply
    from datavault.contracts.versions.diff import ChangeCountsReply, ChangeReply, DiffReply
    from datavault.contracts.versions.merges import (
        ConflictListReply,
        ConflictReply,
        MergeReply,
        PreviewReply,
        ResolutionIn,
    )
    from datavault.contracts.versions.tags import TagListReply, TagReply
    from datavault.contracts.versions.verification import VerifyReply


class AsyncVersions(AsyncCaller):
    """Operations of versions."""

    async def create_commit(
        self,
        dataset_id: str,
        *,
        branch: str = "main",
        message: str = "",
        **options: Unpack[ChangeOptions],
    ) -> CommitReply:
        """Commit everything staged on a branch as one new version."""
        return await self.call(
            routing.CREATE_COMMIT,
            Arguments(path=(dataset_id,), body={"branch": branch, "message": message}),
            **options,
        )

    async def list_commits(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> CommitListReply:
        """List a branch's history, newest first."""
        return await self.call(
            routing.LIST_COMMITS,
            Arguments(path=(dataset_id,), query={"ref": ref, "limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_commits(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[CommitReply]:
        """Iterate over all pages of ``list_commits``, each fetched when reached."""
        async for page in async_pages(
            self.list_commits, dataset_id, ref=ref, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def get_commit(
        self, dataset_id: str, commit_id: str, **options: Unpack[CallOptions]
    ) -> CommitReply:
        """Get one commit by its id or a unique prefix of at least 8 characters."""
        return await self.call(
            routing.GET_COMMIT, Arguments(path=(dataset_id, commit_id)), **options
        )

    async def create_branch(
        self, dataset_id: str, *, name: str, start: str = "main", **options: Unpack[ChangeOptions]
    ) -> BranchReply:
        """Create a branch at the commit another ref names; staged changes stay behind."""
        return await self.call(
            routing.CREATE_BRANCH,
            Arguments(path=(dataset_id,), body={"name": name, "start": start}),
            **options,
        )

    async def list_branches(
        self,
        dataset_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> BranchListReply:
        """List a dataset's branches by name."""
        return await self.call(
            routing.LIST_BRANCHES,
            Arguments(path=(dataset_id,), query={"limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_branches(
        self, dataset_id: str, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> AsyncIterator[BranchReply]:
        """Iterate over all pages of ``list_branches``, each fetched when reached."""
        async for page in async_pages(self.list_branches, dataset_id, limit=page_size, **options):
            for item in page.data:
                yield item

    async def get_branch(
        self, dataset_id: str, branch: str, **options: Unpack[CallOptions]
    ) -> BranchReply:
        """Get one branch: where it is, and whether it is protected."""
        return await self.call(routing.GET_BRANCH, Arguments(path=(dataset_id, branch)), **options)

    async def update_branch(
        self, dataset_id: str, branch: str, *, protected: bool, **options: Unpack[ChangeOptions]
    ) -> BranchReply:
        """Protect a branch, so that it moves by merges only, or end the protection."""
        return await self.call(
            routing.UPDATE_BRANCH,
            Arguments(path=(dataset_id, branch), body={"protected": protected}),
            **options,
        )

    async def reset_branch(
        self,
        dataset_id: str,
        branch: str,
        *,
        to: str,
        staged: Literal["refuse", "discard"] = "refuse",
        expected_commit: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> BranchReply:
        """Move a branch to any commit of the dataset; its reflog leads back."""
        return await self.call(
            routing.RESET_BRANCH,
            Arguments(
                path=(dataset_id, branch),
                body={"to": to, "staged": staged, "expected_commit": expected_commit},
            ),
            **options,
        )

    async def list_reflog(
        self,
        dataset_id: str,
        branch: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ReflogReply:
        """List where a branch has been, newest first; of a deleted one too."""
        return await self.call(
            routing.LIST_REFLOG,
            Arguments(path=(dataset_id, branch), query={"limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_reflog(
        self, dataset_id: str, branch: str, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> AsyncIterator[MoveReply]:
        """Iterate over all pages of ``list_reflog``, each fetched when reached."""
        async for page in async_pages(
            self.list_reflog, dataset_id, branch, limit=page_size, **options
        ):
            for item in page.data:
                yield item

    async def create_tag(
        self,
        dataset_id: str,
        *,
        name: str,
        ref: str = "main",
        message: str = "",
        **options: Unpack[ChangeOptions],
    ) -> TagReply:
        """Give a commit a name that never moves."""
        return await self.call(
            routing.CREATE_TAG,
            Arguments(path=(dataset_id,), body={"name": name, "ref": ref, "message": message}),
            **options,
        )

    async def list_tags(
        self,
        dataset_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> TagListReply:
        """List a dataset's tags by name."""
        return await self.call(
            routing.LIST_TAGS,
            Arguments(path=(dataset_id,), query={"limit": limit, "cursor": cursor}),
            **options,
        )

    async def iter_tags(
        self, dataset_id: str, *, page_size: int = 1000, **options: Unpack[CallOptions]
    ) -> AsyncIterator[TagReply]:
        """Iterate over all pages of ``list_tags``, each fetched when reached."""
        async for page in async_pages(self.list_tags, dataset_id, limit=page_size, **options):
            for item in page.data:
                yield item

    async def get_tag(self, dataset_id: str, tag: str, **options: Unpack[CallOptions]) -> TagReply:
        """Get one tag."""
        return await self.call(routing.GET_TAG, Arguments(path=(dataset_id, tag)), **options)

    async def verify_version(
        self,
        dataset_id: str,
        *,
        ref: str = "main",
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> VerifyReply:
        """Read and verify every node and block of a version, a page at a time."""
        return await self.call(
            routing.VERIFY_VERSION,
            Arguments(path=(dataset_id,), query={"ref": ref, "cursor": cursor}),
            **options,
        )

    async def iter_verify_version(
        self, dataset_id: str, *, ref: str = "main", **options: Unpack[CallOptions]
    ) -> AsyncIterator[VerifyReply]:
        """Iterate over all pages of ``verify_version``, each fetched when reached."""
        async for page in async_pages(self.verify_version, dataset_id, ref=ref, **options):
            yield page

    async def delete_branch(
        self, dataset_id: str, branch: str, **options: Unpack[ChangeOptions]
    ) -> None:
        """Delete a branch and what is staged on it; its commits stay."""
        return await self.call(
            routing.DELETE_BRANCH, Arguments(path=(dataset_id, branch)), **options
        )

    async def diff_refs(
        self,
        dataset_id: str,
        *,
        base: str,
        target: str = "main",
        include: Literal["etags", "records"] = "etags",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> DiffReply:
        """List what differs between the committed states of two refs, by record id."""
        return await self.call(
            routing.DIFF_REFS,
            Arguments(
                path=(dataset_id,),
                query={
                    "base": base,
                    "target": target,
                    "include": include,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            **options,
        )

    async def iter_diff_refs(
        self,
        dataset_id: str,
        *,
        base: str,
        target: str = "main",
        include: Literal["etags", "records"] = "etags",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[ChangeReply]:
        """Iterate over all pages of ``diff_refs``, each fetched when reached."""
        async for page in async_pages(
            self.diff_refs,
            dataset_id,
            base=base,
            target=target,
            include=include,
            limit=page_size,
            **options,
        ):
            for item in page.data:
                yield item

    async def count_changes(
        self,
        dataset_id: str,
        *,
        base: str,
        target: str = "main",
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ChangeCountsReply:
        """Count what differs between the committed states of two refs."""
        return await self.call(
            routing.COUNT_CHANGES,
            Arguments(path=(dataset_id,), query={"base": base, "target": target, "cursor": cursor}),
            **options,
        )

    async def iter_count_changes(
        self, dataset_id: str, *, base: str, target: str = "main", **options: Unpack[CallOptions]
    ) -> AsyncIterator[ChangeCountsReply]:
        """Iterate over all pages of ``count_changes``, each fetched when reached."""
        async for page in async_pages(
            self.count_changes, dataset_id, base=base, target=target, **options
        ):
            yield page

    async def preview_merge(
        self,
        dataset_id: str,
        *,
        source: str,
        target: str = "main",
        base: str | None = None,
        granularity: Literal["fields", "records"] = "fields",
        histories: Literal["related", "any"] = "related",
        **options: Unpack[CallOptions],
    ) -> PreviewReply:
        """Say what merging a ref into a branch would come to, all conflicts counted."""
        return await self.call(
            routing.PREVIEW_MERGE,
            Arguments(
                path=(dataset_id,),
                query={
                    "source": source,
                    "target": target,
                    "base": base,
                    "granularity": granularity,
                    "histories": histories,
                },
            ),
            **options,
        )

    async def list_conflicts(
        self,
        dataset_id: str,
        *,
        source: str,
        target: str = "main",
        base: str | None = None,
        granularity: Literal["fields", "records"] = "fields",
        histories: Literal["related", "any"] = "related",
        include: Literal["etags", "records"] = "etags",
        limit: int = 100,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ConflictListReply:
        """List the records in conflict that merging a ref into a branch would meet."""
        return await self.call(
            routing.LIST_CONFLICTS,
            Arguments(
                path=(dataset_id,),
                query={
                    "source": source,
                    "target": target,
                    "base": base,
                    "granularity": granularity,
                    "histories": histories,
                    "include": include,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            **options,
        )

    async def iter_conflicts(
        self,
        dataset_id: str,
        *,
        source: str,
        target: str = "main",
        base: str | None = None,
        granularity: Literal["fields", "records"] = "fields",
        histories: Literal["related", "any"] = "related",
        include: Literal["etags", "records"] = "etags",
        page_size: int = 1000,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[ConflictReply]:
        """Iterate over all pages of ``list_conflicts``, each fetched when reached."""
        async for page in async_pages(
            self.list_conflicts,
            dataset_id,
            source=source,
            target=target,
            base=base,
            granularity=granularity,
            histories=histories,
            include=include,
            limit=page_size,
            **options,
        ):
            for item in page.data:
                yield item

    async def merge_refs(
        self,
        dataset_id: str,
        *,
        source: str,
        strategy: Literal["fail", "ours", "theirs"] = "fail",
        granularity: Literal["fields", "records"] = "fields",
        resolutions: Sequence[ResolutionIn] = (),
        message: str = "",
        target: str = "main",
        histories: Literal["related", "any"] = "related",
        **options: Unpack[ChangeOptions],
    ) -> MergeReply:
        """Merge what a ref has committed into a branch."""
        return await self.call(
            routing.MERGE_REFS,
            Arguments(
                path=(dataset_id,),
                body={
                    "source": source,
                    "strategy": strategy,
                    "granularity": granularity,
                    "resolutions": resolutions,
                    "message": message,
                    "target": target,
                    "histories": histories,
                },
            ),
            **options,
        )

    async def cherry_pick_commit(
        self,
        dataset_id: str,
        *,
        commit: str,
        strategy: Literal["fail", "ours", "theirs"] = "fail",
        granularity: Literal["fields", "records"] = "fields",
        resolutions: Sequence[ResolutionIn] = (),
        message: str = "",
        branch: str = "main",
        mainline: int | None = None,
        **options: Unpack[ChangeOptions],
    ) -> MergeReply:
        """Make on a branch what a commit changed, as a new commit."""
        return await self.call(
            routing.CHERRY_PICK_COMMIT,
            Arguments(
                path=(dataset_id,),
                body={
                    "commit": commit,
                    "strategy": strategy,
                    "granularity": granularity,
                    "resolutions": resolutions,
                    "message": message,
                    "branch": branch,
                    "mainline": mainline,
                },
            ),
            **options,
        )

    async def revert_commit(
        self,
        dataset_id: str,
        *,
        commit: str,
        strategy: Literal["fail", "ours", "theirs"] = "fail",
        granularity: Literal["fields", "records"] = "fields",
        resolutions: Sequence[ResolutionIn] = (),
        message: str = "",
        branch: str = "main",
        mainline: int | None = None,
        **options: Unpack[ChangeOptions],
    ) -> MergeReply:
        """Undo on a branch what a commit changed, as a new commit."""
        return await self.call(
            routing.REVERT_COMMIT,
            Arguments(
                path=(dataset_id,),
                body={
                    "commit": commit,
                    "strategy": strategy,
                    "granularity": granularity,
                    "resolutions": resolutions,
                    "message": message,
                    "branch": branch,
                    "mainline": mainline,
                },
            ),
            **options,
        )
