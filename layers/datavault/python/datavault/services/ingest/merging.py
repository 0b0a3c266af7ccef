"""From the runs of an ingest's parts to the tree of its new version.

An external merge sort: runs of a level are merged, ``FAN_IN`` at a time and each group by another
worker, until so many are left; these are merged into the tree, a range of ids after the other, by
one worker after the other, each of which leaves the tree's root where the next goes on.
"""

from dataclasses import dataclass

from datavault.domain.ids import JobId, WorkspaceId
from datavault.domain.jobs import Job
from datavault.domain.papers import JobInput, Mode, PartOutcome, Plan, Progress
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.history import read_commit
from datavault.services.ingest.parts import outcome_name, run_of, slices_of
from datavault.services.ingest.planning import INPUT, PLAN, open_job_work
from datavault.services.job_steps import open_job, report
from datavault.services.nodes import NodePacks, open_tree
from datavault.services.papers import find_paper, read_paper, write_paper
from datavault.services.staging import Work

# A leaf of each run is held, some 100 kB: 64 of them are little, and 64**3 runs take three levels.
FAN_IN = 64
# A worker has 15 minutes; a range of ids takes seconds.
STEP_MS_MAX = 8 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Built:
    """How far the tree is: after how many steps, and whether all is in it."""

    steps: int
    done: bool


def merge_runs(
    vault: Vault, *, workspace: WorkspaceId, job_id: JobId, level: int, count: int, group: int
) -> None:
    """Merge one group of the ``count`` runs of a level into one of the next.

    A repetition finds it done.

    Raises:
        NotFound: a run is not there.
    """
    job = open_job(vault, workspace, job_id)
    work = open_job_work(vault, job)
    report(vault, job, "merging")
    name = outcome_name(level + 1, group)
    if find_paper(vault, work.keys, job.id, name, PartOutcome) is not None:
        return
    numbers = range(count)[group * FAN_IN : (group + 1) * FAN_IN]
    together = [_read_run(work, job, level, number) for number in numbers]
    keyless = work.dataset.record_key is None
    merged = runs.merged(vault, work.keys, together, keyless=keyless)
    run = runs.store(vault, work.keys, (changes.entries for changes in merged))
    write_paper(vault, work.keys, job.id, name, PartOutcome(slices_of(run)))


def build_ingest(
    vault: Vault,
    *,
    workspace: WorkspaceId,
    job_id: JobId,
    level: int,
    count: int,
    attempt: int,
    step: int,
) -> Built:
    """Put the runs of a level into the tree, from where the step before came to, for some minutes.

    ``attempt`` counts the parents: when the branch has moved meanwhile, the runs go into the tree
    of the commit that it is at then. A repetition of a step finds it done.
    """
    job = open_job(vault, workspace, job_id)
    work = open_job_work(vault, job)
    report(vault, job, "building")
    made = find_paper(vault, work.keys, job.id, progress_name(attempt, step), Progress)
    if made is None:
        done = _build(work, job, level, count, attempt, step)
        made = write_paper(vault, work.keys, job.id, progress_name(attempt, step), done)
    return Built(step + 1, made.done)


def parent_of(work: Work, job: Job, attempt: int) -> Plan:
    """What the version is built upon: the plan's parent, or the one that a publishing met."""
    name = PLAN if attempt == 0 else parent_name(attempt)
    return read_paper(work.vault, work.keys, job.id, name, Plan)


def parent_name(attempt: int) -> str:
    """The paper that says upon which commit another attempt builds."""
    return f"parent-{attempt:06d}"


def progress_name(attempt: int, step: int) -> str:
    """The paper of a step."""
    return f"built-{attempt:06d}-{step:06d}"


def _read_run(work: Work, job: Job, level: int, number: int) -> runs.Run:
    """A run that must be there: a version without it would lack its records and tell nobody."""
    name = outcome_name(level, number)
    return run_of(read_paper(work.vault, work.keys, job.id, name, PartOutcome))


def _build(work: Work, job: Job, level: int, count: int, attempt: int, step: int) -> Progress:
    vault, keys = work.vault, work.keys
    parent = read_commit(vault, keys, work.dataset, parent_of(work, job, attempt).parent)
    if step:
        name = progress_name(attempt, step - 1)
        before = read_paper(vault, keys, job.id, name, Progress)
    else:
        before = Progress(parent.commit.root.to_bytes(), 0, 0, 0, b"", done=False)
    found = [_read_run(work, job, level, number) for number in range(count)]
    keyless = work.dataset.record_key is None
    tree = open_tree(vault, keys)
    changes = runs.merged(vault, keys, found, keyless=keyless, after=before.after)
    asked = read_paper(vault, keys, job.id, INPUT, JobInput)
    if asked.mode is Mode.REPLACE:
        changes = runs.replacing(tree.scan(parent.commit.root, after=before.after), changes)
    nodes = NodePacks(vault, keys)
    root = Pointer.from_bytes(before.root)
    added, changed, removed, after = before.added, before.changed, before.removed, before.after
    began_ms = vault.clock.now_ms()
    for part in changes:
        applied = tree.apply(root, part, nodes)
        nodes.flush()
        root = applied.root
        added, changed = added + applied.added, changed + applied.changed
        removed += applied.removed
        after = bytes(part.entries.ids[-1])
        if vault.clock.now_ms() - began_ms > STEP_MS_MAX:
            return Progress(root.to_bytes(), added, changed, removed, after, done=False)
    return Progress(root.to_bytes(), added, changed, removed, after, done=True)
