"""Files that are hard to take, each through a whole job by the machine that ships."""

import gzip
import tracemalloc
from functools import partial

import pytest
import zstandard

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.formats.decoding import RATIO_FREE_BYTES, RATIO_MAX
from datavault.domain.formats.reading import read_file
from datavault.domain.jobs import Job, JobState
from datavault.domain.landing import Landed
from datavault.domain.papers import Mode
from datavault.services.ingest import parts, planning
from datavault.services.jobs.quarantine import list_quarantined
from tests.simulation.ingest_jobs import Pipeline, lines
from tests.support.builders import Process, Shelf

TWO_GB = 2 * 10**9
MIB = 2**20
ROWS = {"a": 1, "b": 2}


def left_over(shelf: Shelf) -> list[str]:
    """What a job has left in the store, but for refused records, and in the landing."""
    vault = shelf.vault
    kept = [key for key in vault.objects.keys("") if "/jobs/" in key and "quarantine" not in key]
    return kept + [landed.key for landed in vault.landing.list("landing/")]


def require_failed(shelf: Shelf, job: Job, code: str, words: str) -> None:
    """The job failed for that reason, and left nothing."""
    assert (job.state, job.commit) == (JobState.FAILED, None)
    assert job.failure is not None
    assert (job.failure.code, words in job.failure.message) == (code, True), job.failure
    assert shelf.all() == {}
    assert left_over(shelf) == []


UTF_16 = lines(ROWS).decode().encode("utf-16")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(b"", "f.jsonl", id="0 bytes"),
        pytest.param(b"", "f.csv.gz", id="0 bytes, said to be gzip"),
        pytest.param(gzip.compress(b""), "f.jsonl.gz", id="gzip of 0 bytes"),
        pytest.param(zstandard.compress(b""), "f.jsonl.zst", id="zstd of 0 bytes"),
        pytest.param(b"\xef\xbb\xbf", "f.jsonl", id="a mark alone"),
        pytest.param(b"\r\n \r\n\n", "f.jsonl", id="blank lines"),
        pytest.param(b"[]", "f.json", id="an empty array"),
        pytest.param(b"id,n\r\n", "f.csv", id="a header alone"),
    ],
)
def test_a_file_without_records_changes_nothing_and_replaces_nothing(
    pipeline: Pipeline, shelf: Shelf, content: bytes, name: str
) -> None:
    before = pipeline.run(pipeline.ask(lines(ROWS)))
    job = pipeline.run(pipeline.ask(content, names=(name,)))
    assert (job.state, job.tally.records, job.commit) == (JobState.SUCCEEDED, 0, before.commit)
    job = pipeline.run(pipeline.ask(content, names=(name,), mode=Mode.REPLACE))
    assert job.failure is not None
    assert job.failure.code == "invalid"
    assert [*shelf.all()] == ["a", "b"]
    assert left_over(shelf) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(UTF_16[:-1], "not utf-16-le at byte", id="UTF-16 cut short"),
        pytest.param(UTF_16[:20] + b"\x00\xdc" + UTF_16[20:], "at byte 18", id="half a pair"),
        pytest.param(lines(ROWS).decode().encode("utf-32"), "UTF-32", id="UTF-32"),
        pytest.param(gzip.compress(lines(ROWS))[:-9], "gzip data is cut short", id="gzip"),
        pytest.param(gzip.compress(lines(ROWS))[:11], "gzip data is cut short", id="gzip's head"),
        pytest.param(zstandard.compress(lines(ROWS))[:-3], "zstd data", id="zstd"),
        pytest.param(
            gzip.compress(lines(ROWS)) + b"more", "gzip data is damaged", id="gzip, and more"
        ),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_fails_the_job(
    pipeline: Pipeline, shelf: Shelf, content: bytes, words: str
) -> None:
    require_failed(shelf, pipeline.run(pipeline.ask(content)), "malformed", words)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.tsv.gz", "a.txt.zst"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_formats_line_ends_and_encodings_go_together(
    vault: MemoryVault, name: str, ends: bytes, encoding: str
) -> None:
    shelf = Shelf.make(vault)
    pipeline = Pipeline(shelf, lambda: Process(vault))
    texts = {
        "a.csv": b"t,u\nx,1\ny,2\n",
        "a.json": b'[{"t":"x","u":"1"},\n{"t":"y","u":"2"}]\n',
        "a.tsv.gz": b"t\tu\nx\t1\ny\t2\n",
        "a.txt.zst": b"x\ny\n",
    }
    content = texts[name].replace(b"\n", ends).decode().encode(encoding)
    if name.endswith(".gz"):
        content = gzip.compress(content)
    elif name.endswith(".zst"):
        content = zstandard.compress(content)
    job = pipeline.run(pipeline.ask(content, names=(name,)))
    assert job.state is JobState.SUCCEEDED, job.failure
    expected = [b'{"text":"x"}', b'{"text":"y"}']
    if "txt" not in name:
        expected = [b'{"t":"x","u":"1"}', b'{"t":"y","u":"2"}']
    assert sorted(shelf.all().values()) == expected


