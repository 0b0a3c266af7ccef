"""The command as people type it: it works, says what it does, and leaves nothing running."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from datavault.local.cloud import HOST
from datavault.local.session import Session
from tests.support.command import DATAVAULT, environment_in, run
from tests.support.http import Call, Reply, send

STOP_S_MAX = 30


@dataclass
class Local:
    """A running ``datavault local`` and what it said."""

    process: subprocess.Popen[str]
    said: str

    def found(self, pattern: str) -> str:
        match = re.search(pattern, self.said, re.MULTILINE)
        assert match, self.said
        return match[1]

    @property
    def api(self) -> str:
        return self.found(r"^  API +(\S+)/api/v1$")

    @property
    def token(self) -> str:
        return self.found(r"^  token +(\S+)$")

    def session(self) -> Session:
        return Session(self.api, self.token)

    def try_it(self) -> Reply:
        """Do what the printed curl does, read as a shell reads it."""
        _, _, commands = self.said.partition("Try:\n")
        words = shlex.split(commands.partition("Ctrl-C")[0].replace("\\\n", " "))
        assert words[0] == "export"
        name, _, value = words[1].partition("=")
        words = [word.replace(f"${name}", value) for word in words[2:]]
        assert words[:2] == ["curl", "-s"]
        options = [(words[at], words[at + 1]) for at in range(3, len(words), 2)]
        headers = dict(text.split(": ", 1) for option, text in options if option == "-H")
        body = next((text.encode() for option, text in options if option == "-d"), None)
        return send(words[2], Call("GET" if body is None else "POST", "", body, headers))

    def interrupt(self) -> str:
        """Press Ctrl-C, and wait for what it says until it is gone."""
        os.killpg(self.process.pid, signal.SIGINT)
        rest, _ = self.process.communicate(timeout=STOP_S_MAX)
        return rest


@contextlib.contextmanager
def local(tmp_path: Path, *options: str) -> Iterator[Local]:
    process = subprocess.Popen(
        [DATAVAULT, "local", *options],
        env=environment_in(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        yield Local(process, said)
    finally:
        process.kill()
        process.communicate()


def test_a_local_vault_keeps_its_data_over_a_restart_and_leaves_nothing(tmp_path: Path) -> None:
    port, state = _free_port(), tmp_path / "state"
    options = ("--port", str(port), "--state", str(state))
    # All that may be left of a cloud that was killed before it could save the rest.
    state.mkdir()
    (state / "workspace").write_text("ws_0190a6b2-0000-7000-8000-000000000000")
    with local(tmp_path, *options) as first:
        assert send(first.found(r"^  docs +(\S+)$"), Call("GET", "")).status == 200
        made = first.try_it()
        assert (made.status, made.json()["name"]) == (201, "first")
        dataset = made.json()["id"]
        first.session().append_lines(dataset, b'{"id":"a","n":1.0}\n{"id":"b","n":1e400}')
        body = {"message": "kept"}
        commit = first.session().call("POST", f"/datasets/{dataset}/commits", body)["id"]
        first.session().append_lines(dataset, b'{"id":"b","staged":true}')
        assert _of(tmp_path) - {first.process.pid}
        assert "Stopping." in first.interrupt()
        assert first.process.returncode == 0
    assert _running(tmp_path) == set()
    socket.create_server((HOST, port)).close()

    with local(tmp_path, *options) as second:
        assert (second.api, second.found(r"workspace +(\S+)$")) == (
            first.api,
            first.found(r"workspace +(\S+)$"),
        )
        assert [row["name"] for row in second.try_it().json()["data"]] == ["first"]
        # The token of the first run lives for hours; so does the key it was signed with.
        for session in (first.session(), second.session()):
            lines = b"".join(session.pages(dataset, ref=commit))
            assert lines == b'{"id":"a","n":1.0}\n{"id":"b","n":1e400}\n'
            assert session.record(dataset, "b") == b'{"id":"b","staged":true}'
        second.session().call("POST", f"/datasets/{dataset}/commits", {"message": "more"})
        second.interrupt()
        assert second.process.returncode == 0
    assert _running(tmp_path) == set()


def test_a_local_vault_without_state_says_that_its_data_go(tmp_path: Path) -> None:
    with local(tmp_path, "--port", str(_free_port())) as running:
        assert "its data are gone then" in running.said
        assert running.try_it().status == 201
        running.interrupt()
        assert running.process.returncode == 0
    assert _running(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        done = run("local", "--port", str(port), environment=environment_in(tmp_path))
    assert done.returncode == 1
    why = f"port {port} of 127.0.0.1 cannot be taken: Address already in use"
    assert done.stderr.splitlines()[1:] == [f"datavault: {why}", "--port takes another one."]


def test_the_demo_does_the_main_job_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("demo", environment=environment_in(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("Summary", "reading it is refused", "has been stopped"):
        assert said in done.stdout
    assert _running(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [DATAVAULT, "demo"],
        env=environment_in(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "the local cloud answers" in line:
            break
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=STOP_S_MAX)
    assert process.returncode not in {0, -number}
    assert "Traceback" not in said
    assert _running(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["workspace", "create", "acme"], 1, "is not set"),
        (["workspace", "create"], 2, "Missing argument"),
        (["local", "--port", "0"], 2, "0 is not in the range"),
        (["nothing"], 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = run(*arguments, environment=environment_in(tmp_path))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def _running(tmp_path: Path) -> set[int]:
    """What came of a command and stays; what has just been killed may take a moment to go."""
    deadline = time.monotonic() + 5
    while (found := _of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _of(tmp_path: Path) -> set[int]:
    """Processes whose command or environment names the folder: all that came of a command."""
    mark = os.fsencode(tmp_path)
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _names(entry, mark)}


def _names(process: Path, mark: bytes) -> bool:
    with contextlib.suppress(OSError):
        return (
            mark
            in process.joinpath("environ").read_bytes() + process.joinpath("cmdline").read_bytes()
        )
    return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port
