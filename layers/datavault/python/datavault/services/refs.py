"""Finding things by ref, and the commit protocol's steps that move a branch.

T1 (``close``), T2 (``_build``) and T3 (``_publish``) are described in ``domain.refs``. Whatever
step a commit stops at, the next committer, or the same request made again, finishes it with the
same commit id; what was acknowledged as staged is in exactly one commit.
"""

from dataclasses import dataclass

import numpy as np

from datavault.domain import commit_jobs, keyspace, ledger, refs
from datavault.domain.access import Action, Caller, Operator
from datavault.domain.commit_jobs import CommitJob
from datavault.domain.datasets import Dataset, still_active
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.history import Kept, child_of
from datavault.domain.ids import (
    COMMIT_ID_CHARS,
    COMMIT_PREFIX_CHARS_MIN,
    BranchId,
    BranchName,
    CommitId,
    JobId,
    TagName,
    is_commit_ref,
    parse_branch_name,
)
from datavault.domain.reflog import Why
from datavault.domain.requests import Request
from datavault.domain.rows import Row
from datavault.domain.staging import StagedChange
from datavault.domain.store.columns import DIGEST, Changes, Entries, same_values
from datavault.domain.store.places import LOCATOR
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, remember
from datavault.services.bodies import store_bodies
from datavault.services.history import (
    Authorship,
    build_tree,
    commit_row,
    find_commits,
    read_commit,
    write_commit,
)
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.staging import Work, read_head, staged_bodies, staged_changes


@dataclass(frozen=True, slots=True)
class View:
    """What a ref names at one moment: a commit and, for a branch, the generations on top of it.

    ``generations`` are those whose staged changes count, newest first; none for a commit.
    """

    work: Work
    commit: CommitId
    generations: tuple[int, ...]


def find_branch(vault: Vault, dataset: Dataset, name: BranchName) -> Row:
    """The branch's row, or ``NotFound``."""
    row = vault.catalog.get(keyspace.branch(dataset.workspace, dataset.id, name))
    if row is None:
        raise NotFound(f"dataset {dataset.id} has no branch of this name", field="branch")
    return row


def open_work(vault: Vault, dataset: Dataset, name: BranchName) -> Work:
    """A branch of the dataset, ready to be worked on."""
    branch = BranchId(find_branch(vault, dataset, name).text("id"))
    return Work(vault, open_store(vault, dataset), dataset, branch, name)


def resolve(vault: Vault, dataset: Dataset, ref: str) -> View:
    """What ``ref`` (a branch, a tag, a commit id or a unique prefix of one) names now."""
    if is_commit_ref(ref):
        return _view_commit(vault, dataset, resolve_commit(vault, dataset, ref))
    name = parse_branch_name(ref, field="ref")
    branch_key = keyspace.branch(dataset.workspace, dataset.id, name)
    tag_key = keyspace.tag(dataset.workspace, dataset.id, TagName(name))
    # One round trip; at most one of them is there.
    found = vault.catalog.get_many([branch_key, tag_key])
    if tag_key in found:
        return _view_commit(vault, dataset, CommitId(found[tag_key].text("commit")))
    if branch_key not in found:
        raise NotFound(f"dataset {dataset.id} has no branch or tag of this name", field="ref")
    branch = BranchId(found[branch_key].text("id"))
    return view_branch(Work(vault, open_store(vault, dataset), dataset, branch, name))


def view_branch(work: Work) -> View:
    """What a branch is now."""
    row = work.vault.catalog.get(keyspace.head(work.branch, 0))
    if row is None:
        raise NotFound("this branch has been deleted", field="ref")
    head = refs.Head.of(row)
    pending = (head.generation - 1,) if head.pending else ()
    return View(work, head.commit, (head.generation, *pending))


def _view_commit(vault: Vault, dataset: Dataset, commit: CommitId) -> View:
    keys = open_store(vault, dataset)
    return View(Work(vault, keys, dataset, refs.NO_BRANCH, BranchName("")), commit, ())