def packed(pack: str, pieces: int) -> bytes:
    """So many MiB of one letter, which few bytes become."""
    piece = b"x" * MIB
    if pack == "gzip":
        # Members one behind the other are one content.
        return gzip.compress(piece, 9, mtime=0) * pieces
    return zstandard.compress(piece) * pieces


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_bomb_fails_the_job_while_it_is_small(
    pipeline: Pipeline, shelf: Shelf, pack: str
) -> None:
    # Two thousand MB that are a single line, too.
    bomb = packed(pack, TWO_GB // MIB + 1)
    assert len(bomb) * RATIO_MAX < TWO_GB
    asked = pipeline.ask(bomb, max_bad_records=1)
    tracemalloc.start()
    job = pipeline.run(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    require_failed(shelf, job, "too_large", f"more than {RATIO_MAX} times as many")
    assert peak < 64 * MIB
    assert job.failure is not None
    given = int(job.failure.message.split("has given ")[1].split(":")[0])
    assert given < RATIO_FREE_BYTES + 2 * MIB


def test_content_that_is_too_large_fails_the_job(
    pipeline: Pipeline, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 36 GB cannot be had here: the bound is lowered, and what keeps it is the same.
    monkeypatch.setattr(parts, "read_file", partial(read_file, bytes_max=100))
    content = gzip.compress(lines({f"r{at}": at for at in range(20)}))
    require_failed(shelf, pipeline.run(pipeline.ask(content)), "too_large", "at most 100 allowed")


class OneLine:
    """A landing that has, beside its objects, one whose first line is 2 GB long."""

    def __init__(self, landing: object, after: bytes) -> None:
        self._landing = landing
        self._after = after
        self.landed = Landed("landing/long", "tag", TWO_GB + len(after))
        self.bytes_read = 0

    def read(self, landed: Landed, start: int, length: int) -> bytes:
        assert landed == self.landed
        end = min(start + length, landed.size)
        found = b"x" * max(0, min(end, TWO_GB) - start)
        found += self._after[max(0, start - TWO_GB) : max(0, end - TWO_GB)]
        self.bytes_read += len(found)
        return found

    def delete(self, landed: Landed) -> None:
        assert landed == self.landed

    def __getattr__(self, name: str) -> object:
        return getattr(self._landing, name)


@pytest.mark.parametrize("bad_max", [0, 1])
def test_a_line_of_two_gigabytes_is_one_bad_record_in_little_memory(
    pipeline: Pipeline, shelf: Shelf, vault: MemoryVault, bad_max: int
) -> None:
    landing = OneLine(vault.landing, b"\n" + lines(ROWS))
    vault.landing = landing  # type: ignore[assignment]
    asked = pipeline.ask_landed(landing.landed, name="f.jsonl", max_bad_records=bad_max)
    tracemalloc.start()
    job = pipeline.run(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160 * MIB
    if not bad_max:
        require_failed(shelf, job, "invalid", f"line 1: a record has at most {4 * MIB} bytes")
        return
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.tally.parts == -(-landing.landed.size // planning.PART_BYTES)
    assert [*shelf.all()] == ["a", "b"]
    page = list_quarantined(vault, caller=shelf.caller, job_id=job.id, cursor=None)
    ((line, offset, size),) = [(each.line, each.offset, each.size) for each in page.items]
    assert (line, offset, size) == (1, 0, TWO_GB + 1)
    # The part in which it begins reads it to its end, and each other looks for where a line begins.
    assert landing.bytes_read < 2.1 * TWO_GB
