"""Many files in one job: bundles, small files by the thousand, equal ids, two jobs at once."""

from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.bundles import BundledFile, require_filled, sources_of
from datavault.domain.errors import Invalid
from datavault.domain.ids import JobId
from datavault.domain.jobs import JobState
from datavault.domain.landing import Landed
from datavault.domain.papers import JobInput, Mode, SourceRef
from datavault.services.exports import export_lines
from datavault.services.ingest import parts, planning
from datavault.services.ingest.planning import INPUT, _parts
from datavault.services.jobs.quarantine import list_quarantined
from datavault.services.keys import open_store
from datavault.services.papers import read_paper
from tests.simulation.ingest_jobs import Pipeline, lines
from tests.support import uploads
from tests.support.builders import Shelf
from tests.support.jobs import run_started


def test_files_one_behind_the_other_are_read_each_by_itself(
    vault: MemoryVault, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PART_BYTES", 40)
    monkeypatch.setattr(parts, "CHUNK_BYTES", 16)
    vault.landing.part_bytes_min = 1
    contents = [lines({"a": 1, "b": 2})[:-1], b"", b"id,n\nc,3\nd,4\n", lines({"e": 5, "f": 6})]
    whole = b"".join(contents)
    offer = uploads.create(shelf, len(whole))
    pieces = [whole[at : at + uploads.PART] for at in range(0, len(whole), uploads.PART)]
    claims = uploads.send_all(shelf, offer, pieces)
    files = [
        BundledFile(name, len(content))
        for name, content in zip(
            ("a.jsonl", "empty.jsonl", "c.csv", "e.jsonl"), contents, strict=True
        )
    ]
    job = uploads.complete(shelf, offer.upload.id, claims, files=files)
    run_started(vault)
    assert list(shelf.all()) == ["a", "b", "c", "d", "e", "f"]
    assert list(vault.landing.list("")) == []
    assert job.tally.records == 0


@pytest.mark.parametrize(
    ("files", "size", "why"),
    [
        ([("a", 3), ("b", 4)], 8, "2 files have 7 bytes, the upload has 8"),
        ([("a", 3), ("b", 4)], None, "no size was said"),
        ([("a", 3), ("a", 4)], 7, "files 1 and 2 have the same name"),
    ],
)
def test_files_that_are_not_the_upload_are_refused(
    files: list[tuple[str, int]], size: int | None, why: str
) -> None:
    with pytest.raises(Invalid, match=why) as refused:
        require_filled([BundledFile(*each) for each in files], size)
    assert refused.value.field == "files"


def test_without_files_an_upload_is_one(shelf: Shelf) -> None:
    require_filled((), None)
    asked = SourceRef("", "", 0, "jane")
    (source,) = sources_of(asked, Landed("key", "tag", 9), ())
    assert (source.name, source.start, source.size) == ("jane", 0, 9)


def test_twenty_thousand_small_files_are_parts_of_a_thousand(vault: MemoryVault) -> None:
    sources = [SourceRef("key", "tag", 20, f"f{at}", start=20 * at) for at in range(20_000)]
    made = list(_parts(vault, sources))
    assert {len(part) for part in made} == {planning.FILES_MAX}
    assert [number for part in made for number, _, _ in part] == list(range(20_000))


def test_twenty_thousand_small_files_are_one_commit_of_few_packs(
    pipeline: Pipeline, shelf: Shelf
) -> None:
    vault = shelf.vault
    files = [lines({f"r{at:05d}": at}) for at in range(20_000)]
    bad = {7: b"\n\nno record", 19_999: b'{"id": "twice", "id": "twice"}\n'}
    sent = [file + bad.get(at, b"") for at, file in enumerate(files)]
    job = pipeline.run(pipeline.ask(*sent, max_bad_records=2))
    assert (job.state, job.tally.records, job.tally.parts) == (JobState.SUCCEEDED, 20_000, 20)
    exported = export_lines(vault, caller=shelf.caller, dataset_id=shelf.dataset.id, ref="main")
    assert b"".join(exported) == b"".join(files)
    assert len([key for key in vault.objects.keys("") if "/packs/" in key]) == 20
    assert list(vault.landing.list("")) == []
    found = []
    cursor = None
    for _ in range(2):
        page = list_quarantined(vault, caller=shelf.caller, job_id=job.id, cursor=cursor)
        found += [(each.file, each.line, each.offset) for each in page.items]
        cursor = page.next_cursor
    sizes = {at: len(files[at]) for at in bad}
    assert found == [("file-7.jsonl", 4, sizes[7] + 2), ("file-19999.jsonl", 2, sizes[19_999])]


def test_of_equal_ids_the_last_in_the_last_file_wins(
    pipeline: Pipeline, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PART_BYTES", 20)
    files = [
        lines({"a": 1}) + lines({"b": 1}) + lines({"a": 2}),
        lines({"b": 2}) + lines({"a": 3}) + lines({"a": 4}),
    ]
    job = pipeline.run(pipeline.ask(*files))
    assert job.tally.parts > 2
    assert list(shelf.all().values()) == [b'{"id": "a", "n": 4}', b'{"id": "b", "n": 2}']


@pytest.mark.parametrize("step", ["PlanIngest", "IngestPart", "BuildIngest", "PublishIngest"])
def test_two_jobs_into_one_branch_at_once_lose_nothing(
    pipeline: Pipeline, shelf: Shelf, step: str
) -> None:
    other = Pipeline(shelf, pipeline.process)
    second: list[Any] = []

    def meanwhile(name: str) -> None:
        if name == step and not second:
            second.append(None)
            second.append(other.run(other.ask(lines({"b": 2, "c": 2}))))

    job = pipeline.run(pipeline.ask(lines({"a": 1, "b": 1})), between=meanwhile)
    assert (job.state, second[1].state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert list(shelf.all()) == ["a", "b", "c"]
    assert len(shelf.history()) == 3


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lines({"a": 1, "b": 2}).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + lines({"a": 1, "b": 2}), id="BOM"),
        pytest.param(lines({"a": 1, "b": 2}).decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_line_ends_and_encodings_are_taken_off(
    pipeline: Pipeline, shelf: Shelf, content: bytes
) -> None:
    job = pipeline.run(pipeline.ask(content))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all().values()) == lines({"a": 1, "b": 2}).splitlines()


def test_the_input_of_a_bundle_says_where_each_file_begins(
    vault: MemoryVault, shelf: Shelf
) -> None:
    vault.landing.part_bytes_min = 1
    offer = uploads.create(shelf, 5)
    claims = uploads.send_all(shelf, offer, [b"12345"])
    files = [BundledFile("a", 2), BundledFile("b", 3)]
    job = uploads.complete(shelf, offer.upload.id, claims, files=files)
    found = read_paper(vault, open_store(vault, shelf.dataset), JobId(job.id), INPUT, JobInput)
    assert [(each.name, each.start, each.size) for each in found.sources] == [
        ("a", 0, 2),
        ("b", 2, 3),
    ]
    assert found.mode is Mode.UPSERT
