"""The pipeline: files of any shape become one commit, by the state machine that ships."""

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import uploads
from datavault.domain.count_bounds import CountBounds
from datavault.domain.errors import Cancelled, Unavailable
from datavault.domain.jobs import Failure, Job, JobState
from datavault.domain.papers import Mode, Quarantined
from datavault.domain.rows import Key, Row
from datavault.domain.staging import NewRecord
from datavault.ports import Catalog
from datavault.services import runs
from datavault.services.ingest import merging, parts, planning
from datavault.services.ingest.publishing import abort_ingest, clean_ingest
from datavault.services.ingest.sweep import STRAGGLER_MS, sweep_uploads
from datavault.services.job_steps import end_job
from datavault.services.jobs.quarantine import list_quarantined
from datavault.services.jobs.requests import cancel_job
from datavault.services.records.changing import append_records
from tests.simulation.ingest_jobs import FUNCTIONS, Pipeline, lines
from tests.support.builders import MAIN, Process, Shelf
from tests.support.chaos import ChaosVault, Crash, Fault

ROWS = {f"r{number:05d}": number for number in range(3000)}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts, chunks and groups so small that a few thousand records make many of them."""
    monkeypatch.setattr(planning, "PART_BYTES", 5000)
    monkeypatch.setattr(parts, "CHUNK_BYTES", 700)


def left_over(shelf: Shelf) -> list[str]:
    """What a job has left in the store, but for refused records, and in the landing."""
    vault = shelf.vault
    kept = [key for key in vault.objects.keys("") if "/jobs/" in key and "quarantine" not in key]
    return kept + [landed.key for landed in vault.landing.list("landing/")]


@pytest.mark.parametrize("part_bytes", [10, 30, 100_000])
def test_what_is_bad_does_not_depend_on_where_parts_end(
    pipeline: Pipeline, shelf: Shelf, part_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PART_BYTES", part_bytes)
    content = b'{"id":"a","x":nonsense}\n{"id":"b","x":1}\n{"id":"a","x":1}\n'
    job = pipeline.run(pipeline.ask(content))
    assert job.state is JobState.FAILED
    assert len(shelf.history()) == 1


@pytest.mark.usefixtures("small")
def test_a_file_becomes_one_commit_equal_to_it(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(lines(ROWS)))
    assert (job.state, job.failure) == (JobState.SUCCEEDED, None)
    assert job.tally.parts == job.tally.parts_total > 10
    assert (job.tally.records, job.tally.bytes) == (3000, job.tally.bytes_total)
    assert b"".join(body + b"\n" for body in shelf.all().values()) == lines(ROWS)
    assert [commit.message for commit in shelf.history()] == ["files", "Create the dataset"]
    assert shelf.history()[0].id == job.commit
    assert left_over(shelf) == []


@pytest.mark.usefixtures("small")
def test_many_runs_are_merged_in_groups(pipeline: Pipeline, shelf: Shelf) -> None:
    planning.PART_BYTES = 1000
    files = [lines({f"r{number:05d}": number}) for number in range(70)]
    files += [lines(ROWS)]
    job = pipeline.run(pipeline.ask(*files))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert "MergeRuns" in pipeline.trail
    assert len(shelf.all(limit=1000)) == 3000
    assert left_over(shelf) == []


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("step", ["MergeRuns", "BuildIngest"])
def test_a_run_that_is_missing_fails_the_job(pipeline: Pipeline, shelf: Shelf, step: str) -> None:
    planning.PART_BYTES = 1000

    def lose(name: str) -> None:
        if name == step:
            held = shelf.vault.objects.keys("")
            for key in [each for each in held if each.rpartition("/")[2].startswith("run-")][-1:]:
                shelf.vault.objects.delete(key)

    job = pipeline.run(pipeline.ask(lines(ROWS)), between=lose)
    assert {"MergeRuns", step, "AbortIngest"} <= {*pipeline.trail}
    assert (job.state, job.commit) == (JobState.FAILED, None)
    assert job.failure is not None
    assert job.failure.code == "not_found"
    assert left_over(shelf) == []


def test_a_tree_is_built_in_steps(
    pipeline: Pipeline, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "STEP_MS_MAX", -1)
    monkeypatch.setattr(runs, "ENTRIES_MAX", 200)
    monkeypatch.setattr(runs, "PART_ENTRIES", 500)
    job = pipeline.run(pipeline.ask(lines(ROWS)))
    assert job.state is JobState.SUCCEEDED
    assert pipeline.trail.count("BuildIngest") > 3
    assert len(shelf.all()) == 3000


def test_the_same_files_again_make_no_commit(pipeline: Pipeline, shelf: Shelf) -> None:
    first = pipeline.run(pipeline.ask(lines(ROWS)))
    again = pipeline.run(pipeline.ask(lines(ROWS)))
    assert (again.state, again.commit) == (JobState.SUCCEEDED, first.commit)
    assert (again.tally.records, again.tally.stored) == (3000, 0)
    assert len(shelf.history()) == 2


def test_files_of_several_formats_come_in_together(pipeline: Pipeline, shelf: Shelf) -> None:
    files = (
        gzip.compress(lines({"a": 1}), mtime=0),
        b'[{"id": "b", "n": 2}, {"id": "c", "n": 3}]',
        b"id,n\nd,4\ne,5\n",
        b"",
    )
    names = ("a.jsonl.gz", "b.json", "c.csv", "empty.jsonl")
    job = pipeline.run(pipeline.ask(*files, names=names))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["a", "b", "c", "d", "e"]


def quarantined(shelf: Shelf, job: Job) -> list[Quarantined]:
    """All records that a job refused."""
    found: list[Quarantined] = []
    cursor = None
    while True:
        page = list_quarantined(shelf.vault, caller=shelf.caller, job_id=job.id, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def table(rows: dict[str, int], *, group: int = 100) -> bytes:
    """Records as Parquet, in row groups of so many."""
    target = io.BytesIO()
    columns = {"id": list(rows), "n": list(rows.values())}
    pq.write_table(pa.table(columns), target, row_group_size=group)
    return target.getvalue()


@pytest.mark.usefixtures("small")
def test_row_groups_are_parts_of_a_file(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(table(ROWS), names=("rows.parquet",)))
    assert (job.state, job.failure) == (JobState.SUCCEEDED, None)
    assert job.tally.parts == job.tally.parts_total > 5
    assert (job.tally.records, job.tally.bytes) == (3000, job.tally.bytes_total)
    assert [body.replace(b'","n":', b'", "n": ') for body in shelf.all().values()] == [
        body.replace(b'{"id": ', b'{"id":') for body in lines(ROWS).splitlines()
    ]
    assert left_over(shelf) == []


def test_of_equal_ids_the_last_file_counts_whatever_its_format(
    pipeline: Pipeline, shelf: Shelf
) -> None:
    files = (lines({"a": 1, "b": 1}), table({"a": 2}), b"id,n\nb,3\n")
    job = pipeline.run(pipeline.ask(*files, names=("1.jsonl", "2", "3.csv")))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert shelf.all() == {"a": b'{"id":"a","n":2}', "b": b'{"id":"b","n":"3"}'}


def test_a_damaged_table_fails_the_job(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(table(ROWS)[:-9], names=("rows.parquet",)))
    assert job.failure is not None
    assert job.failure.code == "malformed"
    assert "Parquet" in job.failure.message
    assert shelf.all() == {}


def test_a_row_that_is_no_record_is_kept_with_its_row(pipeline: Pipeline, shelf: Shelf) -> None:
    target = io.BytesIO()
    ids = pa.array(["a", None, "c"])
    pq.write_table(pa.table({"id": ids}), target, row_group_size=2)
    job = pipeline.run(pipeline.ask(target.getvalue(), max_bad_records=1))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["a", "c"]
    (refused,) = quarantined(shelf, job)
    assert (refused.file, refused.line, refused.raw) == ("file-0.jsonl", 2, b'{"id":null}')


def test_replacing_leaves_what_the_files_have(pipeline: Pipeline, shelf: Shelf) -> None:
    pipeline.run(pipeline.ask(lines(ROWS)))
    kept = {"r00005": 5, "s": 1}
    job = pipeline.run(pipeline.ask(lines(kept), mode=Mode.REPLACE))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["r00005", "s"]
    empty = pipeline.run(pipeline.ask(b"\n", mode=Mode.REPLACE))
    assert (empty.state, empty.commit) == (JobState.FAILED, None)
    assert len(shelf.all()) == 2


def test_adding_only_changes_nothing(pipeline: Pipeline, shelf: Shelf) -> None:
    pipeline.run(pipeline.ask(lines({"a": 1})))
    more = pipeline.run(pipeline.ask(lines({"a": 1, "b": 2}), mode=Mode.APPEND_ONLY))
    assert more.state is JobState.SUCCEEDED, more.failure
    other = pipeline.run(pipeline.ask(lines({"a": 3, "c": 1}), mode=Mode.APPEND_ONLY))
    assert other.state is JobState.FAILED
    assert other.failure is not None
    assert other.failure.code == "conflict"
    assert list(shelf.all()) == ["a", "b"]
    assert left_over(shelf) == []


BAD = b'{"id": "a", "n": 1}\nno record\n{"n": 2}\n{"id": "b", "n": 2, "n": 3}\n{"id": "c"}\n'


def test_bad_records_are_kept_apart(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(BAD, max_bad_records=3))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["a", "c"]
    assert (job.tally.records, job.tally.quarantined) == (2, 3)
    found = quarantined(shelf, job)
    assert sorted((each.line, each.raw) for each in found) == [
        (number + 1, BAD.splitlines()[number]) for number in (1, 2, 3)
    ]
    assert {each.offset for each in found} == {20, 30, 39}


BAD_EVERY = 97


def many_bad_lines() -> bytes:
    """A file of many ranges, some of whose lines are no records."""
    each = lines(ROWS).splitlines()
    each[::BAD_EVERY] = [b"no record %d" % at for at in range(0, len(ROWS), BAD_EVERY)]
    return b"\n\n".join(each) + b"\n"


def places(content: bytes) -> list[tuple[int | None, int, bytes]]:
    """Where the bad lines are: line, offset and text."""
    found: list[tuple[int | None, int, bytes]] = []
    offset = 0
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.startswith(b"no record"):
            found.append((number, offset, line))
        offset += len(line) + 1
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["f.jsonl", "f.jsonl.gz"])
def test_bad_records_of_later_ranges_have_the_lines_of_their_file(
    pipeline: Pipeline, shelf: Shelf, name: str
) -> None:
    content = many_bad_lines()
    sent = gzip.compress(content) if name.endswith("gz") else content
    files = (lines({"z": 1}), sent, lines({"y": 1}))
    names = ("before.jsonl", name, "after.jsonl")
    job = pipeline.run(pipeline.ask(*files, names=names, max_bad_records=100))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert (job.tally.parts > 10) == (sent is content)
    found = quarantined(shelf, job)
    assert [(each.line, each.offset, each.raw) for each in found] == places(content)
    assert {(each.file, each.first_part) for each in found} == {(name, None)}


class CountedRows:
    """A catalog that counts the rows that are asked for together."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.asked = 0

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Row]:
        self.asked += len(keys)
        return self._catalog.get_many(keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


@pytest.mark.usefixtures("small")
def test_pages_of_what_was_refused_read_each_part_s_lines_once(
    shelf: Shelf, pipeline: Pipeline, vault: MemoryVault
) -> None:
    job = pipeline.run(pipeline.ask(many_bad_lines(), max_bad_records=100))
    process = Process(vault)
    counted = CountedRows(vault.catalog)
    process.catalog = cast(Catalog, counted)
    assert len(quarantined(replace(shelf, vault=process), job)) > 20
    assert 0 < counted.asked <= job.tally.parts


@pytest.mark.usefixtures("small")
def test_a_line_is_known_once_all_before_it_is_read(shelf: Shelf, pipeline: Pipeline) -> None:
    vault, content = shelf.vault, many_bad_lines()
    job = pipeline.ask(content, max_bad_records=100)
    count = planning.plan_ingest(vault, workspace=job.workspace, job_id=job.id)
    for part in reversed(range(count)):
        parts.ingest_part(vault, workspace=job.workspace, job_id=job.id, part=part)
        found = quarantined(shelf, job)
        if part:
            assert {each.line for each in found} <= {None}
        else:
            assert [each.line for each in found] == [line for line, _, _ in places(content)]


@pytest.mark.usefixtures("small")
def test_the_record_that_fails_a_job_can_be_had(pipeline: Pipeline, shelf: Shelf) -> None:
    content = lines(ROWS) + b"no record\n"
    job = pipeline.run(pipeline.ask(content))
    assert job.failure is not None
    assert f"file 1, byte {len(lines(ROWS))}: " in job.failure.message
    (refused,) = quarantined(shelf, job)
    assert (refused.line, refused.raw) == (len(ROWS) + 1, b"no record")


@pytest.mark.parametrize(
    "limits",
    [{}, {"max_bad_records": 2}, {"max_bad_fraction": 0.5}],
    ids=["none", "records", "fraction"],
)
def test_too_many_bad_records_fail_a_job(
    pipeline: Pipeline, shelf: Shelf, limits: dict[str, Any]
) -> None:
    job = pipeline.run(pipeline.ask(BAD, **limits))
    assert (job.state, job.commit) == (JobState.FAILED, None)
    assert job.failure is not None
    assert job.failure.code == "invalid"
    assert "bad" in job.failure.message
    assert "no record" not in job.failure.message
    assert shelf.all() == {}
    assert left_over(shelf) == []


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (CountBounds(least=3), "the files have 2 records, min_records is 3"),
        (CountBounds(most=1), "the files have 2 records, max_records is 1"),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_out_of_its_count_bounds_moves_nothing(
    pipeline: Pipeline, shelf: Shelf, bounds: CountBounds, said: str, mode: Mode
) -> None:
    before = pipeline.run(pipeline.ask(lines({"old": 1})))
    asked = pipeline.ask(BAD, max_bad_records=3, count_bounds=bounds, mode=mode)
    job = pipeline.run(asked)
    assert (job.state, job.commit) == (JobState.FAILED, None)
    assert job.failure == Failure("invalid", said)
    assert list(shelf.all()) == ["old"]
    assert shelf.history()[0].id == before.commit
    assert left_over(shelf) == []


def test_count_bounds_count_every_record_that_is_not_bad(pipeline: Pipeline, shelf: Shelf) -> None:
    pipeline.run(pipeline.ask(lines({"a": 1})))
    exactly = CountBounds(3, 3)
    content = lines({"a": 1, "b": 2}) + lines({"b": 3}) + b"no record\n"
    job = pipeline.run(pipeline.ask(content, max_bad_records=1, count_bounds=exactly))
    assert (job.state, job.failure) == (JobState.SUCCEEDED, None)
    assert list(shelf.all()) == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(lines(ROWS), mtime=0)[:-20], b'[{"id": "a"}, {"id"', b'id,n\na,"1\n'],
    ids=["gzip", "array", "csv"],
)
def test_a_broken_file_fails_a_job_and_leaves_no_run_paper_or_file(
    pipeline: Pipeline, shelf: Shelf, content: bytes
) -> None:
    before = set(shelf.vault.objects.keys(""))
    job = pipeline.run(pipeline.ask(content, names=("f.csv",)))
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "malformed"
    assert left_over(shelf) == []
    assert {key for key in set(shelf.vault.objects.keys("")) - before if "/nodes/" in key} == set()


