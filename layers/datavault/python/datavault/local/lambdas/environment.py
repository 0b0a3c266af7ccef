"""One execution environment: a process that serves one call at a time until it is closed.

The process is AWS's own runtime interface client, so errors, stack traces, log lines
and what cannot be serialized are what they are on AWS. Its environment holds what
Lambda sets, what the function declares, and nothing of ours.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from datavault.local.lambdas.launching import Launch, Launcher, Process
from datavault.local.lambdas.runtime_api import (
    Disconnected,
    Patience,
    RuntimeRequest,
    RuntimeSocket,
)

# AWS gives initialization 10 seconds and then starts again inside the call's own time.
# A laptop that compiles, synthesizes and tests at the same time gets more.
INIT_SECONDS_MAX = 30.0
# Six mebibytes and 100 bytes: the figure that Lambda's own message names.
RESPONSE_BYTES_MAX = 6_291_556
LOG_BYTES_KEPT_MAX = 4 * 1024 * 1024
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function version as it is deployed, with its code on disk."""

    name: str
    arn: str
    version: str
    handler: str
    memory_mb: int
    timeout_s: float
    region: str
    log_group: str
    code: Path
    layers: tuple[Path, ...]
    variables: Mapping[str, str] = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call returned, or the error object that Lambda reports for it."""

    payload: object
    failed: bool
    log: str


class Environment:
    """A process for one call at a time, started by the first."""

    def __init__(
        self,
        spec: FunctionSpec,
        launcher: Launcher,
        *,
        runtime: Path,
        endpoint: str,
        scratch: Path,
        log_file: Path,
    ) -> None:
        self._spec = spec
        self._launcher = launcher
        self._runtime = runtime
        self._endpoint = endpoint
        self._scratch_root = scratch
        self._log_file = log_file
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._socket: RuntimeSocket | None = None
        self._output: IO[bytes] | None = None
        self._scratch: Path | None = None
        self._parked = False

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Outcome | None:
        """Start the process and wait until it asks for an event; else say what failed."""
        with self._lock:
            return self._start()

    def invoke(
        self, event: bytes, *, request_id: str, arn: str, trace_id: str | None = None
    ) -> Outcome:
        """Run the handler on ``event`` (JSON) and return what came of it.

        A handler's error leaves the process warm; a timeout, an exit or a failed
        initialization ends it, and the next call starts another.
        """
        with self._lock:
            if (failure := self._start()) is not None:
                return failure
            assert self._socket is not None
            deadline_ms = int((time.time() + self._spec.timeout_s) * 1000)
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": arn,
            }
            if trace_id is not None:
                headers["Lambda-Runtime-Trace-Id"] = trace_id
            deadline = time.monotonic() + self._spec.timeout_s
            try:
                self._socket.answer(200, headers=headers, body=event)
                self._parked = False
                report = self._receive(deadline)
                self._socket.answer(202, headers={}, body=b"")
            except TimeoutError:
                return self._abandon(
                    "Sandbox.Timedout",
                    f"RequestId: {request_id} Error: "
                    f"Task timed out after {self._spec.timeout_s:.2f} seconds",
                )
            except Disconnected:
                return self._abandon(
                    "Runtime.ExitError", f"RequestId: {request_id} Error: {self._exit_reason()}"
                )
            return self._outcome(report)

    def kill(self) -> None:
        """End the process now and collect it; whoever waits for it finds out by itself."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the process now, whatever it does, and remove its scratch directory."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._output is not None:
            self._output.close()
            self._output = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _start(self) -> Outcome | None:
        if self.alive and self._parked:
            return None
        if self.alive and self._await_parked(time.monotonic() + self._spec.timeout_s):
            return None
        self.close()
        self._spawn()
        deadline = time.monotonic() + max(INIT_SECONDS_MAX, self._spec.timeout_s)
        try:
            request = self._receive(deadline)
        except TimeoutError:
            return self._abandon("Sandbox.Timedout", "Initialization did not end in time")
        except Disconnected:
            return self._abandon("Runtime.ExitError", f"Error: {self._exit_reason()}")
        if request.reports_failed_init:
            log = self._drain()
            self.close()
            return Outcome(json.loads(request.body), failed=True, log=log)
        self._parked = request.asks_for_event
        return None

    def _await_parked(self, deadline: float) -> bool:
        try:
            self._parked = self._receive(deadline).asks_for_event
        except (TimeoutError, Disconnected):
            return False
        return self._parked

    def _receive(self, deadline: float) -> RuntimeRequest:
        assert self._socket is not None
        return self._socket.receive(Patience(deadline, lambda: self.alive))

    def _outcome(self, report: RuntimeRequest) -> Outcome:
        log = self._drain()
        if len(report.body) > RESPONSE_BYTES_MAX:
            error = {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": "Response payload size exceeded maximum allowed payload size "
                f"({RESPONSE_BYTES_MAX} bytes).",
            }
            return Outcome(error, failed=True, log=log)
        failed = not report.operation.endswith("/response")
        return Outcome(json.loads(report.body or b"null"), failed=failed, log=log)

    def _abandon(self, error_type: str, message: str) -> Outcome:
        log = self._drain()
        self.close()
        error = {"errorType": error_type, "errorMessage": message}
        return Outcome(error, failed=True, log=f"{log}\n{message} {error_type}".strip())

    def _exit_reason(self) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "Runtime exited without providing a reason"
        if code == 0:
            return "Runtime exited without providing a reason"
        reason = "signal: killed" if code < 0 else f"exit status {code}"
        return f"Runtime exited with error: {reason}"

    def _spawn(self) -> None:
        self._socket = RuntimeSocket()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{self._spec.name}-", dir=self._scratch_root))
        # A file rather than a pipe: nothing has to drain it while the handler runs, and
        # what was written before the reply is there when the reply is. Its folder says whose it is.
        self._output = tempfile.TemporaryFile(buffering=0, dir=self._scratch)  # noqa: SIM115
        self._parked = False
        self._process = self._launcher.start(
            Launch(
                self._spec.handler,
                self._spec.code,
                self._variables(self._socket.address, self._scratch),
                self._output.fileno(),
                has_layers=bool(self._spec.layers),
            )
        )

    def _drain(self) -> str:
        """Return what was printed since the last call, and copy it to the log file."""
        if self._output is None:
            return ""
        size = os.fstat(self._output.fileno()).st_size
        if not size:
            return ""
        printed = os.pread(self._output.fileno(), LOG_BYTES_KEPT_MAX, 0)
        # The process shares the file's position, so both start again at the beginning.
        os.ftruncate(self._output.fileno(), 0)
        os.lseek(self._output.fileno(), 0, os.SEEK_SET)
        with self._log_file.open("ab") as log:
            log.write(printed)
        return printed.decode(errors="replace").rstrip("\n")

    def _variables(self, address: str, scratch: Path) -> dict[str, str]:
        spec = self._spec
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        modules = [spec.code]
        for layer in spec.layers:
            modules += [layer / "python" / "lib" / version / "site-packages", layer / "python"]
        paths = [str(path) for path in (*modules, self._runtime)]
        declared = {name: value for name, value in spec.variables.items() if not _reserved(name)}
        return {
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": os.pathsep.join([*(f"{each}/bin" for each in spec.layers), SYSTEM_PATH]),
            # Without a layer this must not be empty, which would mean the working directory.
            "LD_LIBRARY_PATH": os.pathsep.join([*(f"{each}/lib" for each in spec.layers), "/lib"]),
            "TMPDIR": str(scratch),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ENDPOINT_URL": self._endpoint,
            # The emulator has one host name; a prefixed one would not resolve.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            # Initialization must never wait for the metadata service of a real machine.
            "AWS_EC2_METADATA_DISABLED": "true",
            "POWERTOOLS_TRACE_DISABLED": "true",
            **declared,
            **spec.credentials,
            "PYTHONPATH": os.pathsep.join(
                [*paths, declared["PYTHONPATH"]] if "PYTHONPATH" in declared else paths
            ),
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_REGION": spec.region,
            "AWS_DEFAULT_REGION": spec.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": f"[{spec.version}]{uuid.uuid4().hex}",
            "LAMBDA_TASK_ROOT": str(spec.code),
            "LAMBDA_RUNTIME_DIR": str(self._runtime),
            "_HANDLER": spec.handler,
        }


def _reserved(name: str) -> bool:
    """Lambda refuses these at deployment; a function cannot declare who it is."""
    return name.startswith("AWS_LAMBDA_") or name in {
        "_HANDLER",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