def resolve_commit(vault: Vault, dataset: Dataset, text: str) -> CommitId:
    """The full id of a commit given by its id or by a unique prefix of 8 characters or more."""
    if not is_commit_ref(text):
        raise NotFound(
            f"a commit is named by {COMMIT_PREFIX_CHARS_MIN} to {COMMIT_ID_CHARS} hex characters",
            field="commit_id",
        )
    found = find_commits(vault, dataset, text)
    if len(found) > 1:
        raise Conflict(
            f"several commits of dataset {dataset.id} begin with these {len(text)} characters",
            field="ref",
        )
    if not found:
        raise NotFound(f"dataset {dataset.id} has no such commit", field="ref")
    return found.pop()


def own_row(work: Work) -> Row:
    """The branch's row, if the name is still this branch's."""
    row = find_branch(work.vault, work.dataset, work.name)
    if row.text("id") != work.branch:
        raise Conflict("the branch was deleted and made again meanwhile", field="branch")
    return row


def left_so(
    work: Work,
    head: refs.Head,
    branch: refs.Branch,
    caller: Caller,
    request: Request | None,
    token: str,
) -> bool:
    """Let a repeated request find that it changed nothing; whether nothing has changed since."""
    if request is None:
        return True
    now_ms = work.vault.clock.now_ms()
    remembered = remember(work.vault, caller, request, branch.encode(), now_ms)
    return attempt(work.vault, [*refs.still(work.branch, head), *remembered], token)


def read_job(work: Work, job: JobId) -> CommitJob:
    """A commit job, its message opened."""
    row = work.vault.catalog.get(keyspace.commit_job(job))
    if row is None:
        raise NotFound(f"there is no commit job {job}")
    message = work.keys.unseal(
        row.binary("message"), purpose="message", context=job, place=work.dataset.id
    )
    return CommitJob.of(row, message.decode())


def find_made(vault: Vault, dataset: Dataset, job: JobId) -> Kept | None:
    """The commit that a job has made, if it has come to its end."""
    row = vault.catalog.get(keyspace.commit_job(job))
    if row is None or not row.text("commit"):
        return None
    keys = open_store(vault, dataset)
    return read_commit(vault, keys, dataset, CommitId(row.text("commit")))


def seal_message(work: Work, job: JobId, message: str) -> bytes:
    """A commit message as its job's row keeps it."""
    return work.keys.seal(message.encode(), purpose="message", context=job, place=work.dataset.id)


def finish(work: Work, job_id: JobId, caller: Caller) -> Kept:
    """Bring a commit job to its end, from wherever it stopped; anyone may, and at once.

    The branch cannot move meanwhile: whatever moves it asks for nothing to be pending.

    Raises:
        NotFound: the branch has been deleted, or the commit abandoned.
    """
    kept: Kept | None = None
    for token in attempts(work.vault, "the branch"):
        job = read_job(work, job_id)
        if job.commit is not None:
            return read_commit(work.vault, work.keys, work.dataset, job.commit)
        if job.abandoned:
            raise NotFound(f"commit job {job_id} has been abandoned")
        head = read_head(work)
        if head.pending != job_id:
            continue  # Somebody ended it between the two reads.
        parent = read_commit(work.vault, work.keys, work.dataset, job.parent)
        # Writers collide with T3, which takes all heads; building is done once.
        kept = kept or _build(work, job, parent, head.closed_batches)
        if _publish(work, job, head, kept, caller, token):
            return kept
    raise AssertionError("attempts ends by raising")


def settled(work: Work, caller: Caller) -> refs.Head:
    """Where the branch is, once no commit job is pending on it."""
    for _ in attempts(work.vault, "the branch"):
        head = read_head(work)
        if head.pending is None:
            return head
        finish(work, head.pending, caller)
    raise AssertionError("attempts ends by raising")