@pytest.mark.parametrize(
    ("content", "is_taken"),
    [
        (lines(ROWS), True),
        (gzip.compress(lines(ROWS), 0, mtime=0), False),
        (lines(ROWS).replace(b"\n", b"\r\n"), True),
        (lines(ROWS).decode().encode("utf-16"), False),
        (b"[" + lines(ROWS).strip().replace(b"\n", b",") + b"]", False),
        (b"id,n\n" + b"".join(b"%s,1\n" % each.encode() for each in ROWS), False),
    ],
    ids=["ndjson", "gzip", "crlf", "utf-16", "array", "csv"],
)
@pytest.mark.usefixtures("small")
def test_a_file_that_one_worker_would_not_read_in_time_is_refused(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, content: bytes, is_taken: bool
) -> None:
    monkeypatch.setattr(planning, "CONTENT_BYTES_MAX", len(content))
    assert pipeline.run(pipeline.ask(content, names=("f",))).state is JobState.SUCCEEDED
    monkeypatch.setattr(planning, "CONTENT_BYTES_MAX", len(content) - 1)
    job = pipeline.run(pipeline.ask(content, names=("f",)))
    assert (job.state is JobState.SUCCEEDED) is is_taken
    if not is_taken:
        assert job.failure is not None
        assert job.failure.code == "too_large"
        assert "IngestParts" not in pipeline.trail


