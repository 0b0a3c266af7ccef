"""Putting what is large or no NDJSON: an upload, its job, and what was refused of it."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from datavault.cli.uploading import FILES_MAX
from datavault.client.uploads import waiting
from tests.support.jobs import run_started
from tests.unit.cli.conftest import SilentApi, Terminal

MIB = 2**20
UPLOAD = ("--by", "upload")


class Working(SilentApi):
    """Runs jobs that were started when somebody asks for one the second time; ``fault`` answers a
    PUT of a part, by its number, instead of the landing."""

    def __init__(self, api: SilentApi) -> None:
        super().__init__(api.vault)
        self.fault: Callable[[int], httpx.Response | None] = lambda _: None
        self.works = True
        self.puts = self.asked = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.puts += 1
            answer = self.fault(self.puts)
            if answer is not None:
                return answer
        if "/jobs/" in request.url.path and request.method == "GET":
            self.asked += 1
            if self.works and self.asked % 2 == 0:
                self.run()
        return super()._answer(request)

    def run(self) -> None:
        with self._lock, self._redirecting, self.silence():
            run_started(self.vault)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE_S_MIN", 0.001)


@pytest.fixture
def api(chats: Terminal) -> Working:
    assert isinstance(chats.api, SilentApi)
    return Working(chats.api)


@pytest.fixture
def there(chats: Terminal, api: Working) -> Terminal:
    """A terminal with chats, behind a vault that works."""
    return Terminal(api, chats.workspace, chats.environment)


def ndjson(*ids: str, size: int = 0) -> bytes:
    return b"".join(b'{"id":"%s","t":"%s"}\n' % (each.encode(), b"x" * size) for each in ids)


def many(count: int) -> bytes:
    return ndjson(*(f"{at:06d}" for at in range(count)), size=1000)


def ids(terminal: Terminal) -> list[str]:
    return [json.loads(line)["id"] for line in terminal.run("get", "chats").stdout.splitlines()]


def notes(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "state").rglob("*.upload")]


def job_of(done: Any) -> Any:
    (found,) = (json.loads(line) for line in done.stdout.splitlines())
    return found


def test_what_is_larger_than_the_bound_is_uploaded_and_waited_for(
    there: Terminal, api: Working, tmp_path: Path
) -> None:
    file = tmp_path / "big.ndjson"
    file.write_bytes(many(1100))
    assert there.one("put", "chats", str(file))["batches"] == 2
    assert api.puts == 0
    done = there.one("put", "chats", str(file), "--upload-above", "1", "-m", "Big")
    assert (done["state"], done["progress"]["records"]) == ("succeeded", 1100)
    assert there.one("show", "chats", done["commit"])["message"] == "Big"
    assert (api.puts, len(ids(there)), notes(tmp_path)) == (1, 1100, [])
    told = there.table("put", "chats", str(file), *UPLOAD)
    assert "1,100 records put into main." in told


def test_the_bound_may_stand_in_the_environment(
    there: Terminal, api: Working, tmp_path: Path
) -> None:
    file = tmp_path / "small.ndjson"
    file.write_bytes(ndjson("a"))
    done = there.run("put", "chats", str(file), DATAVAULT_UPLOAD_ABOVE_MIB="0")
    assert (done.exit_code, job_of(done)["state"], api.puts) == (0, "succeeded", 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"id,n\na,1\nb,2\n"),
        ("a.json", b'[{"id":"a"},{"id":"b"}]'),
        ("a.jsonl.gz", gzip.compress(ndjson("a", "b"), mtime=0)),
        ("a", '{"id":"a"}\n{"id":"b"}\n'.encode("utf-16")),
    ],
)
def test_what_is_no_ndjson_is_uploaded_whatever_its_size(
    there: Terminal, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert there.one("put", "chats", str(tmp_path / name))["state"] == "succeeded"
    assert ids(there) == ["a", "b"]
    assert there.one("put", "chats", "-", stdin=content)["state"] == "succeeded"


def test_lines_that_are_torn_are_told_and_no_text(there: Terminal, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"{torn\n")
    assert "dump, line 1" in there.fails(2, "put", "chats", str(tmp_path / "dump"))
    assert "line 1" in there.fails(2, "put", "chats", stdin=b"no json\n")


def test_a_pipe_is_held_up_to_the_bound_and_then_uploaded(there: Terminal, api: Working) -> None:
    content = many(2500)
    done = there.one("put", "chats", "--upload-above", "1", stdin=content)
    assert (done["progress"]["bytes"], api.puts) == (len(content), 1)
    assert there.run("get", "chats").stdout.encode() == content
    assert there.one("put", "chats", "--by", "batches", stdin=ndjson("z"))["batches"] == 1
    assert "batches" in there.one("put", "chats", "--run", "a", stdin=ndjson("z"))


def test_a_pipe_that_fails_leaves_no_upload(there: Terminal, api: Working) -> None:
    api.fault = lambda _: httpx.Response(403)
    said = there.fails(1, "put", "chats", *UPLOAD, stdin=ndjson("a"))
    assert "S3 refused part 1: 403" in said
    assert "send all of it again" in said
    assert api.vault.landing.uploads == []


def test_a_folder_of_shards_is_one_commit(there: Terminal, api: Working, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    (folder / "data").mkdir(parents=True)
    shards = [ndjson("a"), ndjson("b"), gzip.compress(ndjson("c")), b"id\nd\n"]
    names = (
        "train-00000-of-00002.jsonl",
        "train-00001-of-00002.jsonl",
        "train.jsonl.gz",
        "train.csv",
    )
    for name, content in zip(names, shards, strict=True):
        (folder / "data" / name).write_bytes(content)
    (folder / "README.md").write_text("no data")
    (folder / "LICENSE.txt").write_text("no data")
    (folder / "dataset_info.json").write_text("{}")
    done = there.one("put", "chats", str(folder))
    assert (done["progress"]["records"], api.puts) == (4, 1)
    assert ids(there) == ["a", "b", "c", "d"]
    (folder / "data" / names[0]).unlink()
    assert "of 2 shards of one set, 1 are there" in there.fails(2, "put", "chats", str(folder))


def test_splits_are_not_mixed_unless_somebody_says_so(there: Terminal, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "corpus" / split).mkdir(parents=True)
        (tmp_path / "corpus" / split / "a.jsonl").write_bytes(ndjson(split))
    folder = str(tmp_path / "corpus")
    said = there.fails(2, "put", "chats", folder)
    assert "has 2 splits: test, train" in said
    assert "--split" in said
    there.one("put", "chats", folder, "--split", "train")
    assert ids(there) == ["train"]
    assert "of split dev" in there.fails(2, "put", "chats", folder, "--split", "dev")
    there.one("put", "chats", folder, "--split", "all")
    assert ids(there) == ["test", "train"]


def test_too_many_files_are_refused_with_the_bound(
    there: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datavault.cli.uploading.FILES_MAX", 2)
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_bytes(ndjson(name))
    files = [str(tmp_path / f"{name}.jsonl") for name in "abc"]
    assert "files: 3; one upload takes 2" in there.fails(2, "put", "chats", *files, *UPLOAD)
    assert FILES_MAX == 20_000


def test_an_upload_that_stops_goes_on_with_the_same_command(
    there: Terminal, api: Working, tmp_path: Path
) -> None:
    file = tmp_path / "big.ndjson"
    file.write_bytes(many(12_000))
    words = ("put", "chats", str(file), *UPLOAD, "--part-mib", "5", "--parallel", "1")
    api.fault = lambda number: httpx.Response(403) if number > 1 else None
    said = there.fails(1, *words)
    assert "S3 refused part 2" in said
    assert "same command" in said
    assert len(notes(tmp_path)) == 1
    api.fault = lambda _: None
    done = there.run(*words)
    assert (done.exit_code, job_of(done)["state"]) == (0, "succeeded")
    assert "Going on with the upload" in done.stderr
    assert (len(api.vault.landing.uploads), notes(tmp_path)) == (0, [])


@pytest.mark.parametrize("how", ["changed", "--restart", "other options"])
def test_an_upload_that_is_of_no_use_is_aborted_and_made_anew(
    there: Terminal, api: Working, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "big.ndjson"
    file.write_bytes(ndjson("a"))
    words = ["put", "chats", str(file), *UPLOAD]
    api.fault = lambda _: httpx.Response(403)
    there.fails(1, *words)
    api.fault = lambda _: None
    if how == "changed":
        file.write_bytes(ndjson("a", "b"))
    else:
        words += ["--restart"] if how == "--restart" else ["--mode", "replace"]
    done = there.run(*words)
    assert (done.exit_code, job_of(done)["state"]) == (0, "succeeded")
    assert ("uploading anew" in done.stderr) == (how != "--restart")
    assert api.vault.landing.uploads == []


def test_an_interruption_says_how_to_go_on(there: Terminal, api: Working, tmp_path: Path) -> None:
    def interrupt(_: int) -> httpx.Response | None:
        raise KeyboardInterrupt

    file = tmp_path / "big.ndjson"
    file.write_bytes(ndjson("a"))
    api.fault = interrupt
    said = there.fails(130, "put", "chats", str(file), *UPLOAD)
    assert "stays for 24 hours" in said
    api.fault = lambda _: None
    assert there.one("put", "chats", str(file), *UPLOAD)["state"] == "succeeded"


def test_nobody_has_to_wait(there: Terminal, api: Working, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson("a"))
    api.works = False
    asked = there.one("put", "chats", str(file), "--no-wait")
    assert asked["state"] == "queued"
    assert "goes on still" in there.run("--help").stdout
    assert "is queued still" in there.fails(10, "job", "wait", asked["id"], "--timeout", "0")
    api.works = True
    assert there.one("job", "wait", asked["id"])["state"] == "succeeded"
    assert "datavault job wait" in there.table("put", "chats", str(file), "--no-wait")


def test_waiting_that_is_interrupted_leaves_the_job(
    there: Terminal, api: Working, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson("a"))
    asked = there.one("put", "chats", str(file), "--no-wait")
    monkeypatch.setattr("datavault.client.Vault.get_job", interrupted)
    said = there.fails(130, "job", "wait", asked["id"])
    assert f'The job goes on: "datavault job wait {asked["id"]}"' in said
    monkeypatch.undo()
    assert there.one("job", "wait", asked["id"])["state"] == "succeeded"


def test_jobs_are_listed_shown_and_cancelled(there: Terminal, api: Working, tmp_path: Path) -> None:
    assert "no jobs" in there.run("job", "list", DATAVAULT_OUTPUT="table").stderr
    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson("a"))
    api.works = False
    asked = there.one("put", "chats", str(file), "--no-wait")
    assert [each["id"] for each in there.lines("job", "list", "chats")] == [asked["id"]]
    assert asked["id"] in there.table("job", "list")
    assert "queued" in there.table("job", "show", asked["id"])
    assert there.one("job", "cancel", asked["id"])["state"] == "cancelling"
    api.run()
    assert there.one("job", "show", asked["id"])["state"] == "cancelled"
    assert "was cancelled" in there.fails(9, "job", "wait", asked["id"])


def test_bad_records_are_listed_had_mended_and_put_again(
    there: Terminal, api: Working, tmp_path: Path
) -> None:
    file, mended = tmp_path / "mixed.ndjson", tmp_path / "bad.ndjson"
    file.write_bytes(ndjson("a") + b'{"id":"b"\n' + ndjson("c"))
    failed = there.fails(8, "put", "chats", str(file), *UPLOAD)
    assert "failed: invalid: more than 0 records are bad" in failed
    done = there.run("put", "chats", str(file), *UPLOAD, "--max-bad-records", "1")
    job = job_of(done)["id"]
    assert f"datavault quarantine ls {job}" in done.stderr
    (bad,) = there.lines("quarantine", "ls", job)
    assert (bad["file"], bad["line"], bad["offset"]) == ("mixed.ndjson", 2, len(ndjson("a")))
    assert "mixed.ndjson" in there.table("quarantine", "ls", job)
    assert there.run("quarantine", "get", job).stdout == '{"id":"b"\n'
    assert there.run("quarantine", "get", job, "--to", str(mended)).exit_code == 0
    mended.write_bytes(mended.read_bytes().replace(b'"b"', b'"b"}'))
    there.one("put", "chats", str(mended), "--commit")
    assert ids(there) == ["a", "b", "c"]


def test_modes_and_columns_reach_the_job(there: Terminal, tmp_path: Path) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "b.ndjson"
    table.write_bytes(b"id,n\na,1\n")
    there.one("put", "chats", str(table), "--column", "n=integer")
    assert there.run("get", "chats").stdout == '{"id":"a","n":1}\n'
    lines.write_bytes(ndjson("b"))
    there.one("put", "chats", str(lines), "--mode", "replace")
    assert ids(there) == ["b"]
    lines.write_bytes(ndjson("b", size=9))
    said = there.fails(8, "put", "chats", str(lines), "--mode", "append-only")
    assert "the mode is to add only" in said
    said = there.fails(8, "put", "chats", str(lines), "--format", "json_array")
    assert "failed" in said
    said = there.fails(8, "put", "chats", str(lines), "--min-records", "2")
    assert "the files have 1 record, min_records is 2" in said
    said = there.fails(8, "put", "chats", str(lines), "--max-records", "0")
    assert "the files have 1 record, max_records is 0" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--run", "a", "--mode", "replace"), "--mode is for uploads, --run for batches"),
        (("--by", "batches", "--no-wait"), "--no-wait is for uploads, --by batches for batches"),
        (("--run", "a", *UPLOAD), "--run names batches"),
        (("--column", "n=float"), "NAME=KIND"),
        (("--run", "a", "--min-records", "1"), "--min-records is for uploads"),
        (("--run", "a", "--max-records", "1"), "--max-records is for uploads"),
    ],
)
def test_what_does_not_go_together_is_said(
    there: Terminal, words: tuple[str, ...], why: str
) -> None:
    assert why in there.fails(2, "put", "chats", "-", *words, stdin=b"")
