"""The end of an ingest: one transaction that moves the branch and ends the job; or none, and the
job ends without its commit. After either, what only the job needed is removed: runs, papers and
files in the landing. Bodies stay, also those that no version refers to now, and refused records.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched

from datavault.domain import jobs, keyspace, ledger, refs
from datavault.domain.access import Action
from datavault.domain.datasets import still_active
from datavault.domain.errors import Conflict, Invalid, Unavailable
from datavault.domain.history import Counts, child_of
from datavault.domain.ids import CommitId, JobId, WorkspaceId
from datavault.domain.jobs import Failure, Job, JobState
from datavault.domain.papers import JobInput, Mode, PartOutcome, Plan, Progress
from datavault.domain.reflog import Why
from datavault.domain.refs import require_unprotected
from datavault.domain.rows import Change, Check, If
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.attempts import attempt, attempts
from datavault.services.datasets import find_dataset
from datavault.services.history import Authorship, Built, commit_row, read_commit, write_commit
from datavault.services.ingest.merging import parent_name, parent_of, progress_name
from datavault.services.ingest.parts import run_of
from datavault.services.ingest.planning import INPUT, PLAN, open_job_work
from datavault.services.ingest.reading import require_mode
from datavault.services.job_steps import acting_for, end_job, find_own_job, report
from datavault.services.keys import open_store
from datavault.services.papers import (
    discard_paper,
    discard_papers,
    find_paper,
    paper_names,
    read_paper,
    write_paper,
)
from datavault.services.refs import settled
from datavault.services.staging import Work

# A worker has 15 minutes, of which it has to end in good order.
CLEAN_MS_MAX = 12 * 60 * 1000
# Each waits for S3, some 30 ms a call: 10,000 runs of a GET and a few DELETEs are two minutes.
CLEAN_THREADS = 8


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it: the job has ended with a commit, or ``moved``: build upon ``attempt``."""

    moved: bool
    attempt: int


def publish_ingest(
    vault: Vault, *, workspace: WorkspaceId, job_id: JobId, attempt_number: int, steps: int
) -> Published:
    """Make the new tree a commit, move the branch to it and end the job, all at once.

    Where the branch is no longer at the parent, nothing is moved: another attempt builds upon the
    commit that it is at now. What changes nothing makes no commit, and the job's is the parent.
    A repetition after the job has ended changes nothing.

    Raises:
        Invalid: more records are bad than the job allows, their number is out of its bounds, or
            nothing would replace everything.
        Conflict: the dataset is archived or has another schema than when the job was planned, the
            branch is protected, or records would change that may only be added.
        Cancelled: somebody wants the job to end.
    """
    job = find_own_job(vault, workspace, job_id)
    if job.state is JobState.SUCCEEDED:
        return Published(moved=False, attempt=attempt_number)
    work = open_job_work(vault, job)
    report(vault, job, "publishing")
    asked = read_paper(vault, work.keys, job.id, INPUT, JobInput)
    _check(asked, job)
    plan = read_paper(vault, work.keys, job.id, PLAN, Plan)
    for token in attempts(vault, "the branch"):
        _require_schema(work, job, plan)
        head = settled(work, acting_for(job))
        require_unprotected(head)
        parent_id = parent_of(work, job, attempt_number).parent
        if head.commit != parent_id:
            following = Plan(head.commit, [])
            name = parent_name(attempt_number + 1)
            write_paper(vault, work.keys, job.id, name, following)
            return Published(moved=True, attempt=attempt_number + 1)
        changes = _ending(work, job, asked, head, attempt_number, steps, token)
        if attempt(vault, [*changes, _same_schema(job, plan)], token):
            return Published(moved=False, attempt=attempt_number)
        report(vault, job, "publishing")
    raise AssertionError("attempts ends by raising")


def abort_ingest(
    vault: Vault, *, workspace: WorkspaceId, job_id: JobId, failure: Failure
) -> JobState:
    """End a job without its commit, and remove what only it needed; its state then.

    Raises:
        Unavailable: the job has ended, and not all is removed in ``CLEAN_MS_MAX``.
    """
    job = end_job(vault, workspace, job_id, failure, operation="abort_ingest")
    _clean(vault, job, vault.clock.now_ms() + CLEAN_MS_MAX)
    return job.state