def test_a_job_without_files_fails(pipeline: Pipeline) -> None:
    job = pipeline.run(pipeline.ask())
    assert (job.state, job.commit) == (JobState.FAILED, None)


def test_a_file_that_is_another_by_then_fails_a_job(pipeline: Pipeline, vault: MemoryVault) -> None:
    asked = pipeline.ask(lines(ROWS))
    vault.landing.put(f"landing/{asked.id}/0", lines({"other": 1}))
    job = pipeline.run(asked)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "precondition_failed"


def test_a_branch_that_moves_meanwhile_is_built_upon(pipeline: Pipeline, shelf: Shelf) -> None:
    moved: list[str] = []

    def move(name: str) -> None:
        if name == "PublishIngest" and len(moved) < 2:
            body = b'{"id":"m%d"}' % len(moved)
            append_records(
                shelf.vault,
                caller=shelf.caller,
                dataset_id=shelf.dataset.id,
                branch=MAIN,
                records=[NewRecord(body, None, "records/0")],
                request=None,
            )
            moved.append(shelf.commit("between").id)

    job = pipeline.run(pipeline.ask(lines({"a": 1})), between=move)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert pipeline.trail.count("BuildIngest") == 3
    assert list(shelf.all()) == ["a", "m0", "m1"]
    assert [commit.message for commit in shelf.history()][:3] == ["files", "between", "between"]


