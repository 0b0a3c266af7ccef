"""Merge, and the two replays of one commit that are merges with a base of their own.

- *merge*: the base is the best common ancestor of both sides (see ``bases``);
- *cherry-pick* of a commit: the base is its parent, the other side the commit;
- *revert* of a commit: the base is the commit, the other side its parent.

All three look at what the other side changed since the base, take what our branch left alone, and
settle the rest by the same rules. Of the branch its committed state counts; what is staged on it
stays staged, on top. A protected branch takes merges, by whoever may merge; a revert or a pick is
made on another branch and merged.
"""

from dataclasses import dataclass

from datavault.domain import refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.errors import Invalid
from datavault.domain.history import Kept, child_of
from datavault.domain.ids import BranchName, CommitId, DatasetId
from datavault.domain.merging import Histories, Landed, Outcome, Rules
from datavault.domain.requests import Request
from datavault.domain.rows import Value
from datavault.ports import Vault
from datavault.services.datasets import find_writable_dataset
from datavault.services.history import Authorship, build_tree, read_commit, write_commit
from datavault.services.nodes import open_tree
from datavault.services.record_schemas import require_matching
from datavault.services.refs import open_work, resolve, resolve_commit, settled
from datavault.services.staging import Work
from datavault.services.versions.bases import find_base
from datavault.services.versions.landing import Landing, Takes, earlier_merge, land, landed
from datavault.services.versions.three_way import Sides, merged_changes


def merge_refs(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    source: str,
    target: BranchName,
    rules: Rules,
    histories: Histories,
    message: str,
    request: Request | None,
) -> Landed:
    """Merge what ``source`` has committed into the branch ``target``.

    A branch that has nothing of its own since their common ancestor is moved to the source's
    commit; otherwise a commit is made whose parents are the branch's commit and the source's.

    Raises:
        Conflict: records conflict and nothing settles them, the histories are unrelated, or the
            branch was moved meanwhile.
        Invalid: a resolution is for a record that is in no conflict, or holds no record or one that
            does not match the schema.
    """
    require(caller, Action.MERGE)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    work = open_work(vault, dataset, target)
    before = earlier_merge(vault, caller, request)
    if before is not None:
        return landed(work, before)
    theirs_id = resolve(vault, dataset, source).commit
    theirs = read_commit(vault, work.keys, dataset, theirs_id)
    head = settled(work, caller)
    ours = read_commit(vault, work.keys, dataset, head.commit)
    base = find_base(vault, work.keys, dataset, ours, theirs, histories)
    details = (("source", theirs_id),)
    if theirs_id in base.commits:
        _require_unused(rules)
        landing = _there(work, head, Outcome.UNCHANGED, head.commit, details)
    elif head.commit in base.commits:
        _require_unused(rules)
        landing = _there(work, head, Outcome.FAST_FORWARDED, theirs_id, details)
    else:
        landing = _combined(
            _Task(
                work,
                "merge_refs",
                Authorship(
                    caller.subject, message or f"Merge {source} into {target}", vault.clock.now_ms()
                ),
                _checked(work, rules),
                f"source={theirs_id}&target={target}",
                details,
                Takes.ANY,
            ),
            head,
            ours,
            Sides(base.tree, base.root, ours.commit.root, theirs.commit.root),
            merged=theirs,
        )
    return landed(work, land(landing, caller=caller, request=request))


def cherry_pick_commit(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    commit_ref: str,
    branch: BranchName,
    mainline: int | None,
    rules: Rules,
    message: str,
    request: Request | None,
) -> Landed:
    """Make on a branch what a commit changed against its parent, as one new commit.

    Of a merge commit ``mainline`` says which parent, from 1. What the branch has already is not
    made again; if that is all, no commit is made.

    Raises:
        Conflict, Invalid: as ``merge_refs``; Invalid also without the parent to compare with.
    """
    require(caller, Action.MERGE)
    replay = _open_replay(vault, caller, dataset_id, branch, commit_ref, request)
    if isinstance(replay, Landed):
        return replay
    parent = _parent(replay, mainline)
    said = message or replay.commit.commit.message or f"Pick commit {replay.commit.commit.id}"
    return _replayed(
        replay, "cherry_pick_commit", said, rules, caller, base=parent, theirs=replay.commit
    )


