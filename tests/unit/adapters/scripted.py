"""A server that answers as scripted and remembers what it was asked."""

import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Answer:
    """An HTTP response; ``then_closes`` hangs up after it without saying so beforehand."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    then_closes: bool = False
    chunked: bool = False


@dataclass(frozen=True)
class Reset:
    """The request is read and the connection reset."""


@dataclass(frozen=True)
class Silence:
    """Nothing, for some time."""

    seconds: float


@dataclass(frozen=True)
class Truncated:
    """Half a response."""


type Step = Answer | Reset | Silence | Truncated


@dataclass(frozen=True)
class Request:
    """What was asked, and on which connection, counted from 1."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


class ScriptedServer(ThreadingTCPServer):
    """Takes the steps one by one; after the last it repeats it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps: deque[Step] = deque([Answer()])
        self.requests: list[Request] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script(self, *steps: Step) -> None:
        self.steps = deque(steps)
        self.requests = []

    def next_step(self) -> Step:
        return self.steps.popleft() if len(self.steps) > 1 else self.steps[0]


class _Handler(BaseRequestHandler):
    server: ScriptedServer
    request: socket.socket

    def handle(self) -> None:
        self.server.connections += 1
        number = self.server.connections
        with self.request.makefile("rb") as stream, suppress(OSError):
            while line := stream.readline().decode("latin-1").strip():
                headers = {}
                while header := stream.readline().decode("latin-1").strip():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.server.requests.append(Request(line, headers, body, number))
                if not self._take(self.server.next_step()):
                    return

    def _take(self, step: Step) -> bool:
        match step:
            case Answer():
                self.request.sendall(_written(step))
                return not step.then_closes
            case Reset():
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            case Silence():
                time.sleep(step.seconds)
                return False
            case Truncated():
                self.request.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                return False


def _written(answer: Answer) -> bytes:
    head = f"HTTP/1.1 {answer.status} Scripted\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    if answer.chunked:
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in answer.body) + b"0\r\n\r\n"
        return f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunks
    return f"{head}content-length: {len(answer.body)}\r\n\r\n".encode() + answer.body


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A running one, stopped in the end."""
    server = ScriptedServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