STEPS = ["PlanIngest", "IngestPart", "MergeRuns", "BuildIngest", "PublishIngest"]


@pytest.mark.parametrize("step", STEPS)
def test_a_job_cancelled_at_any_step_leaves_content_at_most(
    pipeline: Pipeline, shelf: Shelf, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More parts than are merged at once.
    monkeypatch.setattr(planning, "PART_BYTES", 1200)
    before = {*shelf.vault.objects.keys("")}
    asked = pipeline.ask(lines(ROWS))

    def cancel(name: str) -> None:
        if name == step:
            cancel_job(shelf.vault, caller=shelf.caller, job_id=asked.id, request=None)

    job = pipeline.run(asked, between=cancel)
    assert (job.state, job.commit) == (JobState.CANCELLED, None)
    assert {step, "AbortIngest"} <= {*pipeline.trail}
    assert shelf.all() == {}
    assert left_over(shelf) == []
    # Bodies and nodes of a tree may be another job's by now: they are retention's to collect.
    left = {key.split("/")[2] for key in {*shelf.vault.objects.keys("")} - before}
    stored = {
        "PlanIngest": set(),
        "IngestPart": set(),
        "PublishIngest": {"packs", "sizes", "nodes"},
    }
    assert left == stored.get(step, {"packs", "sizes"})


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.CRASH_BEFORE])
def test_a_part_that_ends_after_its_job_leaves_no_run_or_paper(
    pipeline: Pipeline, shelf: Shelf, vault: MemoryVault, fault: Fault
) -> None:
    before = {*vault.objects.keys("")}
    job = pipeline.ask(lines(ROWS))
    due = uploads.remove_sources_later(job.workspace, job.dataset, job.id, vault.clock.now_ms())
    vault.catalog.write([due], token="due")
    payload = {"workspace": job.workspace, "job": job.id, "part": 0}
    FUNCTIONS["PlanIngest"].run(vault, payload)
    ended: list[int] = []

    def schedule(port: str, method: str) -> Fault:
        if ended:
            return fault if method == "delete" else Fault.NONE
        if (port, method) == ("objects", "put"):
            # The first pack: the part has read its papers and goes on.
            why = Failure("invalid", "a test's")
            abort_ingest(vault, workspace=job.workspace, job_id=job.id, failure=why)
            sweep_uploads(vault)
            ended.append(vault.clock.now_ms())
        return Fault.NONE

    with pytest.raises(Crash if fault is Fault.CRASH_BEFORE else Cancelled):
        FUNCTIONS["IngestPart"].run(ChaosVault(vault, schedule), payload)
    assert bool(left_over(shelf)) is (fault is Fault.CRASH_BEFORE)
    vault.clock.advance(STRAGGLER_MS / 1000 + 1)
    sweep_uploads(vault)
    left = {*vault.objects.keys("")} - before
    assert left_over(shelf) == []
    assert not [key for key in left if "/nodes/" in key]


