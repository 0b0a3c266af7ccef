"""Jobs: asked for once, counted once, ended once; and found when nobody works on them."""

from dataclasses import replace

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import jobs
from datavault.domain.access import Role
from datavault.domain.errors import Cancelled, Conflict, Denied, NotFound, Unavailable
from datavault.domain.ids import CommitId, DatasetId, JobId, new_id
from datavault.domain.jobs import Failure, Job, JobKind, JobState, Tally
from datavault.domain.rows import Table
from datavault.ports import Execution
from datavault.services.job_steps import end_job, open_job, report, report_part, start_job
from datavault.services.jobs.requests import cancel_job, get_job, list_jobs
from datavault.services.jobs.sweep import (
    RUN_MS_MAX,
    SILENT_MS_MAX,
    UNSTARTED_MS,
    SweptJobs,
    sweep_jobs,
)
from tests.simulation.model import rows_of
from tests.support.builders import MAIN, Shelf, a_request
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault, Once

BROKEN = Failure("invalid", "line 7 is no record")
MACHINE = "ingest_objects"


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def shelf(vault: MemoryVault) -> Shelf:
    return Shelf.make(vault)


def ask(shelf: Shelf, dataset: DatasetId | None = None) -> Job:
    """A job that somebody asked for."""
    vault = shelf.vault
    now_ms = vault.clock.now_ms()
    job = Job(
        id=JobId(new_id("job", now_ms)),
        workspace=shelf.caller.workspace,
        dataset=dataset or shelf.dataset.id,
        branch=MAIN,
        kind=JobKind.INGEST_OBJECTS,
        state=JobState.QUEUED,
        phase="queued",
        tally=Tally(bytes_total=1000),
        created_ms=now_ms,
        updated_ms=now_ms,
        ended_ms=None,
        created_by=shelf.caller.subject,
        correlation_id=shelf.caller.correlation_id,
        warnings=(),
        failure=None,
        commit=None,
    )
    vault.catalog.write(jobs.request(job), token=job.id[-36:])
    return job


def found(shelf: Shelf, job: Job) -> Job:
    return get_job(shelf.vault, caller=shelf.caller, job_id=job.id)


def open_jobs(shelf: Shelf) -> int:
    rows = rows_of(shelf.vault.catalog, Table.CATALOG)
    return sum(row.key.partition.startswith("open-jobs/") for row in rows)


def test_a_job_is_found_as_it_was_asked_for(shelf: Shelf) -> None:
    job = ask(shelf)
    assert found(shelf, job) == job
    assert open_jobs(shelf) == 1


def test_reports_move_a_job_on_and_add_up(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    vault.clock.advance(2)
    report(vault, job, "planning", add=Tally(parts_total=2), warnings=("gzip is read whole",))
    report(vault, job, "reading", add=Tally(records=3, bytes=500))
    now = found(shelf, job)
    assert (now.state, now.phase) == (JobState.RUNNING, "reading")
    assert now.tally == Tally(records=3, bytes=500, bytes_total=1000, parts_total=2)
    assert now.warnings == ("gzip is read whole",)
    assert (now.bytes_per_second, now.remaining_s) == (250.0, 2.0)


def test_a_part_that_is_done_twice_counts_once(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    for part in (0, 1, 0, 1, 1):
        report_part(vault, job, "reading", part, Tally(records=10, parts=1), {"records": 10})
    assert found(shelf, job).tally == Tally(records=20, parts=2, bytes_total=1000)


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.CRASH_AFTER, Fault.CRASH_BEFORE])
def test_a_part_counts_once_whatever_happens_to_its_report(
    shelf: Shelf, vault: MemoryVault, fault: Fault
) -> None:
    job = ask(shelf)
    for call in range(4):
        chaos = ChaosVault(vault, AtCall(call, fault))
        for _ in range(2):
            try:
                report_part(chaos, job, "reading", call, Tally(parts=1), {})
            except (Crash, Unavailable):
                continue
    assert found(shelf, job).tally.parts == 4


