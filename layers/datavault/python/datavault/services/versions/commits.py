"""Commits: create, get, list."""

from datavault.domain import ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.commit_jobs import CommitJob
from datavault.domain.datasets import still_active
from datavault.domain.errors import Conflict
from datavault.domain.history import Commit
from datavault.domain.ids import BranchName, CommitId, DatasetId, JobId, new_id
from datavault.domain.pages import Page
from datavault.domain.requests import Request
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset, find_writable_dataset
from datavault.services.history import first_parents, read_commit
from datavault.services.keys import open_store
from datavault.services.refs import (
    find_made,
    finish,
    open_work,
    resolve,
    resolve_commit,
    seal_message,
)
from datavault.services.staging import Work, read_head


def create_commit(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    message: str,
    request: Request | None,
) -> Commit:
    """Make one version of everything staged on the branch.

    A commit that a crash left under way is finished first. If that one is what this caller asked
    for in the same words, and nothing was staged since, it is the answer.

    Raises:
        Conflict: nothing is staged, or the branch is protected.
    """
    require(caller, Action.COMMIT)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    before = earlier_outcome(vault, caller, request)
    if before is not None and (made := find_made(vault, dataset, JobId(before))) is not None:
        return made.commit  # Wherever the branch is by now, or if it is no more.
    work = open_work(vault, dataset, branch)
    finished: Commit | None = None
    for token in attempts(vault, "the branch"):
        head = read_head(work)
        # After the head: if this very request has committed it all, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return finish(work, JobId(before), caller).commit
        if head.pending is not None:
            kept = finish(work, head.pending, caller)
            same = (kept.commit.author, kept.commit.message) == (caller.subject, message)
            finished = kept.commit if same and request is None else None
            continue
        if head.records == 0:
            if finished is not None:
                return finished
            refs.require_unprotected(head)
            raise Conflict("nothing is staged on this branch", field="branch")
        job = _close(work, head, caller, message, request, token)
        if job is not None:
            return finish(work, job.id, caller).commit
    raise AssertionError("attempts ends by raising")


def get_commit(vault: Vault, *, caller: Caller, dataset_id: DatasetId, commit_ref: str) -> Commit:
    """One commit, by its id or a unique prefix of at least 8 characters."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    commit_id = resolve_commit(vault, dataset, commit_ref)
    return read_commit(vault, open_store(vault, dataset), dataset, commit_id).commit


def list_commits(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    ref: str,
    limit: int,
    cursor: str | None,
) -> Page[Commit]:
    """The first-parent history of a ref, newest first; every commit is verified by its id."""
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    keys = open_store(vault, dataset)
    scope = f"list_commits/{dataset_id}/{ref}"
    position = open_cursor(vault, caller, scope, cursor)
    start = resolve(vault, dataset, ref).commit if position is None else CommitId(position)
    listed = tuple(first_parents(vault, keys, dataset, start, limit))
    upcoming = listed[-1].parents[0] if listed[-1].parents else None
    return Page(listed, seal_cursor(vault, caller, scope, upcoming))


def _close(
    work: Work,
    head: refs.Head,
    caller: Caller,
    message: str,
    request: Request | None,
    token: str,
) -> CommitJob | None:
    """T1: close the open generation for a new commit job; ``None`` if something came between."""
    now_ms = work.vault.clock.now_ms()
    job = CommitJob(
        JobId(new_id("job", now_ms)),
        work.branch,
        head.generation,
        head.commit,
        caller.subject,
        message,
        now_ms,
        None,
    )
    changes = [
        still_active(work.dataset, token),
        *refs.close_generation(job, seal_message(work, job.id, message)),
        *remember(work.vault, caller, request, job.id, now_ms),
        ledger.entry(
            caller,
            Action.COMMIT,
            "create_commit",
            work.dataset.id,
            now_ms,
            branch=work.branch,
            job=job.id,
            generation=head.generation,
        ),
    ]
    return job if attempt(work.vault, changes, token) else None
