"""Moving a branch to the outcome of a merge, a revert or a cherry-pick, in one transaction.

Everything the commit refers to is stored before. What holds: a crash before the transaction
leaves the branch as it was and garbage in the store; a lost answer is found again by the request's
key, with the same commit. If the branch was moved meanwhile the answer is ``Conflict``, which
names where it is now: what was merged was merged into another version. Writers who only stage do
not move it, and what they staged stays staged, on top of the new commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from datavault.domain import ledger, refs
from datavault.domain.access import Action, Caller
from datavault.domain.datasets import still_active
from datavault.domain.errors import Conflict
from datavault.domain.history import Kept
from datavault.domain.ids import CommitId
from datavault.domain.merging import Landed, Merged, Outcome
from datavault.domain.reflog import Why
from datavault.domain.requests import Request
from datavault.domain.rows import Change, Value
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.datasets import find_writable_dataset
from datavault.services.history import commit_row, read_commit
from datavault.services.staging import Work, read_head


class Takes(Enum):
    """Which branches take what has been made."""

    ANY = auto()
    """Protected ones too: a merge is how they move."""
    UNPROTECTED = auto()


@dataclass(frozen=True, slots=True)
class Landing:
    """What is to become of a branch, and what the ledger says of it."""

    work: Work
    operation: str
    head: refs.Head
    outcome: Outcome
    commit: CommitId
    made: Kept | None
    """The commit, where it is a new one."""
    details: tuple[tuple[str, Value], ...]
    takes: Takes


def land(landing: Landing, *, caller: Caller, request: Request | None) -> Merged:
    """Make it so, or find that this very request has.

    Raises:
        Conflict: the branch is at another commit by now, which the message names.
    """
    work = landing.work
    merged = Merged(landing.outcome, landing.commit)
    if landing.outcome is Outcome.UNCHANGED and request is None:
        return merged
    for token in attempts(work.vault, "the branch"):
        if attempt(work.vault, _changes(landing, caller, request, token), token):
            return merged
        before = earlier_merge(work.vault, caller, request)
        if before is not None:
            return before
        find_writable_dataset(work.vault, caller, work.dataset.id)
        head = read_head(work)
        # Moved away and back it is at the same commit, and yet not as it was: its moves tell.
        if head.moves != landing.head.moves:
            raise Conflict(
                f"the branch was moved meanwhile and is at commit {head.commit}: try again",
                field="branch",
            )
        if landing.takes is Takes.UNPROTECTED:
            refs.require_unprotected(head)
        if head.pending is not None:
            raise Conflict(
                f"a commit is being made on the branch, which is at {head.commit}: try again",
                field="branch",
            )
    raise AssertionError("attempts ends by raising")


def earlier_merge(vault: Vault, caller: Caller, request: Request | None) -> Merged | None:
    """What came of this request when it was made before."""
    before = earlier_outcome(vault, caller, request)
    if before is None:
        return None
    outcome, commit = before.split()
    return Merged(Outcome(outcome), CommitId(commit))


def landed(work: Work, merged: Merged) -> Landed:
    """The outcome with its commit."""
    kept = read_commit(work.vault, work.keys, work.dataset, merged.commit)
    return Landed(merged.outcome, kept.commit)


def _changes(
    landing: Landing, caller: Caller, request: Request | None, token: str
) -> Sequence[Change]:
    work = landing.work
    now_ms = work.vault.clock.now_ms()
    outcome = f"{landing.outcome} {landing.commit}"
    held: list[Change] = [
        still_active(work.dataset, token),
        *remember(work.vault, caller, request, outcome, now_ms),
    ]
    if landing.outcome is Outcome.UNCHANGED:
        return [*held, *refs.still(work.branch, landing.head)]
    why = Why(landing.operation, caller.subject, now_ms)
    move = refs.move_by_merge if landing.takes is Takes.ANY else refs.move
    kept = [] if landing.made is None else [commit_row(work.keys, work.dataset, landing.made)]
    entry = ledger.entry(
        caller,
        Action.MERGE,
        landing.operation,
        work.dataset.id,
        now_ms,
        branch=work.branch,
        commit=landing.commit,
        outcome=landing.outcome.value,
        **dict(landing.details),
    )
    return [*held, *move(work.named, landing.head, landing.commit, why), *kept, entry]
