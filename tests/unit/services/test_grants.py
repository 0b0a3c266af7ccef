"""What each operation's function may do is what it does, no less and no more."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from inspect import getmembers, isfunction
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.operations import OPERATIONS, TASKS, Grant, Operation, Task
from datavault.domain import keyspace
from datavault.domain.drops import Dropped, drop_prefix
from datavault.domain.errors import Conflict, Invalid
from datavault.domain.expectations import Version
from datavault.domain.ids import BranchName, DatasetName, JobId, TagName
from datavault.domain.jobs import Failure, JobState
from datavault.domain.preconditions import ANY
from datavault.domain.requests import Request
from datavault.domain.rows import Put, Row, Table
from datavault.domain.uploads import UPLOAD_MS
from datavault.ports import Claims
from datavault.services import access, datasets, health, retention, runs
from datavault.services.datasets import changes, clones, search, stats
from datavault.services.events.publishing import publish_events
from datavault.services.ingest import planning, uploads
from datavault.services.ingest.drops import open_drop
from datavault.services.ingest.sweep import sweep_uploads
from datavault.services.job_steps import end_job
from datavault.services.jobs import quarantine, requests
from datavault.services.jobs.sweep import SILENT_MS_MAX, sweep_jobs
from datavault.services.records import changing, past, reading
from datavault.services.versions import (
    branches,
    commits,
    diff,
    merge,
    preview,
    resets,
    tags,
    verification,
)
from datavault.services.versions.resets import Staged
from tests.simulation.ingest_jobs import FILE, FUNCTIONS, Pipeline, lines
from tests.simulation.model import rows_of
from tests.support import merging
from tests.support.asl import ExecutionFailed, Machine
from tests.support.builders import MAIN, Process, Shelf, a_body, a_dataset, a_request
from tests.support.chaos import ChaosVault, Crash, Fault
from tests.support.recording import RecordingVault
from tests.support.uploads import abort, complete, create, landing_of, send_all

# Operations that are answered without the vault: their functions have no service to call.
WITHOUT_SERVICE = {"check_live", "describe_api", "browse_docs"}
# Known and reported: what a row lacks, or has and does not use. To be emptied, never added to.
LACKING = {
    # S3 has one permission for beginning an upload and for sending its parts.
    "create_upload": {Grant.LANDING_SIGN},
}
UNUSED = {
    # Every operation that writes asks for the read-only mode first, at the edge.
    "abort_upload": {Grant.CATALOG_READ},
    # Used by the adapter alone: a PUT whose answer was lost is compared with what is there.
    "create_dataset": {Grant.OBJECTS_READ},
    "append_records": {Grant.OBJECTS_READ},
    "complete_upload": {Grant.OBJECTS_READ},
    "open_drop": {Grant.OBJECTS_READ},
    # Used by Lambda in the function's name, before it is called.
    "publish_events": {Grant.LEDGER_FOLLOW},
}
DEV, BUSY = BranchName("dev"), BranchName("busy")
_ALL: tuple[Operation | Task, ...] = (*OPERATIONS, *TASKS)
ROWS = {row.name: row for row in _ALL}
SERVICES = (
    datasets,
    changes,
    clones,
    search,
    stats,
    changing,
    reading,
    past,
    branches,
    commits,
    diff,
    merge,
    preview,
    resets,
    tags,
    verification,
    requests,
    quarantine,
)
REQUEST = a_request("grants")


def _list_datasets(shelf: Shelf) -> None:
    for _ in range(2):
        page = search.list_datasets(shelf.vault, caller=shelf.caller, limit=1, cursor=None)
        search.list_datasets(shelf.vault, caller=shelf.caller, limit=1, cursor=page.next_cursor)


def _create_dataset(shelf: Shelf) -> None:
    for _ in range(2):
        datasets.create_dataset(
            shelf.vault,
            caller=shelf.caller,
            name=DatasetName("second"),
            description="",
            labels=(),
            record_key=None,
            request=REQUEST,
        )


def _update(shelf: Shelf, *, name: str) -> None:
    changes.update_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        edit=changes.Edit(name=DatasetName(name)),
        precondition=ANY,
        request=REQUEST,
    )


def _archive(shelf: Shelf, request: Request | None) -> object:
    return changes.archive_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=request
    )


def _restore(shelf: Shelf) -> object:
    return changes.restore_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=REQUEST
    )


def _clone(shelf: Shelf) -> None:
    for _ in range(2):
        clones.clone_dataset(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            ref=shelf.history(limit=1)[0].id,
            name=DatasetName("clone"),
            request=REQUEST,
        )


def _commit_twice(shelf: Shelf) -> None:
    shelf.commit(request=REQUEST)
    shelf.commit(request=REQUEST)


def _delete_branch(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.delete_branch("dev", request=REQUEST)


def _list_branches(shelf: Shelf) -> None:
    page = branches.list_branches(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, limit=1, cursor=None
    )
    branches.list_branches(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        limit=1,
        cursor=page.next_cursor,
    )


def _get_commit(shelf: Shelf) -> None:
    commits.get_commit(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        commit_ref=shelf.history(limit=1)[0].id,
    )


def _protect(shelf: Shelf) -> None:
    shelf.create_branch("guarded")
    for _ in range(2):
        shelf.protect("guarded", request=REQUEST)


def _count_changes(shelf: Shelf) -> None:
    diff.count_changes(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        base=shelf.history()[-1].id,
        target="main",
        cursor=None,
    )


def _authorize(shelf: Shelf) -> None:
    memory = shelf.vault.tokens
    claims = Claims("me", shelf.caller.workspace, ("admin",), False, 2**40)
    token = memory.issue(claims)  # type: ignore[attr-defined]
    access.authorize(shelf.vault, token=token, correlation_id="c")


def _sweep(shelf: Shelf) -> None:
    shelf.vault.clock.sleep(7200)
    retention.sweep_staging(shelf.vault)


def _beside(shelf: Shelf) -> Shelf:
    """The same, of which nothing is noted."""
    assert isinstance(shelf.vault, RecordingVault)
    return shelf.on(shelf.vault.under)


def _list_parts(shelf: Shelf) -> None:
    upload_id = create(_beside(shelf), None).upload.id
    cursor = None
    for _ in range(2):
        page = uploads.list_upload_parts(
            shelf.vault,
            caller=shelf.caller,
            upload_id=upload_id,
            checksums={},
            limit=1,
            cursor=cursor,
        )
        cursor = page.next_cursor


def _complete(shelf: Shelf) -> None:
    """One that is well, and one that comes to be another file than was announced."""
    offer = create(_beside(shelf), 1)
    claims = send_all(_beside(shelf), offer, [b"a"])
    for _ in range(2):
        complete(shelf, offer.upload.id, claims, request=REQUEST)
    wrong = create(_beside(shelf), None)
    catalog = _beside(shelf).vault.catalog
    row = catalog.get(keyspace.upload(shelf.caller.workspace, wrong.upload.id))
    assert row is not None
    catalog.put_many([Put(row.key, {**row.attributes, "size": 2})])
    with pytest.raises(Invalid):
        complete(shelf, wrong.upload.id, send_all(_beside(shelf), wrong, [b"a"]))


def _sweep_landing(shelf: Shelf) -> None:
    """One upload whose job has ended, and one that expires."""
    beside = _beside(shelf)
    offer = create(beside, 1)
    job = complete(beside, offer.upload.id, send_all(beside, offer, [b"a"]))
    failure = Failure("invalid", "a test's")
    end_job(beside.vault, job.workspace, job.id, failure, operation="test")
    create(beside, 1)
    shelf.vault.clock.sleep(UPLOAD_MS / 1000)
    swept = sweep_uploads(shelf.vault)
    assert (swept.expired, swept.objects) == (1, 1)


def _drop(shelf: Shelf) -> None:
    """A manifest of one file, put twice."""
    landing = landing_of(_beside(shelf).vault)
    folder = drop_prefix(shelf.caller.workspace, shelf.dataset.id, MAIN)
    landing.put(f"{folder}_a/a.csv", b"a")
    landed = landing.put(f"{folder}a.manifest.json", b'[{"name": "_a/a.csv"}]')
    dropped = Dropped("landing", landed.key, landed.etag, "", "1", "1", 0, "c")
    for _ in range(2):
        assert open_drop(shelf.vault, dropped=dropped).job


def _asked(shelf: Shelf, *, max_bad_records: int = 1) -> JobId:
    """A job of one file with a bad line, on a branch whose commit a crash left behind."""
    beside = _beside(shelf)
    _pending(beside)
    content = lines({"new": 1}) + b"{torn\n"
    return (
        Pipeline(beside, lambda: beside.vault)
        .ask(content, branch=BUSY, max_bad_records=max_bad_records)
        .id
    )


def _machine(shelf: Shelf, job: JobId, step: str = "") -> None:
    """The job's machine, in which one step, as any may, is made twice; only it is noted."""
    beside = _beside(shelf)

    def call(name: str, payload: Any) -> Any:
        result = None
        if step == "MergeRuns" and name == "BuildIngest":
            payload |= {"level": 0, "group": 0}
            name = step
        for _ in range(2 if name == step else 1):
            process = shelf.vault if name == step else Process(beside.vault)
            if name == step == "PublishIngest":
                _pending(beside)
            try:
                result = FUNCTIONS[name].run(process, payload)
            except Invalid as error:
                raise ExecutionFailed("Invalid") from error
        if name == "MergeRuns":
            raise ExecutionFailed("a test's")
        return result

    payload = {"workspace": shelf.caller.workspace, "job": job, "correlation_id": "c"}
    with pytest.MonkeyPatch.context() as patch, suppress(ExecutionFailed):
        # A file that is large, and runs that do not fit into memory.
        patch.setattr(planning, "PART_BYTES", 8)
        patch.setattr(runs, "HELD_BYTES_MAX", 1)
        Machine.load(FILE, call).run(payload)


