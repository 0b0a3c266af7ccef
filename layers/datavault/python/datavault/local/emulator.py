"""The child process of a local cloud: the emulator with our shims, on one loopback port.

Run as ``python -m datavault.local.emulator SETTINGS`` by `LocalCloud`, which passes the
listening socket and the read end of a pipe. When the pipe ends, whoever started the
cloud is gone: the emulator saves its state and takes its whole process group with it,
so that no function outlives the cloud.
"""

import asyncio
import importlib.metadata
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datavault.local.grants import grant
from datavault.local.http_server import Application, serve
from datavault.local.issuer import TOKEN_PATH, Issuer
from datavault.local.requests_log import logged
from datavault.local.shims.misfit import ShimMisfit

MINISTACK_VERSION = "1.5.33"
SHUTDOWN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parent decides; it crosses the process boundary as JSON."""

    endpoint: str
    socket_fd: int
    watch_fd: int
    home: str
    cache: str
    snapshots: bool
    """Whether functions start as Lambda's do with SnapStart."""
    requests: str | None = None
    """Where a line for each request goes, if anywhere."""

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Settings":
        return cls(**json.loads(text))


def main() -> None:
    settings = Settings.decode(sys.argv[1])
    _require_pinned_emulator()
    _raise_descriptor_limit()
    end_functions = _install_shims(settings)
    issuer = Issuer(endpoint=settings.endpoint, key_file=Path(settings.home, "issuer.pem"))
    threading.Thread(target=_end_with_parent, args=(settings.watch_fd,), daemon=True).start()
    asyncio.run(_serve(settings, issuer, end_functions))


def _require_pinned_emulator() -> None:
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise ShimMisfit(f"ministack {installed} is installed, {MINISTACK_VERSION} is patched")


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _install_shims(settings: Settings) -> Callable[[], None]:
    from datavault.local.shims import (
        api_gateway,
        cloudformation,
        expressions,
        kms,
        lambda_runtime,
        limits,
        permissions,
        published_layers,
        s3_bodies,
        saved_layers,
        step_functions,
        stream_mappings,
    )

    for shim in (
        api_gateway,
        cloudformation,
        expressions,
        kms,
        limits,
        permissions,
        published_layers,
        s3_bodies,
        saved_layers,
        step_functions,
        stream_mappings,
    ):
        shim.install()
    return lambda_runtime.install(
        cache=Path(settings.cache),
        home=Path(settings.home),
        endpoint=settings.endpoint,
        snapshots=settings.snapshots,
    )


async def _serve(settings: Settings, issuer: Issuer, end_functions: Callable[[], None]) -> None:
    from ministack.app import app

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = socket.socket(fileno=settings.socket_fd)
    try:
        asked = _with_issuer(app, issuer)
        if settings.requests is not None:
            asked = logged(asked, Path(settings.requests))
        await serve(asked, listener, stop=stop)
    finally:
        # Here and not after the loop, whose end would wait for every call in a thread.
        end_functions()
        _end_process_group()


def _with_issuer(application: Application, issuer: Issuer) -> Application:
    """Answer the issuer's paths before the emulator sees the request."""
    documents = issuer.documents()

    async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        path = scope.get("path", "") if scope["type"] == "http" else ""
        status, document = 200, documents.get(path)
        if path == TOKEN_PATH and scope["method"] == "POST":
            authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            form = (await receive())["body"]
            granted = grant(issuer, authorization=authorization, form=form)
            status, document = granted.status, granted.document
        if document is None:
            await application(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(document)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": document})

    return answer


def _end_with_parent(watch_fd: int) -> None:
    os.read(watch_fd, 1)
    signal.alarm(int(SHUTDOWN_SECONDS))
    os.kill(os.getpid(), signal.SIGTERM)


def _end_process_group() -> None:
    """Take functions that are still running along; we are the leader of the group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
