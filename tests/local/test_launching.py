"""Processes come from a snapshot, and without it if it does not answer; none runs unasked."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from datavault.local.lambdas import forking, launching
from datavault.local.lambdas.launching import Launch, Snapshots

# What stands in for Lambda's runtime client: it says who it is.
RUNTIME = "import os, sys; print(sys.argv[1], os.environ['COLOUR'], os.getcwd(), flush=True)"


@pytest.fixture
def output() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


@pytest.fixture
def launch(tmp_path: Path, output: IO[bytes]) -> Launch:
    runtime = tmp_path / "awslambdaric"
    runtime.mkdir()
    (runtime / "__init__.py").touch()
    (runtime / "__main__.py").write_text(RUNTIME)
    variables = {"PYTHONPATH": str(tmp_path), "COLOUR": "blue", "TMPDIR": "/one"}
    return Launch("app.handler", tmp_path, variables, output.fileno(), has_layers=True)


@pytest.fixture
def snapshots() -> Iterator[Snapshots]:
    made = Snapshots()
    yield made
    made.close()
    ctypes.CDLL(None).prctl(launching.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def said(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode()


def kept(snapshots: Snapshots) -> int:
    return len(snapshots._made)


def test_one_snapshot_starts_all_that_differ_in_what_is_their_own(
    snapshots: Snapshots, launch: Launch, output: IO[bytes]
) -> None:
    other = replace(launch, handler="other", variables={**launch.variables, "TMPDIR": "/two"})
    for each in (launch, other):
        assert snapshots.start(each).wait(timeout=20) == 0
    assert said(output) == f"app.handler blue {launch.directory}\nother blue {launch.directory}\n"
    assert kept(snapshots) == 1
    red = replace(launch, variables={**launch.variables, "COLOUR": "red"})
    assert snapshots.start(red).wait(timeout=20) == 0
    assert kept(snapshots) == 2


def test_an_import_that_does_not_end_holds_nobody_up(
    snapshots: Snapshots, launch: Launch, output: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "SNAPSHOT_SECONDS_MAX", 0.2)
    (launch.directory / "numpy.py").write_text("import time\ntime.sleep(600)")
    assert snapshots.start(launch).wait(timeout=20) == 0
    assert said(output).startswith("app.handler blue")
    assert kept(snapshots) == 0


def test_of_many_snapshots_the_one_idle_longest_goes(
    snapshots: Snapshots, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "SNAPSHOTS_KEPT_MAX", 2)
    for colour in ("red", "green", "red", "blue"):
        coloured = replace(launch, variables={**launch.variables, "COLOUR": colour})
        assert snapshots.start(coloured).wait(timeout=20) == 0
    assert [dict(key)["COLOUR"] for key in snapshots._made] == ["red", "blue"]


def test_a_process_that_goes_on_is_waited_for_as_long_as_asked(
    snapshots: Snapshots, launch: Launch
) -> None:
    (launch.directory / "awslambdaric" / "__main__.py").write_text("import time; time.sleep(60)")
    process = snapshots.start(launch)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.05)
    process.kill()
    assert process.wait(timeout=20) == -9
    process.kill()


@pytest.mark.parametrize("permission", [b"!", b""])
def test_a_process_that_nobody_heard_of_does_not_run(
    permission: bytes, launch: Launch, output: IO[bytes]
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        forks = subprocess.Popen(
            [sys.executable, "-P", forking.__file__, str(theirs.fileno())],
            env=dict(launch.variables),
            pass_fds=(theirs.fileno(),),
        )
        reading, writing = os.pipe()
        asked = {"variables": dict(launch.variables), "directory": "/", "handler": "app"}
        socket.send_fds(ours, [json.dumps(asked).encode()], [launch.output, reading])
        os.close(reading)
        number = int(ours.recv(64))
        os.write(writing, permission)
        os.close(writing)
        ours.shutdown(socket.SHUT_WR)
        assert forks.wait(timeout=20) == 0
    deadline = time.monotonic() + 20
    while Path(f"/proc/{number}/cwd").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert said(output) == ("app blue /\n" if permission else "")