def _step(name: str, *, max_bad_records: int = 1) -> Callable[[Shelf], None]:
    return lambda shelf: _machine(shelf, _asked(shelf, max_bad_records=max_bad_records), name)


def _list_jobs(shelf: Shelf) -> None:
    for _ in range(2):
        _asked(shelf)
    for dataset in (None, shelf.dataset.id):
        cursor = None
        for _ in range(2):
            page = requests.list_jobs(
                shelf.vault, caller=shelf.caller, dataset_id=dataset, limit=1, cursor=cursor
            )
            cursor = page.next_cursor


def _cancel_job(shelf: Shelf) -> None:
    job = _asked(shelf)
    for _ in range(2):
        requests.cancel_job(shelf.vault, caller=shelf.caller, job_id=job, request=REQUEST)


def _list_quarantined(shelf: Shelf) -> None:
    job = _asked(shelf)
    _machine(shelf, job)
    page = quarantine.list_quarantined(shelf.vault, caller=shelf.caller, job_id=job, cursor=None)
    assert len(page.items) == 1


def _sweep_jobs(shelf: Shelf) -> None:
    """A job whose machine is silent, and one that was never started."""
    beside = _beside(shelf)
    silent = _asked(shelf)
    beside.vault.workflows.start("ingest_objects", silent, {})
    shelf.vault.clock.sleep(SILENT_MS_MAX / 1000)
    _asked(shelf)
    shelf.vault.clock.sleep(60)
    swept = sweep_jobs(shelf.vault)
    assert (swept.started, swept.ended) == (1, 1)
    found = requests.get_job(beside.vault, caller=shelf.caller, job_id=silent)
    assert found.state is JobState.FAILED


