"""``datavault put`` of a large file: killed, taken up, interrupted while it waits, and whole."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import Shelf, Tenant
from tests.e2e.test_pipeline import records, text
from tests.support.command import DATAVAULT, inherited

SECONDS_MAX = 120


@dataclass(frozen=True)
class Command:
    """Somebody's command, with a home of its own."""

    home: Path
    environment: dict[str, str]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [DATAVAULT, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=SECONDS_MAX)
        return process.returncode, out, err

    def begun(self) -> str | None:
        """The upload that a note tells of."""
        for note in self.home.rglob("*.upload"):
            return str(json.loads(note.read_text())["upload"])
        return None


@pytest.fixture
def command(tenant: Tenant, tmp_path: Path) -> Command:
    theirs = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "DATAVAULT_ENDPOINT": tenant.deployment.api_url,
        "DATAVAULT_TOKEN": tenant.admin.token or "",
        "DATAVAULT_OUTPUT": "jsonl",
    }
    return Command(tmp_path, inherited() | theirs)


def until[T](found: Callable[[], T | None]) -> T:
    """What there is, as soon as there is."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_a_put_that_is_killed_and_interrupted_is_one_commit(
    tenant: Tenant, command: Command, tmp_path: Path
) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    lines = records(60_000)
    file = tmp_path / "may.ndjson"
    file.write_bytes(text(lines))
    words = ("put", shelf.id, str(file), "--upload-above", "8", "--part-mib", "5", "-m", "May")
    killed = command.start(*words, "--parallel", "1")
    upload = until(command.begun)
    before = until(lambda: stopped(killed, lambda: arrived(shelf, upload)))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert 0 < before < -(-file.stat().st_size // (5 * 2**20))
    again = command.start(*words)
    job: Any = until(lambda: next(iter(jobs(shelf)), None))
    # It was told of the job by now, or is about to be: then it says so for the upload instead.
    until(lambda: command.begun() is None)
    time.sleep(0.2)  # Its note is gone a few lines before it waits for the job.
    again.send_signal(signal.SIGINT)
    _, said = again.communicate(timeout=SECONDS_MAX)
    assert again.returncode == 130, said
    assert "Going on with the upload" in said
    assert f'The job goes on: "datavault job wait {job["id"]}"' in said
    code, out, said = command.run("job", "wait", job["id"])
    assert (code, json.loads(out)["state"]) == (0, "succeeded"), said
    assert shelf.lines() == lines
    assert shelf.log()[0]["message"] == "May"
    assert len(jobs(shelf)) == 1


def stopped(process: subprocess.Popen[str], found: Callable[[], int]) -> int:
    """What is found while the process stands still; it goes on if that is nothing."""
    process.send_signal(signal.SIGSTOP)
    there = found()
    if not there:
        process.send_signal(signal.SIGCONT)
    return there


def arrived(shelf: Shelf, upload: str) -> int:
    """How many parts have, as far as the vault can say: a busy one asks to be asked again."""
    reply = shelf.person.get(f"/uploads/{upload}/parts")
    assert reply.status in {200, 503}, (reply.status, reply.content)
    return sum(part["etag"] is not None for part in reply.json().get("data", ()))


def jobs(shelf: Shelf) -> list[Any]:
    listed: list[Any] = shelf.person.get(f"/jobs?dataset_id={shelf.id}").json()["data"]
    return listed
