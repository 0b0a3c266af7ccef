"""Branches: create, list, delete."""

from datavault.domain import keyspace, ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import DEFAULT_BRANCH
from datavault.domain.errors import Conflict
from datavault.domain.ids import BranchId, BranchName, DatasetId, new_id
from datavault.domain.pages import Page
from datavault.domain.requests import Request
from datavault.domain.rows import Table
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.refs import find_branch, finish, open_work, resolve
from datavault.services.staging import read_head


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
        Conflict: there is a branch of that name.
    """
    require(caller, Action.CHANGE_BRANCHES)
    dataset = find_dataset(vault, caller, dataset_id)
    for token in attempts(vault, "the dataset"):
        taken = vault.catalog.get(keyspace.branch(dataset.workspace, dataset.id, name))
        # After the name: if this very request has taken it, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return refs.Branch.decode(before)
        if taken is not None:
            raise Conflict("there is a branch of this name already", field="name")
        now_ms = vault.clock.now_ms()
        branch = refs.Branch(
            BranchId(new_id("br", now_ms)),
            name,
            resolve(vault, dataset, start).commit,
            now_ms,
            caller.subject,
        )
        changes = [
            *refs.create(dataset.workspace, dataset.id, branch),
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
        refs.Branch.of(row, refs.Head.of(found[key]).commit)
        for row, key in zip(page.rows, heads, strict=True)
        if key in found  # A branch deleted between the two reads has no head.
    )
    last = page.rows[-1].key.sort if page.more else None
    return Page(branches, seal_cursor(vault, caller, scope, last))


def delete_branch(vault: Vault, *, caller: Caller, dataset_id: DatasetId, name: BranchName) -> None:
    """Delete a branch and, within an hour and a bit, what is staged on it. Commits stay.

    Raises:
        Conflict: it is the default branch.
        NotFound: there is none of that name.
    """
    require(caller, Action.CHANGE_BRANCHES)
    dataset = find_dataset(vault, caller, dataset_id)
    if name == DEFAULT_BRANCH:
        raise Conflict("the default branch cannot be deleted", field="branch")
    work = open_work(vault, dataset, name)
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        if head.pending is not None:
            finish(work, head.pending, caller)
            continue
        branch = refs.Branch.of(find_branch(vault, dataset, name), head.commit)
        if branch.id != work.branch:
            raise Conflict("the branch was deleted and made again meanwhile", field="branch")
        now_ms = vault.clock.now_ms()
        changes = [
            *refs.delete(dataset.workspace, dataset.id, branch, head.generation),
            refs.sweep_later(branch.id, head.generation, dataset.store, now_ms),
            ledger.entry(
                caller,
                Action.CHANGE_BRANCHES,
                "delete_branch",
                dataset.id,
                now_ms,
                branch=branch.id,
                commit=head.commit,
            ),
        ]
        if attempt(vault, changes, token):
            return
    raise AssertionError("attempts ends by raising")