def _publish_events(shelf: Shelf) -> None:
    memory = shelf.vault.catalog._port  # type: ignore[attr-defined]
    rows = rows_of(memory, Table.LEDGER)
    unknown = Row(rows[0].key, {**rows[0].attributes, "operation": "fly_to_moon"})
    publish_events(shelf.vault, [unknown, *rows], write=lambda _: "{}")


DOES: dict[str, Callable[[Shelf], object]] = {
    "create_dataset": _create_dataset,
    "list_datasets": _list_datasets,
    "update_dataset": lambda shelf: _update(shelf, name="renamed"),
    "clone_dataset": _clone,
    "get_dataset_stats": lambda shelf: stats.get_dataset_stats(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, ref=MAIN, base=None
    ),
    "archive_dataset": lambda shelf: _archive(shelf, REQUEST),
    "restore_dataset": lambda shelf: [_archive(shelf, None), _restore(shelf)],
    "describe_dataset": lambda shelf: datasets.describe_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=a_dataset(
            _beside(shelf).vault, shelf.caller, name="checked", schema={"type": "object"}
        ).id,
    ),
    "append_records": lambda shelf: [
        shelf.append({"n": a_body("n", 5000)}, request=REQUEST),
        shelf.append({f"m{number}": a_body("m") for number in range(95)}),
        shelf.append({"a": a_body("a2")}, expected={"a": Version(shelf.etag("a"))}),
    ],
    "list_records": lambda shelf: [shelf.all(limit=1), shelf.all(ref=shelf.history()[0].id)],
    "get_record": lambda shelf: [shelf.get("a"), shelf.get("s"), shelf.get("l")],
    "batch_get_records": lambda shelf: shelf.batch_get("a", "s", "l", "nothing"),
    "count_records": lambda shelf: shelf.count(),
    "list_record_history": lambda shelf: shelf.past("a", limit=1),
    "delete_record": lambda shelf: shelf.delete("a", request=REQUEST),
    "create_commit": _commit_twice,
    "list_commits": lambda shelf: shelf.history(limit=1),
    "get_commit": _get_commit,
    "create_branch": lambda shelf: shelf.create_branch("new", request=REQUEST),
    "list_branches": _list_branches,
    "delete_branch": _delete_branch,
    "get_branch": lambda shelf: branches.get_branch(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, name=MAIN
    ),
    "update_branch": _protect,
    "reset_branch": lambda shelf: [
        shelf.reset(MAIN, branch=DEV, staged=Staged.DISCARD, request=REQUEST) for _ in range(2)
    ],
    "list_staged": lambda shelf: shelf.staged(limit=1),
    "list_reflog": lambda shelf: shelf.reflog(limit=1),
    "create_tag": lambda shelf: [shelf.create_tag("new", request=REQUEST) for _ in range(2)],
    "list_tags": lambda shelf: shelf.tags(limit=1),
    "verify_version": lambda shelf: shelf.verify(),
    "get_tag": lambda shelf: tags.get_tag(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, name=TagName("tag")
    ),
    "diff_refs": lambda shelf: shelf.diff(shelf.history()[-1].id, "main", limit=1),
    "count_changes": _count_changes,
    "preview_merge": lambda shelf: merging.previewed(shelf, merging.question("side")),
    "list_conflicts": lambda shelf: merging.conflicts(shelf, merging.question("side"), limit=1),
    "merge_refs": lambda shelf: merging.merge(
        shelf, "side", settling=merging.Settling(takes=[("q", b"{}")]), request=REQUEST
    ),
    "cherry_pick_commit": lambda shelf: merging.pick(
        shelf,
        shelf.history(ref="side")[0].id,
        settling=merging.Settling(takes=[("q", b"{}")]),
        request=REQUEST,
    ),
    "revert_commit": lambda shelf: merging.revert(
        shelf,
        shelf.history()[1].id,
        settling=merging.Settling(takes=[("q", b"{}")]),
        request=REQUEST,
    ),
    "restore_record": lambda shelf: [
        merging.restore(shelf, "b", shelf.history()[0].id, request=REQUEST),
        merging.restore(shelf, "s", "main"),
    ],
    "check_ready": lambda shelf: health.check_ready(shelf.vault),
    "authorize": _authorize,
    "sweep_staging": _sweep,
    "create_upload": lambda shelf: [create(shelf, 1, request=REQUEST) for _ in range(2)],
    "get_upload": lambda shelf: uploads.get_upload(
        shelf.vault, caller=shelf.caller, upload_id=create(_beside(shelf), 1).upload.id
    ),
    "list_upload_parts": _list_parts,
    "complete_upload": _complete,
    "abort_upload": lambda shelf: abort(shelf, create(_beside(shelf), 1).upload.id),
    "sweep_uploads": _sweep_landing,
    "open_drop": _drop,
    "publish_events": _publish_events,
    "plan_ingest": _step("PlanIngest"),
    "ingest_part": _step("IngestPart"),
    "merge_runs": _step("MergeRuns"),
    "build_ingest": _step("BuildIngest"),
    "publish_ingest": _step("PublishIngest"),
    "clean_ingest": _step("CleanIngest"),
    "abort_ingest": _step("AbortIngest", max_bad_records=0),
    "sweep_jobs": _sweep_jobs,
    "list_jobs": _list_jobs,
    "get_job": lambda shelf: requests.get_job(
        shelf.vault, caller=shelf.caller, job_id=_asked(shelf)
    ),
    "cancel_job": _cancel_job,
    "list_quarantined": _list_quarantined,
}