def test_a_cancelled_job_stops_at_its_next_report(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    report(vault, job, "reading")
    cancelled = cancel_job(vault, caller=shelf.caller, job_id=job.id, request=None)
    assert cancelled.state is JobState.CANCELLING
    for attempt in (
        lambda: open_job(vault, job.workspace, job.id),
        lambda: report(vault, job, "reading"),
        lambda: report_part(vault, job, "reading", 0, Tally(parts=1), {}),
    ):
        with pytest.raises(Cancelled):
            attempt()
    assert found(shelf, job).tally.parts == 0
    ended = end_job(vault, job.workspace, job.id, BROKEN, operation="abort_ingest")
    assert ended.state is found(shelf, job).state is JobState.CANCELLED
    assert open_jobs(shelf) == 0


def test_cancelling_twice_is_one_ledger_entry(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    before = len(rows_of(vault.catalog, Table.LEDGER))
    request = a_request("cancel")
    for _ in range(3):
        cancel_job(vault, caller=shelf.caller, job_id=job.id, request=request)
    assert len(rows_of(vault.catalog, Table.LEDGER)) == before + 1


def test_what_has_ended_is_not_cancelled(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    end_job(vault, job.workspace, job.id, BROKEN, operation="abort_ingest")
    with pytest.raises(Conflict, match="has ended: it failed"):
        cancel_job(vault, caller=shelf.caller, job_id=job.id, request=None)
    assert found(shelf, job).failure == BROKEN
    assert found(shelf, job).ended_ms is not None


def test_a_job_ends_once(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    commit = CommitId("0" * 64)
    vault.catalog.write(jobs.succeed(job.workspace, job.id, commit, 5), token="end")
    before = found(shelf, job)
    end_job(vault, job.workspace, job.id, BROKEN, operation="abort_ingest")
    assert found(shelf, job) == before
    assert (before.state, before.commit) == (JobState.SUCCEEDED, commit)
    with pytest.raises(Cancelled):
        report(vault, job, "reading")


def test_jobs_are_listed_newest_first_by_workspace_and_by_dataset(
    shelf: Shelf, vault: MemoryVault
) -> None:
    other = DatasetId(new_id("ds", 0))
    asked = []
    for number in range(6):
        vault.clock.advance(1)
        asked.append(ask(shelf, other if number % 2 else None).id)
    listed = {None: asked, shelf.dataset.id: asked[::2], other: asked[1::2]}
    for dataset, expected in listed.items():
        got, cursor = [], None
        while True:
            page = list_jobs(vault, caller=shelf.caller, dataset_id=dataset, limit=2, cursor=cursor)
            got += [job.id for job in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert got == expected[::-1]


def test_jobs_of_another_workspace_do_not_exist(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    stranger = Shelf.make(vault).caller
    with pytest.raises(NotFound):
        get_job(vault, caller=stranger, job_id=job.id)
    with pytest.raises(NotFound):
        cancel_job(vault, caller=stranger, job_id=job.id, request=None)
    page = list_jobs(vault, caller=stranger, dataset_id=None, limit=10, cursor=None)
    assert page.items == ()


def test_a_reader_looks_and_does_not_cancel(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    reader = replace(shelf.caller, roles=frozenset({Role.READER}))
    assert get_job(vault, caller=reader, job_id=job.id) == job
    with pytest.raises(Denied):
        cancel_job(vault, caller=reader, job_id=job.id, request=None)


def test_the_sweep_starts_what_nobody_started(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    assert sweep_jobs(vault) == SweptJobs(0, 0)
    vault.clock.advance(UNSTARTED_MS / 1000)
    assert sweep_jobs(vault) == SweptJobs(1, 0)
    (started,) = vault.workflows.started
    assert (started.machine, started.name) == (MACHINE, job.id)
    assert started.payload["job"] == job.id
    assert sweep_jobs(vault) == SweptJobs(0, 0)


def test_a_job_starts_once_whoever_starts_it(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    start_job(vault, job)
    start_job(vault, job)
    vault.clock.advance(UNSTARTED_MS / 1000)
    sweep_jobs(vault)
    assert len(vault.workflows.started) == 1


def test_the_sweep_ends_what_is_silent_for_too_long(shelf: Shelf, vault: MemoryVault) -> None:
    job = ask(shelf)
    start_job(vault, job)
    report(vault, job, "reading")
    vault.clock.advance(SILENT_MS_MAX / 1000 - 1)
    assert sweep_jobs(vault) == SweptJobs(0, 0)
    vault.clock.advance(1)
    assert sweep_jobs(vault) == SweptJobs(0, 1)
    assert vault.workflows.find(MACHINE, job.id) is Execution.FAILED
    assert found(shelf, job).state is JobState.FAILED
    assert open_jobs(shelf) == 0


@pytest.mark.parametrize("late_s", [0, RUN_MS_MAX / 1000 + 1])
def test_a_job_that_cannot_be_swept_is_told_and_in_nobody_s_way(
    shelf: Shelf, vault: MemoryVault, late_s: float
) -> None:
    for _ in range(3):
        ask(shelf)
    vault.clock.advance(UNSTARTED_MS / 1000)
    late = Once("find", lambda: vault.clock.advance(late_s))
    with pytest.raises(Unavailable, match="find"):
        sweep_jobs(ChaosVault(vault, late))
    assert len(vault.workflows.started) == (0 if late_s else 2)


@pytest.mark.parametrize("end", [Execution.FAILED, Execution.SUCCEEDED])
def test_the_sweep_ends_what_has_lost_its_machine(
    shelf: Shelf, vault: MemoryVault, end: Execution
) -> None:
    job = ask(shelf)
    start_job(vault, job)
    vault.workflows.end(MACHINE, job.id, end)
    vault.clock.advance(UNSTARTED_MS / 1000)
    assert sweep_jobs(vault) == SweptJobs(0, 1)
    failure = found(shelf, job).failure
    assert failure is not None
    assert failure.code == "unavailable"
