"""Putting records in: from where, how it goes on when stopped, and that nothing doubles."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from datavault.cli import resumption
from datavault.services import batches
from tests.unit.cli.conftest import SilentApi, Terminal

BATCH = 1000


def lines(count: int, *, start: int = 0) -> str:
    return "".join(f'{{"n":{n}}}\n' for n in range(start, start + count))


class Failing(SilentApi):
    """Lets ``fail`` and ``lose`` see the number of each change below ``path``, before and after."""

    def __init__(self, api: SilentApi) -> None:
        super().__init__(api.vault)
        self.path = "/records"
        self.fail: Callable[[int], None] = goes_well
        self.lose: Callable[[int], None] = goes_well
        self.seen = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or not request.url.path.endswith(self.path):
            return super()._answer(request)
        self.seen += 1
        number = self.seen
        self.fail(number)
        answer = super()._answer(request)
        self.lose(number)
        return answer


@pytest.fixture
def failing(terminal: Terminal) -> tuple[Terminal, Failing]:
    """A terminal with a dataset whose records get ids of their own, and its way to the vault."""
    assert isinstance(terminal.api, SilentApi)
    api = Failing(terminal.api)
    there = Terminal(api, terminal.workspace, terminal.environment)
    there.one("dataset", "create", "plain")
    return there, api


def numbers(terminal: Terminal) -> list[int]:
    """What the dataset holds, sorted: ids are in the order of arrival."""
    return sorted(
        json.loads(line)["n"] for line in terminal.run("get", "plain").stdout.splitlines()
    )


def test_a_file_a_folder_and_a_pipe(chats: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.ndjson").write_text('{"id":"b"}')
    (folder / "deep" / "a.jsonl").write_text('\n{"id":"a"}\n\n')
    (folder / "notes.txt").write_text("no records")
    (folder / ".hidden.jsonl").write_text("no records")
    assert chats.one("put", "chats", str(folder))["records"] == 2
    file = tmp_path / "any.name"
    file.write_text('{"id":"c"}\r\n')
    chats.one("put", "chats", str(file), "-b", "main")
    chats.one("put", "chats", "-", stdin=b'{"id":"d"}')
    done = chats.one("put", "chats", "--commit", "-m", "All", stdin=b'{"id":"e"}')
    assert chats.one("show", "chats", done["commits"][0])["records"] == 5
    assert chats.run("get", "chats").stdout == "".join(f'{{"id":"{x}"}}\n' for x in "abcde")


def test_what_there_is_nothing_to_put_of(chats: Terminal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no files" in chats.fails(2, "put", "chats", str(tmp_path / "empty"))
    assert "does not exist" in chats.fails(2, "put", "chats", str(tmp_path / "nowhere"))
    assert chats.one("put", "chats", "--commit", stdin=b"\n")["commits"] == []
    assert len(chats.one("put", "chats", "-m", "x", stdin=b'{"id":"f"}')["commits"]) == 1


@pytest.mark.parametrize("lost", ["request", "answer"])
@pytest.mark.parametrize("parallel", ["1", "4"])
def test_a_put_that_stops_goes_on_and_doubles_nothing(
    failing: tuple[Terminal, Failing], tmp_path: Path, lost: str, parallel: str
) -> None:
    terminal, api = failing
    file = tmp_path / "many.ndjson"
    file.write_text(lines(5 * BATCH))
    words = ("put", "plain", str(file), "--parallel", parallel, "--commit", "-m", "Many")
    setattr(api, "fail" if lost == "request" else "lose", break_at(3))
    assert "same command" in terminal.fails(1, *words)
    api.fail = api.lose = goes_well
    done = terminal.run(*words)
    assert done.exit_code == 0, done.output
    assert "Going on after" in done.stderr
    assert numbers(terminal) == list(range(5 * BATCH))
    assert terminal.one("show", "plain")["records"] == 5 * BATCH
    assert notes(tmp_path) == []


def test_a_commit_that_somebody_else_has_made_is_said(
    failing: tuple[Terminal, Failing], tmp_path: Path
) -> None:
    terminal, api = failing
    other = Terminal(SilentApi(api.vault), terminal.workspace, terminal.environment)
    file = tmp_path / "some.ndjson"
    file.write_text(lines(3))
    api.path = "/commits"
    api.fail = lambda _: other.one("commit", "plain", "-m", "The other's") and None
    done = terminal.run("put", "plain", str(file), "--commit")
    assert done.exit_code == 0
    assert "somebody else has committed" in done.stderr
    assert "They are staged" not in done.stderr
    assert terminal.one("show", "plain")["records"] == 3


def test_a_commit_whose_answer_is_lost_is_the_same_commit(
    failing: tuple[Terminal, Failing], tmp_path: Path
) -> None:
    terminal, api = failing
    file = tmp_path / "some.ndjson"
    file.write_text(lines(3))
    api.path, api.lose = "/commits", break_at(1)
    terminal.fails(1, "put", "plain", str(file), "--commit")
    api.lose = goes_well
    made = terminal.one("put", "plain", str(file), "--commit")["commits"]
    assert terminal.one("log", "plain", "-n", "1")["id"] == made[0]
    assert terminal.one("show", "plain")["records"] == 3


def test_a_put_that_is_done_is_begun_anew(terminal: Terminal, tmp_path: Path) -> None:
    terminal.one("dataset", "create", "plain")
    file = tmp_path / "some.ndjson"
    file.write_text(lines(2))
    terminal.one("put", "plain", str(file))
    assert terminal.one("put", "plain", str(file))["records"] == 2
    assert numbers(terminal) == [0, 0, 1, 1]


def test_a_pipe_with_a_name_is_repeated_without_doubling(terminal: Terminal) -> None:
    terminal.one("dataset", "create", "plain")
    for _ in range(2):
        terminal.one("put", "plain", "--run", "may", stdin=lines(BATCH + 1).encode())
    assert numbers(terminal) == list(range(BATCH + 1))
    other = lines(BATCH + 1, start=5).encode()
    assert "conflict" in terminal.fails(5, "put", "plain", "--run", "may", stdin=other)


def test_a_bad_line_is_told_by_its_file_and_mended(chats: Terminal, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"id":"a"}\n{"id":"b"}\n')
    bad = tmp_path / "in" / "b.jsonl"
    bad.write_text('{"id":"c"}\n{"id":"secret"\n{"id":"e"}\n')
    said = chats.fails(2, "put", "chats", str(tmp_path / "in"))
    assert f"{bad}, line 2: " in said
    assert "secret" not in said
    bad.write_text('{"id":"c"}\n{"id":"d"}\n{"id":"e"}\n')
    chats.one("put", "chats", str(tmp_path / "in"))
    assert [each["id"] for each in chats.lines("ls", "chats")] == list("abcde")


@pytest.fixture
def stopped(failing: tuple[Terminal, Failing], tmp_path: Path) -> tuple[Terminal, Path]:
    """A put that stopped behind its first two batches."""
    terminal, api = failing
    file = tmp_path / "many.ndjson"
    file.write_text(lines(4 * BATCH))
    api.fail = break_at(3)
    terminal.fails(1, "put", "plain", str(file), "--parallel", "1")
    api.fail = goes_well
    return terminal, file


def test_a_file_that_has_been_mended_behind_goes_on(stopped: tuple[Terminal, Path]) -> None:
    terminal, file = stopped
    file.write_text(lines(3 * BATCH))
    done = terminal.run("put", "plain", str(file))
    assert (done.exit_code, "what follows has been mended" in done.stderr) == (0, True)
    assert numbers(terminal) == list(range(3 * BATCH))


def test_a_file_that_is_another_one_is_not_put_behind(stopped: tuple[Terminal, Path]) -> None:
    terminal, file = stopped
    file.write_text(lines(BATCH, start=9000))
    assert "have changed" in terminal.fails(5, "put", "plain", str(file))
    terminal.one("put", "plain", str(file), "--restart")
    assert len(numbers(terminal)) == 3 * BATCH


def test_a_put_that_stopped_long_ago_is_asked_about(
    stopped: tuple[Terminal, Path], tmp_path: Path
) -> None:
    terminal, file = stopped
    (note,) = notes(tmp_path)
    told = json.loads(note.read_text())
    note.write_text(json.dumps(told | {"began_s": told["began_s"] - 86401}))
    assert "more than 24 hours ago; 2,000 lines" in terminal.fails(5, "put", "plain", str(file))


def test_a_note_that_nobody_understands_is_none(
    stopped: tuple[Terminal, Path], tmp_path: Path
) -> None:
    assert stopped
    (note,) = notes(tmp_path)
    assert note.stat().st_mode & 0o077 == 0
    for text in ("", "[]", '{"run": 1}', '{"parts": [1]}'):
        note.write_text(text)
        assert resumption.Note(note).read() is None


def test_the_same_is_put_by_one_process_at_a_time(
    stopped: tuple[Terminal, Path], tmp_path: Path
) -> None:
    terminal, file = stopped
    (note,) = notes(tmp_path)
    with note.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another process" in terminal.fails(5, "put", "plain", str(file))
    terminal.one("put", "plain", str(file))


def test_a_branch_that_is_full_is_committed_on_the_way(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "GENERATION_RECORDS_MAX", 4 * BATCH)
    terminal.one("dataset", "create", "plain")
    text = lines(5 * BATCH).encode()
    done = terminal.one("put", "plain", "--commit", "-m", "All", stdin=text)
    assert len(done["commits"]) == 2
    assert terminal.one("show", "plain")["records"] == 5 * BATCH


def notes(home: Path) -> list[Path]:
    return list((home / "state").rglob("*.json"))


def goes_well(_: int) -> None:
    """Nothing happens."""


def break_at(wanted: int) -> Callable[[int], None]:
    """Break, as a process does whose machine goes down, at one of the calls."""

    def breaks(number: int) -> None:
        if number == wanted:
            raise RuntimeError("the machine goes down")

    return breaks