@pytest.fixture
def shelf() -> Shelf:
    return full_shelf()


def full_shelf() -> Shelf:
    """Everything there can be: committed and staged, small and large, a branch and a sweep due."""
    vault, shelf = _filled()
    return shelf.on(vault.copy())


@cache
def _filled() -> tuple[MemoryVault, Shelf]:
    vault = MemoryVault()
    made = Shelf.make(vault)
    made.append({"a": a_body("a"), "b": a_body("b", 9000), "q": b'{"q":1}'})
    made.commit()
    made.create_branch("side")
    for number, branch in ((2, BranchName("side")), (3, BranchName("main"))):
        made.append({"q": b'{"q":%d}' % number}, branch=branch)
        made.commit(branch=branch)
    made.append({"s": a_body("s"), "l": a_body("l", 9000)})
    made.append({f"r{number}": a_body("r") for number in range(95)})
    made.create_branch("dev")
    made.append({"d": a_body("d")}, branch=DEV)
    made.create_tag("tag")
    made.create_tag("tag two")
    a_dataset(made.vault, made.caller, name="other")
    return vault, made


def test_every_operation_is_exercised() -> None:
    assert {*DOES, *WITHOUT_SERVICE} >= {row.name for row in OPERATIONS}
    assert all(not ROWS[name].grants for name in WITHOUT_SERVICE)