def abandon(work: Work, operator: Operator) -> None:
    """Give up the commit that is pending, and the changes it was to commit.

    For operators, when what was staged cannot be read any more and every attempt to finish ends
    in ``Corrupt``: it is the only way in which acknowledged changes are given up, and the ledger
    says so.

    Raises:
        Conflict: nothing is pending.
    """
    for token in attempts(work.vault, "the branch"):
        head = read_head(work)
        if head.pending is None:
            raise Conflict("no commit is pending on this branch", field="branch")
        now_ms = work.vault.clock.now_ms()
        changes = [
            still_active(work.dataset, token),
            *refs.abandon(read_job(work, head.pending), now_ms),
            refs.sweep_later(work.branch, head.generation - 1, work.keys.store, now_ms),
            ledger.operator_entry(
                operator,
                "abandon_commit",
                work.dataset.id,
                now_ms,
                workspace=work.dataset.workspace,
                branch=work.branch,
                job=head.pending,
                batches=head.closed_batches,
            ),
        ]
        if attempt(work.vault, changes, token):
            return
    raise AssertionError("attempts ends by raising")


def _build(work: Work, job: CommitJob, parent: Kept, batches: int) -> Kept:
    """T2: the generation's changes applied to the parent; everything stored, nothing published."""
    vault, keys = work.vault, work.keys
    changes = sorted(
        staged_changes(work, job.generation, batches), key=lambda change: change.id.encode()
    )
    said = Authorship(job.author, job.message, job.time_ms)
    built = build_tree(vault, keys, parent.commit, [_columns(work, parent, changes)])
    commit = write_commit(vault, keys, parent.commit, built, said)
    return child_of([parent], commit)


def _columns(work: Work, parent: Kept, changes: list[StagedChange]) -> Changes:
    """Staged changes as the tree takes them; bodies that the parent has not are stored once."""
    ids = np.array([change.id.encode() for change in changes] or [b""], np.bytes_)[: len(changes)]
    digests = np.frombuffer(
        b"".join(change.digest or bytes(DIGEST.itemsize) for change in changes), DIGEST
    )
    removed = np.array([change.digest is None for change in changes], np.bool_)
    before = open_tree(work.vault, work.keys).get_many(parent.commit.root, ids)
    known = before.found & same_values(before.digests, digests)
    locators = np.zeros(len(changes), LOCATOR)
    # One body for each new digest; every record that has it gets the same locator.
    rows = np.flatnonzero(~known & ~removed).tolist()
    first = {changes[row].digest: row for row in reversed(rows)}
    bodies = staged_bodies(work, [changes[row] for row in first.values()])
    place = {digest: index for index, digest in enumerate(first)}
    places = [place[changes[row].digest] for row in rows]
    lengths = np.array([len(body) for body in bodies], np.uint32)
    stored, packs = store_bodies(
        work.vault, work.keys, lengths, lambda first, last: bodies[first:last]
    )
    if rows:
        locators[rows] = stored[places]
    wanted = ~known
    entries = Entries(ids[wanted], digests[wanted], locators[wanted], packs)
    return Changes(entries, removed[wanted])


def _publish(
    work: Work, job: CommitJob, head: refs.Head, kept: Kept, caller: Caller, token: str
) -> bool:
    """T3; whether it was this attempt that did it."""
    commit = kept.commit
    now_ms = work.vault.clock.now_ms()
    counts = commit.counts
    # Whoever finishes it: the ledger says that; the branch moves because of its author.
    why = Why("create_commit", job.author, now_ms)
    return attempt(
        work.vault,
        [
            still_active(work.dataset, token),
            *refs.move(work.named, head, commit.id, why),
            commit_jobs.finish(job, commit.id, now_ms),
            commit_row(work.keys, work.dataset, kept),
            refs.sweep_later(work.branch, job.generation, work.keys.store, now_ms),
            ledger.entry(
                caller,
                Action.COMMIT,
                "create_commit",
                work.dataset.id,
                now_ms,
                branch=work.branch,
                commit=commit.id,
                author=job.author,
                added=counts.added,
                changed=counts.changed,
                removed=counts.removed,
            ),
        ],
        token,
    )
