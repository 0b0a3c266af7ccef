"""The vault's whole cloud on one machine: one process, one loopback port, no containers.

A cloud with a state directory keeps what is in it over a clean stop; one without is
gone when it stops. Several clouds run side by side. Nothing but 127.0.0.1 is listened
on, and nothing is left running when the cloud stops or its owner dies.
"""

import contextlib
import enum
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from datavault.local.emulator import SHUTDOWN_SECONDS, Settings
from datavault.local.issuer import Issuer

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"
START_SECONDS_MAX = 60.0
# Where nobody collects orphans their entries never go; they run no more all the same.
GROUP_END_SECONDS_MAX = 1.0
LOG_TAIL_BYTES = 4096
# What a child needs of its owner's environment; above all not AWS_ENDPOINT_URL, which
# the emulator would hand on to functions.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "VIRTUAL_ENV",
    "PYTHONDONTWRITEBYTECODE",
)


class Permissions(enum.StrEnum):
    """Whether the cloud asks IAM before it obeys."""

    OPEN = "open"
    # Signatures, identity and resource policies; each function acts as its own role.
    ENFORCED = "enforced"


class CloudFailed(RuntimeError):
    """The emulator did not start; the message ends with its last words."""


class LocalCloud:
    """A running cloud; `start` makes one, `stop` or the end of a ``with`` block ends it."""

    def __init__(
        self,
        *,
        endpoint: str,
        home: Path,
        process: subprocess.Popen[bytes],
        watch_fd: int,
        temporary: bool,
    ) -> None:
        self.endpoint = endpoint
        self.home = home
        self.issuer = Issuer(endpoint=endpoint, key_file=home / "issuer.pem")
        self._process = process
        self._watch_fd = watch_fd
        self._temporary = temporary
        self._stopped = False

    @classmethod
    def start(
        cls,
        *,
        port: int | None = None,
        state: Path | None = None,
        permissions: Permissions = Permissions.OPEN,
        requests: Path | None = None,
        snapshots: bool = True,
    ) -> Self:
        """Start a cloud and return when it answers.

        With ``state`` its contents are what the last clean stop left, and a port that is
        not given is the one used last, if it is still free: API addresses stay valid.
        ``requests`` is a file that gets a line for each request (``local.requests_log``).
        ``snapshots`` starts functions as SnapStart does (``local.lambdas.launching``); without,
        each imports all that it needs, as a cold start is without SnapStart.

        Raises:
            CloudFailed: it ended or did not answer within ``START_SECONDS_MAX``.
            OSError: ``port`` is taken.
        """
        if state is not None:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
        listener = _listen(port, state)
        home = (state or Path(tempfile.mkdtemp(prefix="datavault-cloud-"))).resolve()
        endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
        watched, watch_fd = os.pipe()
        with listener:
            # Before the child starts, so that both find the same key.
            Issuer(endpoint=endpoint, key_file=home / "issuer.pem")
            environment = _environment(endpoint, permissions, state.resolve() if state else None)
            process = _spawn(endpoint, listener, watched, home, environment, requests, snapshots)
        os.close(watched)
        cloud = cls(
            endpoint=endpoint,
            home=home,
            process=process,
            watch_fd=watch_fd,
            temporary=state is None,
        )
        try:
            cloud._wait_until_ready()
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def stop(self) -> None:
        """End the emulator and every function; a cloud with state saves it first."""
        if self._stopped:
            return
        self._stopped = True
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=SHUTDOWN_SECONDS)
        finally:
            _end_group(self._process)
            self._process.wait()
            os.close(self._watch_fd)
            if self._temporary:
                shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """What the emulator printed; functions print to ``logs/<function>.log`` beside it."""
        return self.home / "emulator.log"

    def api_url(self, api_id: str, stage: str) -> str:
        """The base address of a deployed REST API's stage, without a final slash."""
        return f"{self.endpoint}/_aws/execute-api/{api_id}/{stage}"

    def boto3(self, service: str) -> Any:  # noqa: ANN401
        """A client of ``service`` in this cloud."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
                retries={"mode": "standard", "total_max_attempts": 1},
                read_timeout=120,
            ),
            **self.credentials(),
        )

    @staticmethod
    def credentials() -> dict[str, str]:
        """Keyword arguments for a boto3 client or session of the cloud's account."""
        return {
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }

    def _wait_until_ready(self) -> None:
        """The socket listens from the start, so one request waits for the first answer."""
        deadline = time.monotonic() + START_SECONDS_MAX
        port = int(self.endpoint.rsplit(":", 1)[1])
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise CloudFailed(f"the emulator ended while starting\n{self._log_tail()}")
            connection = http.client.HTTPConnection(HOST, port, timeout=1)
            try:
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
            except (TimeoutError, OSError, http.client.HTTPException):
                time.sleep(0.02)
            finally:
                connection.close()
        raise CloudFailed(f"no answer in {START_SECONDS_MAX:.0f} s\n{self._log_tail()}")

    def _log_tail(self) -> str:
        try:
            return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return "it wrote no log"


def _listen(port: int | None, state: Path | None) -> socket.socket:
    """Bind before the child starts: no other process can take the port in between."""
    remembered = state / "port" if state else None
    if port is None and remembered is not None and remembered.exists():
        try:
            return socket.create_server((HOST, int(remembered.read_text())), backlog=512)
        except OSError:
            pass  # Another cloud has it; take a new one.
    try:
        listener = socket.create_server((HOST, port or 0), backlog=512)
    except OSError as error:
        number = error.errno or 0
        why = f"port {port} of {HOST} cannot be taken: {os.strerror(number)}"
        raise OSError(number, why) from None
    if remembered is not None:
        remembered.write_text(str(listener.getsockname()[1]))
    return listener


def _spawn(
    endpoint: str,
    listener: socket.socket,
    watched: int,
    home: Path,
    environment: Mapping[str, str],
    requests: Path | None,
    snapshots: bool,
) -> subprocess.Popen[bytes]:
    settings = Settings(
        endpoint=endpoint,
        socket_fd=listener.fileno(),
        watch_fd=watched,
        home=str(home),
        cache=str(_cache()),
        snapshots=snapshots,
        requests=None if requests is None else str(requests),
    )
    with open(home / "emulator.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "datavault.local.emulator", settings.encode()],
            env=environment,
            pass_fds=(listener.fileno(), watched),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _environment(endpoint: str, permissions: Permissions, state: Path | None) -> dict[str, str]:
    """The emulator's whole environment; it reads its configuration nowhere else."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {
        "AUTH": "true" if permissions is Permissions.ENFORCED else "false",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
        "LAMBDA_WARM_TTL_SECONDS": "300",
        # Freed bodies stay in the heap: touching fresh pages cost more than receiving
        # (64 MiB uploads went from 430 to 520 MB/s, replacements from 470 to 760).
        "MALLOC_MMAP_THRESHOLD_": str(512 * 1024**2),
        "MALLOC_TRIM_THRESHOLD_": str(512 * 1024**2),
        "MALLOC_TOP_PAD_": str(64 * 1024**2),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    if state is not None:
        environment |= {
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(state / "services"),
            "S3_DATA_DIR": str(state / "objects"),
        }
    return environment


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process group and wait until nothing of it runs."""
    deadline = time.monotonic() + GROUP_END_SECONDS_MAX
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()  # Its own entry stays until it is collected.
            time.sleep(0.005)


def _cache() -> Path:
    """Where unpacked code is shared by all clouds of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "datavault", "local")