@pytest.mark.parametrize("name", DOES)
def test_an_operation_does_what_its_grants_allow_and_nothing_else(name: str, shelf: Shelf) -> None:
    recording = RecordingVault(shelf.vault)
    DOES[name](shelf.on(recording))
    grants = ROWS[name].grants
    used = recording.used
    if name in _UNDER_A_COMMIT:
        recording = RecordingVault(shelf.vault)
        _pending(shelf)
        _UNDER_A_COMMIT[name](shelf.on(recording))
        used |= recording.used
    assert sorted(used - grants - LACKING.get(name, set())) == [], "not granted"
    assert sorted(grants - used - UNUSED.get(name, set())) == [], "granted and not used"


_UNDER_A_COMMIT: dict[str, Callable[[Shelf], object]] = {
    "delete_branch": lambda shelf: shelf.delete_branch(BUSY),
    "update_branch": lambda shelf: shelf.protect(BUSY),
    "reset_branch": lambda shelf: shelf.reset(MAIN, branch=BUSY),
}


def _pending(shelf: Shelf) -> None:
    """A branch whose commit a crash left behind."""
    with suppress(Conflict):
        shelf.create_branch(BUSY)
    shelf.append({"x": a_body("x", 5000)}, branch=BUSY)
    crashing = ChaosVault(
        shelf.vault, lambda _, method: Fault.CRASH_AFTER if method == "write" else Fault.NONE
    )
    with pytest.raises(Crash):
        shelf.on(crashing).commit(branch=BUSY)


def test_a_new_process_needs_no_more_than_one_that_has_been_running(shelf: Shelf) -> None:
    recording = RecordingVault(Process(shelf.vault))
    shelf.on(recording).all()
    assert recording.used == ROWS["list_records"].grants
    assert Grant.CATALOG_WRITE not in recording.used


def test_every_service_function_is_named_by_a_row() -> None:
    """Public functions that take a caller are operations; nothing else decides by roles."""
    for module in SERVICES:
        for name, function in getmembers(module, isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            if "caller" in function.__annotations__ and not name.startswith("find_"):
                assert name in ROWS, f"{module.__name__}.{name} has no row"
