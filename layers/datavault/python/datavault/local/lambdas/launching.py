"""Processes for execution environments: started from nothing, or from a snapshot.

Lambda with SnapStart starts an environment from a snapshot of one that was initialized before. Here
a process with the interpreter, the layers and the variables of a function has imported what most
handlers do, and forks for each environment (``forking``): milliseconds, where the imports take a
third of a second. The runtime's client and the handler are imported after the fork.

What differs from a fresh start: strings hash alike in all functions of a snapshot; what
``IMPORTED`` brings is there although a handler may not import it
(``tests/functions/test_imports.py``); what a layer prints while it is imported goes to the
emulator's log; what a handler's own children leave running is collected when the cloud stops.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from datavault.local.lambdas import forking
from datavault.local.lambdas.managed_runtime import interpreter

# What handlers import that does not depend on which function they are of; what a layer lacks is
# passed over.
IMPORTED = (
    "numpy",
    "aws_lambda_powertools.logging",
    "datavault.adapters.aws.catalog",
    "datavault.adapters.aws.objects",
    "datavault.contracts.operations.rows",
    "datavault.services.records.reading",
)
# Of the variables that Lambda sets, those that differ from one environment to another.
OWN = ("AWS_LAMBDA_", "_HANDLER", "TMPDIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_", "AWS_SESSION_")
SNAPSHOTS_KEPT_MAX = 16
# Importing takes half a second, and on a busy laptop a few.
SNAPSHOT_SECONDS_MAX = 30.0
PR_SET_CHILD_SUBREAPER = 36


class Process(Protocol):
    """A process of ours; as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Launch:
    """What a process is started with; ``output`` is the file that it prints to."""

    handler: str
    directory: Path
    variables: Mapping[str, str]
    output: int
    has_layers: bool


class Launcher(Protocol):
    """Starts processes."""

    def start(self, launch: Launch) -> Process: ...

    def close(self) -> None:
        """End what is kept to start them from; they go on."""


class Fresh:
    """Starts each from nothing, as Lambda does without SnapStart."""

    def start(self, launch: Launch) -> Process:
        return subprocess.Popen(
            [str(interpreter()), "-S", "-m", "awslambdaric", launch.handler],
            cwd=launch.directory,
            env=dict(launch.variables),
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=subprocess.STDOUT,
        )

    def close(self) -> None:
        """Nothing is kept."""


class Snapshots:
    """Starts what has layers from a snapshot, made for the first with its layers and variables.

    Whatever becomes of a snapshot, the process is started, from nothing if need be. Makes this
    process the parent of all that its descendants leave behind.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        self._lock = threading.Lock()
        self._fresh = Fresh()
        self._made: dict[frozenset[tuple[str, str]], _Snapshot] = {}

    def start(self, launch: Launch) -> Process:
        if not launch.has_layers:
            return self._fresh.start(launch)
        shared = {
            name: value for name, value in launch.variables.items() if not name.startswith(OWN)
        }
        key = frozenset(shared.items())
        with self._lock:
            snapshot = self._made.pop(key, None) or self._new(shared)
            if snapshot is not None:
                self._made[key] = snapshot
        if snapshot is not None:
            try:
                return snapshot.start(launch)
            except OSError:
                # Killed, by whoever is short of memory, or an import that does not end.
                with self._lock:
                    if self._made.get(key) is snapshot:
                        del self._made[key]
                snapshot.close()
        return self._fresh.start(launch)

    def close(self) -> None:
        """End the snapshots."""
        with self._lock:
            made, self._made = [*self._made.values()], {}
        for snapshot in made:
            snapshot.close()

    def _new(self, variables: Mapping[str, str]) -> "_Snapshot | None":
        """Another one, in the place of the one that has been idle longest; none if none is idle."""
        if len(self._made) >= SNAPSHOTS_KEPT_MAX:
            idle = next((key for key, each in self._made.items() if each.is_idle), None)
            if idle is None:
                return None
            self._made.pop(idle).close()
        return _Snapshot(variables)


class _Snapshot:
    """A process that forks, and our end of the socket on which it is asked to."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(SNAPSHOT_SECONDS_MAX)
        with theirs:
            self._process = subprocess.Popen(
                [str(interpreter()), "-S", "-P", forking.__file__, str(theirs.fileno()), *IMPORTED],
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                pass_fds=(theirs.fileno(),),
            )

    @property
    def is_idle(self) -> bool:
        """Whether it starts nothing now."""
        return not self._lock.locked()

    def start(self, launch: Launch) -> Process:
        """Fork.

        Raises:
            OSError: the process is gone, or does not answer; what it may have forked ends.
        """
        message = json.dumps(
            {
                "variables": dict(launch.variables),
                "directory": str(launch.directory),
                "handler": launch.handler,
            }
        ).encode()
        reading, writing = os.pipe()
        with open(writing, "wb") as permission:
            try:
                with self._lock:
                    socket.send_fds(self._control, [message], [launch.output, reading])
                    answer = self._control.recv(64)
            finally:
                os.close(reading)
            if not answer:
                raise ConnectionResetError("the process that forks has ended")
            permission.write(b"!")
        return _Forked(int(answer))

    def close(self) -> None:
        """End it, and nothing that came of it."""
        self._process.kill()
        self._process.wait()
        self._control.close()


class _Forked:
    """A process that another one started for us and left to us."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._lock = threading.Lock()
        self._code: int | None = None

    def poll(self) -> int | None:
        """Collect it, if it has ended; its exit code, or the negative number of its signal."""
        with self._lock:
            if self._code is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self._code = os.waitstatus_to_exitcode(status)
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        if self.poll() is None:
            self._await_end(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code

    def kill(self) -> None:
        with self._lock:
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)

    def _await_end(self, timeout: float | None) -> None:
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return  # Somebody else has collected it meanwhile.
        try:
            end = select.poll()
            end.register(process, select.POLLIN)
            end.poll(None if timeout is None else timeout * 1000)
        finally:
            os.close(process)
