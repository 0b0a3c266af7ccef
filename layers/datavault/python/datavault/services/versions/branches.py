"""Branches: create, get, list, protect, delete."""

from dataclasses import replace
from enum import StrEnum

from datavault.domain import keyspace, ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import DEFAULT_BRANCH, Dataset, still_active
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.ids import BranchId, BranchName, DatasetId, TagName, new_id
from datavault.domain.pages import Page
from datavault.domain.reflog import Why
from datavault.domain.requests import Request
from datavault.domain.rows import Table
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset, find_writable_dataset
from datavault.services.refs import find_branch, finish, left_so, open_work, own_row, resolve
from datavault.services.staging import read_head


class Protection(StrEnum):
    """Whether a branch moves by merges only."""

    ON = "on"
    OFF = "off"


def create_branch(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: BranchName,
    start: str,
    request: Request | None,
) -> refs.Branch:
    """A new branch at the commit that ``start`` names; what is staged there stays there.

    Raises:
        Conflict: there is a branch or a tag of that name.
    """
    require(caller, Action.CHANGE_BRANCHES)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    for token in attempts(vault, "the dataset"):
        taken = _find_taken(vault, dataset, name)
        # After the name: if this very request has taken it, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return refs.Branch.decode(before)
        if taken is not None:
            raise Conflict(f"there is a {taken} of this name already", field="name")
        now_ms = vault.clock.now_ms()
        branch = refs.Branch(
            BranchId(new_id("br", now_ms)),
            name,
            resolve(vault, dataset, start).commit,
            now_ms,
            caller.subject,
            protected=False,
        )
        changes = [
            still_active(dataset, token),
            *refs.create(dataset.workspace, dataset.id, branch, "create_branch"),
            *remember(vault, caller, request, branch.encode(), now_ms),
            ledger.entry(
                caller,
                Action.CHANGE_BRANCHES,
                "create_branch",
                dataset.id,
                now_ms,
                branch=branch.id,
                commit=branch.commit,
            ),
        ]
        if attempt(vault, changes, token):
            return branch
    raise AssertionError("attempts ends by raising")


def get_branch(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, name: BranchName
) -> refs.Branch:
    """One branch, where it is now."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    row = find_branch(vault, dataset, name)
    head = vault.catalog.get(keyspace.head(BranchId(row.text("id")), 0))
    if head is None:
        raise NotFound(f"dataset {dataset.id} has no branch of this name", field="branch")
    return refs.Branch.of(row, refs.Head.of(head))


def list_branches(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, limit: int, cursor: str | None
) -> Page[refs.Branch]:
    """The dataset's branches, by name."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    scope = f"list_branches/{dataset_id}"
    page = vault.catalog.page(
        Table.CATALOG,
        keyspace.dataset(dataset.workspace, dataset.id).partition,
        prefix=keyspace.BRANCH_PREFIX,
        after=open_cursor(vault, caller, scope, cursor),
        limit=limit,
    )
    heads = [keyspace.head(BranchId(row.text("id")), 0) for row in page.rows]
    found = vault.catalog.get_many(heads)
    branches = tuple(
        refs.Branch.of(row, refs.Head.of(found[key]))
        for row, key in zip(page.rows, heads, strict=True)
        if key in found  # A branch deleted between the two reads has no head.
    )
    last = page.rows[-1].key.sort if page.more else None
    return Page(branches, seal_cursor(vault, caller, scope, last))


def update_branch(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: BranchName,
    protection: Protection,
    request: Request | None,
) -> refs.Branch:
    """Protect a branch, so that it moves by merges only, or take the protection away.

    A commit that is pending is finished first. What is as it should be is left so, and no entry
    in the ledger tells of it.

    Raises:
        Conflict: something is staged, which nothing could commit any more.
    """
    require(caller, Action.PROTECT_BRANCHES)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    work = open_work(vault, dataset, name)
    wanted = protection is Protection.ON
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return refs.Branch.decode(before)
        if head.protected == wanted:
            branch = refs.Branch.of(own_row(work), head)
            if left_so(work, head, branch, caller, request, token):
                return branch
            continue
        if head.pending is not None:
            finish(work, head.pending, caller)
            continue
        if wanted:
            refs.require_nothing_staged(head)
        branch = replace(refs.Branch.of(own_row(work), head), protected=wanted)
        now_ms = vault.clock.now_ms()
        changes = [
            still_active(dataset, token),
            *(refs.protect(work.branch, head) if wanted else refs.unprotect(work.branch)),
            *remember(vault, caller, request, branch.encode(), now_ms),
            ledger.entry(
                caller,
                Action.PROTECT_BRANCHES,
                "update_branch",
                dataset.id,
                now_ms,
                branch=work.branch,
                protection=protection,
            ),
        ]
        if attempt(vault, changes, token):
            return branch
    raise AssertionError("attempts ends by raising")


def delete_branch(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: BranchName,
    request: Request | None,
) -> None:
    """Delete a branch and, within an hour and a bit, what is staged on it. Commits stay.

    A request that is repeated deletes nothing more: not what has been given the name since.

    Raises:
        Conflict: it is the default branch, or protected.
        NotFound: there is none of that name.
    """
    require(caller, Action.CHANGE_BRANCHES)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    if name == DEFAULT_BRANCH:
        raise Conflict("the default branch cannot be deleted", field="branch")
    try:
        _delete(vault, caller, dataset, name, request)
    except (NotFound, Conflict):
        # It is gone, or another one by now, and this very request may be why.
        if earlier_outcome(vault, caller, request) is None:
            raise


def _delete(
    vault: Vault, caller: Caller, dataset: Dataset, name: BranchName, request: Request | None
) -> None:
    work = open_work(vault, dataset, name)
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        if earlier_outcome(vault, caller, request) is not None:
            return
        refs.require_unprotected(head)
        if head.pending is not None:
            finish(work, head.pending, caller)
            continue
        own_row(work)
        now_ms = vault.clock.now_ms()
        changes = [
            still_active(dataset, token),
            *refs.delete(work.named, head, Why("delete_branch", caller.subject, now_ms)),
            refs.sweep_later(work.branch, head.generation, dataset.store, now_ms),
            *remember(vault, caller, request, work.branch, now_ms),
            ledger.entry(
                caller,
                Action.CHANGE_BRANCHES,
                "delete_branch",
                dataset.id,
                now_ms,
                branch=work.branch,
                commit=head.commit,
            ),
        ]
        if attempt(vault, changes, token):
            return
    raise AssertionError("attempts ends by raising")


def _find_taken(vault: Vault, dataset: Dataset, name: BranchName) -> str | None:
    """What has the name already: a branch or a tag."""
    branch = keyspace.branch(dataset.workspace, dataset.id, name)
    tag = keyspace.tag(dataset.workspace, dataset.id, TagName(name))
    found = vault.catalog.get_many([branch, tag])
    return "branch" if branch in found else "tag" if tag in found else None