def revert_commit(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    commit_ref: str,
    branch: BranchName,
    mainline: int | None,
    rules: Rules,
    message: str,
    request: Request | None,
) -> Landed:
    """Undo on a branch what a commit changed against its parent, as one new commit.

    Of a merge commit ``mainline`` says which parent, from 1. The commit stays in the history, so
    merging it again brings nothing back: revert the revert for that.

    Raises:
        Conflict, Invalid: as ``merge_refs``; Invalid also without the parent to compare with.
    """
    require(caller, Action.MERGE)
    replay = _open_replay(vault, caller, dataset_id, branch, commit_ref, request)
    if isinstance(replay, Landed):
        return replay
    parent = _parent(replay, mainline)
    said = message or f"Revert commit {replay.commit.commit.id}"
    return _replayed(
        replay, "revert_commit", said, rules, caller, base=replay.commit, theirs=parent
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """A merge to be made: where, what it is called, by which rules."""

    work: Work
    operation: str
    said: Authorship
    rules: Rules
    where: str
    details: tuple[tuple[str, Value], ...]
    takes: Takes


@dataclass(frozen=True, slots=True)
class _Replay:
    """A commit to be replayed on a branch."""

    work: Work
    commit: Kept
    head: refs.Head
    branch: BranchName
    request: Request | None


def _there(
    work: Work,
    head: refs.Head,
    outcome: Outcome,
    commit: CommitId,
    details: tuple[tuple[str, Value], ...],
) -> Landing:
    """A merge that needs no commit of its own."""
    return Landing(work, "merge_refs", head, outcome, commit, None, details, Takes.ANY)


def _combined(
    task: _Task, head: refs.Head, ours: Kept, sides: Sides, *, merged: Kept | None
) -> Landing:
    """Both sides in one tree, stored, and the commit of it; with ``merged`` as second parent."""
    work = task.work
    changes = merged_changes(work, sides, task.rules, task.where)
    built = build_tree(work.vault, work.keys, ours.commit, changes)
    if merged is None and built.root.address == ours.commit.root.address:
        return Landing(
            work,
            task.operation,
            head,
            Outcome.UNCHANGED,
            head.commit,
            None,
            task.details,
            task.takes,
        )
    others = [] if merged is None else [merged]
    commit = write_commit(
        work.vault,
        work.keys,
        ours.commit,
        built,
        task.said,
        merged=[other.commit.id for other in others],
    )
    return Landing(
        work,
        task.operation,
        head,
        Outcome.COMMITTED,
        commit.id,
        child_of([ours, *others], commit),
        task.details,
        task.takes,
    )


def _open_replay(
    vault: Vault,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    commit_ref: str,
    request: Request | None,
) -> _Replay | Landed:
    """The commit and the branch; or what came of this very request before."""
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    work = open_work(vault, dataset, branch)
    before = earlier_merge(vault, caller, request)
    if before is not None:
        return landed(work, before)
    commit_id = resolve_commit(vault, dataset, commit_ref)
    commit = read_commit(vault, work.keys, dataset, commit_id)
    head = settled(work, caller)
    refs.require_unprotected(head)
    return _Replay(work, commit, head, branch, request)


def _parent(replay: _Replay, mainline: int | None) -> Kept:
    """The parent that the commit is compared with."""
    commit = replay.commit.commit
    if not commit.parents:
        raise Invalid("the first commit has no parent to be compared with", field="commit")
    if mainline is None and len(commit.parents) > 1:
        raise Invalid(
            f"this commit merges {len(commit.parents)} parents: say which one it is compared with",
            field="mainline",
        )
    number = mainline or 1
    if number > len(commit.parents):
        raise Invalid(f"this commit has {len(commit.parents)} parents", field="mainline")
    work = replay.work
    return read_commit(work.vault, work.keys, work.dataset, commit.parents[number - 1])


def _replayed(
    replay: _Replay,
    operation: str,
    message: str,
    rules: Rules,
    caller: Caller,
    *,
    base: Kept,
    theirs: Kept,
) -> Landed:
    work = replay.work
    task = _Task(
        work,
        operation,
        Authorship(caller.subject, message, work.vault.clock.now_ms()),
        _checked(work, rules),
        f"base={base.commit.id}&source={theirs.commit.id}&target={replay.branch}",
        (("source", replay.commit.commit.id),),
        Takes.UNPROTECTED,
    )
    ours = read_commit(work.vault, work.keys, work.dataset, replay.head.commit)
    tree = open_tree(work.vault, work.keys)
    sides = Sides(tree, base.commit.root, ours.commit.root, theirs.commit.root)
    landing = _combined(task, replay.head, ours, sides, merged=None)
    return landed(work, land(landing, caller=caller, request=replay.request))


def _checked(work: Work, rules: Rules) -> Rules:
    """The rules, each text given being a record of its id that matches the dataset's schema."""
    checked = rules.checked(work.dataset.record_key)
    texts = [
        (f"{each.field}/data", each.take)
        for each in checked.resolutions.values()
        if isinstance(each.take, bytes)
    ]
    fields, bodies = [field for field, _ in texts], [body for _, body in texts]
    require_matching(work.vault, work.dataset, bodies, fields)
    return checked


def _require_unused(rules: Rules) -> None:
    """Refuse resolutions where there is nothing to settle."""
    for resolution in rules.resolutions.values():
        raise Invalid("this record is in no conflict", field=resolution.field)