@pytest.mark.usefixtures("small")
def test_cleaning_goes_on_where_it_was(
    pipeline: Pipeline, shelf: Shelf, vault: MemoryVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PART_BYTES", 1000)
    before = {*vault.objects.keys("")}
    job = pipeline.ask(lines(ROWS))
    payload = {"workspace": job.workspace, "job": job.id}
    count = FUNCTIONS["PlanIngest"].run(vault, payload)["parts"]
    for part in range(count):
        FUNCTIONS["IngestPart"].run(vault, payload | {"part": part})
    why = Failure("invalid", "a test's")
    end_job(vault, job.workspace, job.id, why, operation="abort_ingest")
    read: list[str] = []

    def slow(_port: str, method: str) -> Fault:
        vault.clock.advance(1)
        if method == "get":
            read.append(method)
        return Fault.NONE

    tries = 0
    while left_over(shelf):
        tries += 1
        with suppress(Unavailable):
            clean_ingest(
                ChaosVault(vault, slow), workspace=job.workspace, job_id=job.id, ms_max=60_000
            )
    assert tries > 2
    # A process reads some rows and keys before it begins, and each run is read once.
    assert count <= len(read) < count + 8 * tries
    assert not [key for key in vault.objects.keys("") if "/nodes/" in key and key not in before]


def test_keyless_records_are_numbered_over_all_files(vault: MemoryVault) -> None:
    shelf = Shelf.make(vault)
    pipeline = Pipeline(shelf, lambda: Process(vault))
    body = b'{"text": "same"}\n'
    job = pipeline.run(pipeline.ask(body * 3, body * 2, b'{"text": "other"}\n'))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert sorted(shelf.all().values()) == sorted([body.strip()] * 5 + [b'{"text": "other"}'])
    again = pipeline.run(pipeline.ask(body * 5, b'{"text": "other"}\n'))
    assert again.commit == job.commit


@pytest.fixture(autouse=True)
def part_bytes() -> Iterator[None]:
    """What a test sets on the module is undone."""
    before = planning.PART_BYTES
    yield
    planning.PART_BYTES = before