def clean_ingest(
    vault: Vault, *, workspace: WorkspaceId, job_id: JobId, ms_max: int = CLEAN_MS_MAX
) -> int:
    """Remove what a job that has ended needed: its runs, its papers but for refused records, and
    the files in the landing, with the manifest that named them; how many objects those were.

    May be repeated, and then goes on where it was. What it does not come to, the sweep of the
    landing does.

    Raises:
        Unavailable: not all is removed in ``ms_max``.
    """
    job = find_own_job(vault, workspace, job_id)
    if job.state.is_open:
        raise Invalid(f"job {job_id} has not ended")
    return _clean(vault, job, vault.clock.now_ms() + ms_max)


def _check(asked: JobInput, job: Job) -> None:
    asked.require_few(bad=job.tally.quarantined, good=job.tally.records)
    asked.count_bounds.require(job.tally.records)
    if asked.mode is Mode.REPLACE and not job.tally.records:
        raise Invalid("files without records would remove every record of the branch")


def _require_schema(work: Work, job: Job, plan: Plan) -> None:
    """Refuse to publish what was checked by a schema that is not the dataset's any more."""
    if find_dataset(work.vault, acting_for(job), job.dataset).schema != plan.schema:
        raise Conflict(
            "the dataset's schema has changed since the job was planned: ask for it anew"
        )


def _same_schema(job: Job, plan: Plan) -> Check:
    """That it still is, as the branch moves. One job a time can afford to check the one row."""
    row = keyspace.dataset(job.workspace, job.dataset)
    return Check(row, (If("schema", "=", plan.schema),))


def _ending(
    work: Work,
    job: Job,
    asked: JobInput,
    head: refs.Head,
    attempt_number: int,
    steps: int,
    token: str,
) -> list[Change]:
    """The transaction that ends the job well."""
    vault, keys, dataset = work.vault, work.keys, work.dataset
    parent = read_commit(vault, keys, dataset, head.commit)
    name = progress_name(attempt_number, steps - 1)
    made = read_paper(vault, keys, job.id, name, Progress)
    root = Pointer.from_bytes(made.root)
    now_ms = vault.clock.now_ms()
    if root.address == parent.commit.root.address:
        still = [still_active(dataset, token), *refs.still(work.branch, head)]
        return [*still, *_ended(job, parent.commit.id, now_ms)]
    require_mode(asked.mode, changed=made.changed)
    counts = Counts(root.count, made.added, made.changed, made.removed)
    # The job's own time: whoever repeats this makes the same commit.
    said = Authorship(job.created_by, asked.message, job.created_ms)
    commit = write_commit(vault, keys, parent.commit, Built(root, counts), said)
    why = Why("publish_ingest", job.created_by, now_ms)
    return [
        still_active(dataset, token),
        *refs.move(work.named, head, commit.id, why),
        commit_row(keys, dataset, child_of([parent], commit)),
        *_ended(job, commit.id, now_ms),
    ]


def _ended(job: Job, commit: CommitId, now_ms: int) -> list[Change]:
    return [
        *jobs.succeed(job.workspace, job.id, commit, now_ms),
        ledger.entry(
            acting_for(job),
            Action.COMMIT,
            "publish_ingest",
            job.dataset,
            now_ms,
            job=job.id,
            commit=commit,
            records=job.tally.records,
        ),
    ]


def _clean(vault: Vault, job: Job, until_ms: int) -> int:
    """Each run and then the paper by which it is found, then the other papers and the landing's
    objects, and last the paper by which those are found."""
    keys = open_store(vault, find_dataset(vault, acting_for(job), job.dataset))

    def discard_run(name: str) -> None:
        outcome = find_paper(vault, keys, job.id, name, PartOutcome)
        if outcome is not None:
            runs.discard(vault, keys, [run_of(outcome)])
            discard_paper(vault, keys, job.id, name)

    names = paper_names(vault, keys, job.id, prefix="run-")
    _each(vault, names, discard_run, until_ms)
    for prefix in ("built-", "parent-", PLAN):
        discard_papers(vault, keys, job.id, prefix=prefix)
    asked = find_paper(vault, keys, job.id, INPUT, JobInput)
    objects = [] if asked is None else asked.objects
    _each(vault, objects, vault.landing.delete, until_ms)
    discard_papers(vault, keys, job.id, prefix=INPUT)
    return len(objects)


def _each[T](vault: Vault, items: Iterable[T], remove: Callable[[T], None], until_ms: int) -> None:
    """Remove every item, some at once; ``Unavailable``, which is retried, if time is up before."""
    with ThreadPoolExecutor(CLEAN_THREADS, thread_name_prefix="clean") as pool:
        for some in batched(items, CLEAN_THREADS, strict=False):
            if vault.clock.now_ms() > until_ms:
                raise Unavailable("more is to be removed than there was time for: to be continued")
            for _ in pool.map(remove, some):
                pass  # What one of them raises is raised here.
