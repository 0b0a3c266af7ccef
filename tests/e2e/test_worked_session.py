"""The command as its users give it: the worked session of README, and puts that are stopped.

``worked_session.txt`` is what was typed and shown, up to ids and times: commands after ``$``, and
the lines that go on with one are indented.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from datavault.local.grants import make_client
from tests.e2e.deployment import Deployment, Tenant

BIN = Path(sys.executable).parent
SESSION = Path(__file__).with_name("worked_session.txt")
WAIT_S_MAX = 30
FILES = {
    "may.ndjson": '{"id":"chat-1","prompt":"How do I reset it?","answer":"Press reset."}\n'
    '{"id":"chat-2","prompt":"Is it waterproof?","answer":"No."}\n'
    '{"id":"chat-3","prompt":"asdf","answer":"Could you say that again?"}\n',
    "settled.json": '{"id":"chat-1","prompt":"How do I reset it?",'
    '"answer":"Hold reset for 5 s, or unplug it.","ok":true,"lang":"en"}\n',
}
_ID = re.compile(r"\bds_[0-9a-f-]{36}\b|\b[0-9a-f]{64}\b|\b(?=[a-f]*[0-9])[0-9a-f]{12}\b")
_TIME = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass
class Shell:
    """A shell in a folder of its own, signed in by a profile."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """What is said on both outputs, in the order it was said."""
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.home,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT_S_MAX,
            check=False,
        )

    def ok(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "datavault"), *words],
            cwd=self.home,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def shell(deployed: Deployment, tenant: Tenant, tmp_path: Path) -> Shell:
    made = Shell(
        tmp_path,
        {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "DATAVAULT_OUTPUT": "table",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
        },
    )
    token = deployed.cloud.issuer.token(
        workspace=tenant.id, roles=["admin"], subject="you@vault.test"
    )
    login = f"datavault login --endpoint {deployed.api_url}/api/v1"
    done = made.run(login, stdin=token)
    assert (done.returncode, token in done.stdout) == (0, False), done.stdout
    assert f"as you@vault.test (admin of {tenant.id}, until " in done.stdout
    return made


def test_the_worked_session(shell: Shell) -> None:
    for name, text in FILES.items():
        (shell.home / name).write_text(text)
    ids: dict[str, str] = {}
    for command, expected in _steps(SESSION.read_text()):
        typed = _ID.sub(lambda found: _known(ids, found[0]), command)
        said = shell.run(typed).stdout
        _meet(ids, expected, said)
        assert _TIME.sub("TIME", _ID.sub(lambda found: _known(ids, found[0]), expected)) == (
            _TIME.sub("TIME", said)
        ), f"{command}\n{said}"


def test_a_put_that_is_stopped_goes_on_and_doubles_nothing(shell: Shell) -> None:
    """Killed, then interrupted, then left alone."""
    shell.ok("datavault dataset create plain")
    count = 16_000
    (shell.home / "many.ndjson").write_text("".join(f'{{"n":{n}}}\n' for n in range(count)))
    words = ("put", "plain", "many.ndjson", "--parallel", "2", "--commit", "-m", "Many")
    _, status = _stopped(shell, words, signal.SIGKILL)
    assert status == -signal.SIGKILL
    said, status = _stopped(shell, words, signal.SIGINT)
    assert (status, "Traceback" in said) == (130, False), said
    assert "give the same command again within 24 hours to go on" in said
    assert "Going on after" in shell.ok(f"datavault {' '.join(words)}")
    found = [json.loads(line)["n"] for line in shell.ok("datavault get plain").splitlines()]
    assert sorted(found) == list(range(count))


def test_a_terminal_sees_how_far_it_is(shell: Shell) -> None:
    shell.ok("datavault dataset create plain")
    (shell.home / "some.ndjson").write_text("".join(f'{{"n":{n}}}\n' for n in range(3000)))
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [str(BIN / "datavault"), "put", "plain", "some.ndjson", "--parallel", "1"],
        cwd=shell.home,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b"".join(_all_of(ours))
    told, _ = running.communicate(timeout=WAIT_S_MAX)
    assert (running.returncode, told) == (0, b"3,000 records put into main.\n")
    assert re.search(rb"\[#+\.*\] +[0-9]+%  [0-9,]+ records, [0-9.]+ KiB, ", seen), seen


def test_a_service_signs_in_by_itself_and_a_reader_may_stop(
    shell: Shell, deployed: Deployment, tenant: Tenant
) -> None:
    issuer = deployed.cloud.issuer
    client = make_client(issuer, workspace=tenant.id, roles=["reader"], subject="pipeline")
    flow = f"--client-id {client.id} --token-url {issuer.token_url}"
    login = f"datavault login --profile pipeline --endpoint {deployed.api_url} {flow}"
    wrong = shell.run(login, stdin="wrong")
    assert (wrong.returncode, "wrong" in wrong.stdout) == (4, False), wrong.stdout
    assert shell.run(login, stdin=client.secret).returncode == 0
    assert "roles      reader\n" in shell.ok("datavault token --who --profile pipeline")
    assert shell.run("datavault dataset create x --profile pipeline").returncode == 4
    shell.ok("datavault dataset create plain")
    (shell.home / "some.ndjson").write_text("".join(f'{{"n":"{n:0500}"}}\n' for n in range(2000)))
    shell.ok("datavault put plain some.ndjson")
    assert len(shell.ok("datavault get plain --profile pipeline | head -1").splitlines()) == 1


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a session, each with what it shows."""
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        while command.rstrip().endswith("|"):
            more, _, shown = shown.partition("\n")
            command = f"{command}\n{more}"
        yield command, shown


def _known(ids: dict[str, str], written: str) -> str:
    """The id that stands for one of the session's, as far as it has been met; or a part of one."""
    for theirs, ours in ids.items():
        if theirs.startswith(written):
            return ours[: len(written)]
    return written


def _meet(ids: dict[str, str], expected: str, said: str) -> None:
    """Learn the ids that stand in the same places; the same one stands for the same one."""
    for theirs, ours in zip(_ID.findall(expected), _ID.findall(said), strict=False):
        if theirs not in ids:
            known = _known(ids, theirs[:12])
            assert known in {theirs[:12], ours[:12]}
            ids[theirs] = ours


def _stopped(shell: Shell, words: tuple[str, ...], number: signal.Signals) -> tuple[str, int]:
    """Give a command and stop it two batches on; what it said, and how it ended."""
    already = _batches(shell.home)
    running = shell.start(*words)
    deadline = time.monotonic() + WAIT_S_MAX
    while _batches(shell.home) < already + 2:
        assert time.monotonic() < deadline, "nothing was put"
        time.sleep(0.01)
    running.send_signal(number)
    said, _ = running.communicate(timeout=WAIT_S_MAX)
    return said, running.returncode


def _batches(home: Path) -> int:
    """How many batches are done, as a put notes it."""
    notes = (home / ".local" / "state").rglob("*.json")
    return max((json.loads(note.read_text())["batches"] for note in notes), default=0)


def _all_of(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal until its other end is closed, which Linux calls an error."""
    while True:
        try:
            found = os.read(terminal, 65536)
        except OSError:
            break
        if not found:
            break
        yield found
    os.close(terminal)
