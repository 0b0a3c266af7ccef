"""Resets: a branch to any commit; and the reflog, by which to go back."""

from dataclasses import replace
from enum import StrEnum

from datavault.domain import keyspace, ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import still_active
from datavault.domain.errors import NotFound, PreconditionFailed
from datavault.domain.ids import BranchName, CommitId, DatasetId
from datavault.domain.pages import Page
from datavault.domain.reflog import Move, Why
from datavault.domain.requests import Request
from datavault.domain.rows import Change, Table
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset, find_writable_dataset
from datavault.services.refs import finish, left_so, open_work, own_row, resolve
from datavault.services.staging import Work, read_head


class Staged(StrEnum):
    """What becomes of staged changes when a branch is reset."""

    REFUSE = "refuse"
    """If there are any, there is no reset."""
    DISCARD = "discard"
    """They go, with whatever writers add until the branch has moved."""


def reset_branch(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: BranchName,
    to: str,
    staged: Staged,
    expected: CommitId | None,
    request: Request | None,
) -> refs.Branch:
    """Move a branch to the commit that ``to`` names, whatever its history; the reflog has both.

    A commit that is pending is finished first. With ``expected``, only if the branch is there
    then. What is at ``to`` with nothing staged is left so, and no entry tells of it.

    Raises:
        PreconditionFailed: the branch is not at ``expected``.
        Conflict: something is staged and is not to be discarded, or the branch is protected.
    """
    require(caller, Action.CHANGE_BRANCHES)
    work = open_work(vault, find_writable_dataset(vault, caller, dataset_id, request), name)
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return refs.Branch.decode(before)
        refs.require_unprotected(head)
        if head.pending is not None:
            finish(work, head.pending, caller)
            continue
        _require_settled(head, expected, staged)
        target = resolve(vault, work.dataset, to).commit
        branch = replace(refs.Branch.of(own_row(work), head), commit=target)
        if not head.records and target == head.commit:
            if left_so(work, head, branch, caller, request, token):
                return branch
            continue
        why = Why("reset_branch", caller.subject, vault.clock.now_ms())
        changes = [
            still_active(work.dataset, token),
            *_reset(work, head, target, staged, why),
            *remember(vault, caller, request, branch.encode(), why.at_ms),
            ledger.entry(
                caller,
                Action.CHANGE_BRANCHES,
                why.operation,
                work.dataset.id,
                why.at_ms,
                branch=work.branch,
                source=head.commit,
                commit=target,
                staged=staged,
            ),
        ]
        if attempt(vault, changes, token):
            return branch
    raise AssertionError("attempts ends by raising")


def list_reflog(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    name: BranchName,
    limit: int,
    cursor: str | None,
) -> Page[Move]:
    """Where the branch has been, newest first, and whatever had its name before.

    It outlives the branch: the last commit of a deleted one is found here.

    Raises:
        NotFound: no branch ever had this name.
    """
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    scope = f"list_reflog/{dataset_id}/{name}"
    page = vault.catalog.page(
        Table.CATALOG,
        keyspace.reflog_partition(dataset.workspace, dataset.id, name),
        after=open_cursor(vault, caller, scope, cursor),
        limit=limit,
        newest_first=True,
    )
    if not page.rows and cursor is None:
        raise NotFound(f"dataset {dataset.id} has no branch of this name", field="branch")
    last = page.rows[-1].key.sort if page.more else None
    moves = tuple(Move.of(row) for row in page.rows)
    return Page(moves, seal_cursor(vault, caller, scope, last))


def _require_settled(head: refs.Head, expected: CommitId | None, staged: Staged) -> None:
    """Return if the branch is where it is expected, with nothing staged that is to stay."""
    if expected is not None and expected != head.commit:
        raise PreconditionFailed(f"the branch is at commit {head.commit}", field="expected_commit")
    if staged is Staged.REFUSE:
        refs.require_nothing_staged(head)


def _reset(work: Work, head: refs.Head, target: CommitId, staged: Staged, why: Why) -> list[Change]:
    if staged is Staged.REFUSE:
        return refs.reset(work.named, head, target, why)
    return [
        *refs.reset_and_discard(work.named, head, target, why),
        refs.sweep_later(work.branch, head.generation, work.keys.store, why.at_ms),
    ]
