"""Drops: an object that was put becomes one job, or none and a reason."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.count_bounds import CountBounds
from datavault.domain.drops import Dropped, drop_prefix, parse_drop_key
from datavault.domain.errors import Invalid, NotFound
from datavault.domain.formats.detect import Shape
from datavault.domain.ids import BranchName, parse_job_id
from datavault.domain.jobs import Failure, Job, JobState
from datavault.domain.papers import JobInput
from datavault.services.datasets.changes import archive_dataset
from datavault.services.ingest.drops import Opened, open_drop
from datavault.services.ingest.sweep import SweptUploads, sweep_uploads
from datavault.services.job_steps import end_job
from datavault.services.jobs.requests import get_job, list_jobs
from datavault.services.keys import open_store
from datavault.services.papers import read_paper
from tests.support.builders import MAIN, Shelf
from tests.support.uploads import landing_of

AT_MS = 1_767_225_500_123


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def shelf(vault: MemoryVault) -> Shelf:
    return Shelf.make(vault)


def prefix(shelf: Shelf, branch: BranchName = MAIN) -> str:
    return drop_prefix(shelf.caller.workspace, shelf.dataset.id, branch)


def drop(shelf: Shelf, key: str, content: bytes = b"{}\n") -> Dropped:
    """The event of an object that somebody puts."""
    etag = landing_of(shelf.vault).put(key, content).etag
    return Dropped("landing", key, etag, "", "0061A9", "123456789012", AT_MS, "c-1")


def opened(shelf: Shelf, dropped: Dropped) -> Opened:
    return open_drop(shelf.vault, dropped=dropped)


def the_job(shelf: Shelf, made: Opened) -> Job:
    assert made.job is not None, made.ignored
    return get_job(shelf.vault, caller=shelf.caller, job_id=made.job)


def the_input(shelf: Shelf, job: Job) -> JobInput:
    keys = open_store(shelf.vault, shelf.dataset)
    return read_paper(shelf.vault, keys, job.id, "input", JobInput)


def all_jobs(shelf: Shelf) -> tuple[Job, ...]:
    found = list_jobs(shelf.vault, caller=shelf.caller, dataset_id=None, limit=100, cursor=None)
    return found.items


def manifest(names: Iterable[str]) -> bytes:
    return json.dumps([{"name": name} for name in names]).encode()


def test_an_object_becomes_a_job_that_reads_it(shelf: Shelf, vault: MemoryVault) -> None:
    dropped = drop(shelf, prefix(shelf) + "2026/jane.csv", b"a\n1\n")
    job = the_job(shelf, opened(shelf, dropped))
    assert (job.state, job.branch, job.created_by) == (JobState.QUEUED, MAIN, "aws:123456789012")
    (source,) = the_input(shelf, job).sources
    assert (source.key, source.etag, source.size) == (dropped.key, dropped.etag, 4)
    assert source.name == "2026/jane.csv"
    (started,) = vault.workflows.started
    assert started.name == job.id
    assert "jane" not in str(started)


def test_an_event_that_comes_again_however_late_is_the_same_job(
    shelf: Shelf, vault: MemoryVault
) -> None:
    dropped = drop(shelf, prefix(shelf) + "a.csv")
    first = opened(shelf, dropped)
    assert opened(shelf, replace(dropped, correlation_id="c-2")) == first
    job = the_job(shelf, first)
    end_job(vault, job.workspace, job.id, Failure("invalid", "a test's"), operation="test")
    assert sweep_uploads(vault) == SweptUploads(0, 1)
    assert list(vault.landing.list("")) == []
    assert opened(shelf, dropped) == first
    assert len(vault.workflows.started) == 1
    assert len(all_jobs(shelf)) == 1


def test_the_same_file_put_again_is_another_job(shelf: Shelf) -> None:
    key = prefix(shelf) + "a.csv"
    jobs = [opened(shelf, drop(shelf, key)).job for _ in range(2)]
    assert None not in jobs
    assert len(set(jobs)) == 2


def test_a_job_has_the_time_of_its_event_in_its_id(shelf: Shelf) -> None:
    job = drop(shelf, prefix(shelf) + "a.csv").job
    assert parse_job_id(job) == job
    assert int(job.removeprefix("job_").replace("-", "")[:12], 16) == AT_MS


@pytest.mark.parametrize("name", ["bucket", "key", "etag", "version", "sequencer"])
def test_whatever_differs_in_an_event_makes_another_job(shelf: Shelf, name: str) -> None:
    dropped = drop(shelf, prefix(shelf) + "a.csv")
    other: dict[str, Any] = {name: "another"}
    assert replace(dropped, **other).job != dropped.job


def test_what_moves_from_one_part_of_an_event_to_the_next_makes_another_job(shelf: Shelf) -> None:
    dropped = drop(shelf, prefix(shelf) + "a.csv")
    assert (
        replace(dropped, etag="ab", version="c").job != replace(dropped, etag="a", version="bc").job
    )


def test_an_object_that_was_replaced_is_left_to_the_event_of_the_other(shelf: Shelf) -> None:
    key = prefix(shelf) + "a.csv"
    first = drop(shelf, key, b"first")
    second = drop(shelf, key, b"second")
    late = opened(shelf, first)
    assert late.job is None
    assert "replaced" in str(late.ignored)
    (source,) = the_input(shelf, the_job(shelf, opened(shelf, second))).sources
    assert source.size == 6


def test_a_file_that_was_replaced_under_a_running_job_is_not_removed_with_the_job(
    shelf: Shelf, vault: MemoryVault
) -> None:
    key = prefix(shelf) + "a.csv"
    job = the_job(shelf, opened(shelf, drop(shelf, key, b"first")))
    drop(shelf, key, b"second")
    end_job(vault, job.workspace, job.id, Failure("invalid", "a test's"), operation="test")
    sweep_uploads(vault)
    assert vault.landing.head(key).size == 6


def test_an_object_that_cannot_be_seen_yet_is_tried_again(shelf: Shelf, vault: MemoryVault) -> None:
    dropped = drop(shelf, prefix(shelf) + "a.csv")
    landed = vault.landing.head(dropped.key)
    vault.landing.delete(landed)
    with pytest.raises(NotFound):
        opened(shelf, dropped)
    assert all_jobs(shelf) == ()


def test_the_branch_is_one_part_of_the_key_its_slash_escaped(shelf: Shelf) -> None:
    branch = BranchName("feature/x.y")
    shelf.create_branch(branch)
    key = prefix(shelf, branch) + "folder/a.csv"
    assert "/feature%2Fx.y/" in key
    place = parse_drop_key(key)
    assert (place.branch, place.name) == (branch, "folder/a.csv")
    assert the_job(shelf, opened(shelf, drop(shelf, key))).branch == branch


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("", "a folder"),
        ("folder/", "a folder"),
        ("_SUCCESS", "hidden"),
        (".DS_Store", "hidden"),
        ("_parts/jane.csv", "hidden"),
    ],
)
def test_what_asks_for_nothing_is_left_and_not_named(
    shelf: Shelf, vault: MemoryVault, tail: str, reason: str
) -> None:
    dropped = Dropped("landing", prefix(shelf) + tail, "e", "", "1", "1", AT_MS, "c")
    made = opened(shelf, dropped)
    assert made.job is None
    assert reason in str(made.ignored)
    assert "jane" not in str(made.ignored)
    assert vault.workflows.started == []


@pytest.mark.parametrize(
    "key",
    [
        "uploads/x",
        "landing/a.csv",
        "landing/ws_x/ds_x/main/a.csv",
        "landing/{ws}/ds_x/main/a.csv",
        "landing/{ws}/{ds}/a.csv",
        "landing/{ws}/{ds}/no such branch/a.csv",
        "landing/{other}/{ds}/main/a.csv",
        "landing/{ws}/{other_ds}/main/a.csv",
    ],
)
def test_what_leads_nowhere_is_left(shelf: Shelf, key: str) -> None:
    other = Shelf.make(shelf.vault)
    key = key.format(
        ws=shelf.caller.workspace,
        ds=shelf.dataset.id,
        other=other.caller.workspace,
        other_ds=other.dataset.id,
    )
    made = opened(shelf, drop(shelf, key))
    assert made.job is None
    assert made.ignored
    assert made.refused in {"invalid", "not_found"}
    assert key not in made.ignored


def test_an_archived_dataset_takes_no_drops(shelf: Shelf) -> None:
    dropped = drop(shelf, prefix(shelf) + "a.csv")
    archive_dataset(shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None)
    made = opened(shelf, dropped)
    assert "archived" in str(made.ignored)
    assert made.refused == "conflict"
    assert all_jobs(shelf) == ()


@pytest.mark.parametrize(
    ("branch", "code"), [(MAIN, "conflict"), (BranchName("nowhere"), "not_found")]
)
def test_a_drop_for_a_branch_that_takes_none_is_a_job_that_failed(
    shelf: Shelf, vault: MemoryVault, branch: BranchName, code: str
) -> None:
    dropped = drop(shelf, prefix(shelf, branch) + "jane.csv")
    shelf.protect()
    made = opened(shelf, dropped)
    assert opened(shelf, dropped) == made
    job = the_job(shelf, made)
    assert (job.state, job.branch) == (JobState.FAILED, branch)
    assert job.failure is not None
    assert job.failure.code == code
    assert "the branch takes nothing" in job.failure.message
    assert "jane" not in job.failure.message
    assert vault.workflows.started == []
    vault.clock.advance(3600)
    sweep_uploads(vault)
    assert list(vault.landing.list("landing/")) == []


@pytest.mark.parametrize("count", [2, 150])
def test_a_manifest_makes_one_job_of_many_files(shelf: Shelf, count: int) -> None:
    names = [f"_may/part-{number:05d}.ndjson" for number in range(count)]
    for number, name in enumerate(names):
        made = opened(shelf, drop(shelf, prefix(shelf) + name, b"x" * number))
        assert made.job is None
    text = json.dumps([{"name": name, "format": "ndjson"} for name in reversed(names)]).encode()
    dropped = drop(shelf, prefix(shelf) + "may.manifest.json", text)
    job = the_job(shelf, opened(shelf, dropped))
    sources = the_input(shelf, job).sources
    assert [source.name for source in sources] == names[::-1]
    assert [source.size for source in sources] == list(range(count))[::-1]
    assert {source.shape for source in sources} == {Shape.NDJSON}


def test_a_manifest_bounds_the_number_of_records(shelf: Shelf) -> None:
    opened(shelf, drop(shelf, prefix(shelf) + "_may/a.ndjson"))
    text = json.dumps({"files": [{"name": "_may/a.ndjson"}], "min_records": 2}).encode()
    dropped = drop(shelf, prefix(shelf) + "may.manifest.json", text)
    wanted = the_input(shelf, the_job(shelf, opened(shelf, dropped)))
    assert [source.name for source in wanted.sources] == ["_may/a.ndjson"]
    assert wanted.count_bounds == CountBounds(least=2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "malformed"),
        (b"[]", "invalid"),
        (manifest(["_may/absent.csv"]), "invalid"),
        (manifest(["../other/main/a.csv"]), "invalid"),
        (manifest(["/a.csv"]), "invalid"),
    ],
)
def test_a_manifest_that_is_wrong_is_a_job_that_failed(
    shelf: Shelf, vault: MemoryVault, text: bytes, code: str
) -> None:
    dropped = drop(shelf, prefix(shelf) + "may.manifest.json", text)
    made = opened(shelf, dropped)
    job = the_job(shelf, made)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == code
    assert "manifest" in job.failure.message
    assert ".csv" not in job.failure.message
    assert vault.workflows.started == []
    assert opened(shelf, dropped) == made


def test_a_key_is_never_told(shelf: Shelf) -> None:
    with pytest.raises(Invalid) as refused:
        parse_drop_key(f"landing/{shelf.caller.workspace}/jane/main/doe.csv")
    assert "jane" not in str(refused.value)
