"""One execution environment's Lambda Runtime API, served over a loopback socket.

The thread that invokes a function is the server: it answers the request for the next
event that the runtime has parked, and reads the reply from the same connection. No
thread waits in between, so a warm call costs two socket writes and two reads, and the
end of the process is seen at once as the end of the stream.

HTTP is parsed here because the peer is one known client (libcurl in `awslambdaric`, or
`http.client` when initialization fails) and because `http.server` would need a thread
per environment and a hand-over per call.
"""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

API_VERSION = "2018-06-01"
HEAD_BYTES_MAX = 64 * 1024
# The runtime may answer with more than Lambda accepts; it is read and refused by size.
BODY_BYTES_MAX = 256 * 1024 * 1024
RECEIVE_BYTES = 256 * 1024
# How long the end of a process that never connected can go unseen.
EXIT_POLL_SECONDS = 0.25


class Disconnected(Exception):
    """The runtime closed its connection: its process has ended or is about to."""


class ProtocolError(Exception):
    """The peer sent what no Lambda runtime sends."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the runtime: until ``deadline`` (`time.monotonic`), if it lives."""

    deadline: float
    alive: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class RuntimeRequest:
    """What the runtime asks or reports; ``operation`` is the path below the version."""

    method: str
    operation: str
    body: bytes

    @property
    def asks_for_event(self) -> bool:
        return self.method == "GET" and self.operation == "runtime/invocation/next"

    @property
    def reports_failed_init(self) -> bool:
        return self.method == "POST" and self.operation == "runtime/init/error"


class RuntimeSocket:
    """The server's end; at most one connection at a time is served."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self._listener.setblocking(False)
        self._peer: socket.socket | None = None
        self._unread = bytearray()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def receive(self, patience: Patience) -> RuntimeRequest:
        """Read the next request.

        Raises:
            TimeoutError: nothing complete arrived before the deadline; the connection is
                of no further use.
            Disconnected: the stream or the process ended before a request was complete.
        """
        head = self._read_head(patience)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, separator, value in (line.partition(":") for line in lines[1:])
            if separator
        }
        if headers.get("expect", "").lower() == "100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._read_body(headers, patience)
        return RuntimeRequest(method, target.removeprefix(f"/{API_VERSION}/"), body)

    def answer(self, status: int, *, headers: dict[str, str], body: bytes) -> None:
        """Reply to the request last received.

        Raises:
            Disconnected: the runtime is gone.
        """
        fields = {**headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._send(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode("latin-1") + body)

    def close(self) -> None:
        self._drop_peer()
        self._listener.close()

    def _read_head(self, patience: Patience) -> bytes:
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            if len(self._unread) > HEAD_BYTES_MAX:
                raise ProtocolError(f"head of more than {HEAD_BYTES_MAX} bytes")
            self._fill(patience)
        head = bytes(self._unread[:end])
        del self._unread[: end + 4]
        return head

    def _read_body(self, headers: dict[str, str], patience: Patience) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._read_chunks(patience)
        return self._take(int(headers.get("content-length", "0")), patience)

    def _read_chunks(self, patience: Patience) -> bytes:
        chunks = []
        while size := int(self._take_line(patience).split(b";")[0], 16):
            chunks.append(self._take(size, patience))
            self._take_line(patience)
        while self._take_line(patience):
            pass
        return b"".join(chunks)

    def _take_line(self, patience: Patience) -> bytes:
        while (end := self._unread.find(b"\r\n")) < 0:
            self._fill(patience)
        line = bytes(self._unread[:end])
        del self._unread[: end + 2]
        return line

    def _take(self, count: int, patience: Patience) -> bytes:
        if count > BODY_BYTES_MAX:
            raise ProtocolError(f"body of {count} bytes, at most {BODY_BYTES_MAX} read")
        while len(self._unread) < count:
            self._fill(patience)
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _fill(self, patience: Patience) -> None:
        """Wait for bytes, accepting the runtime's next connection if it opens one."""
        waiting = [end for end in (self._peer, self._listener) if end is not None]
        readable = self._wait(waiting, patience)
        if self._peer in readable and self._peer is not None:
            chunk = self._receive_from(self._peer)
            if not chunk:
                self._drop_peer()
                raise Disconnected
            self._unread += chunk
        else:
            self._drop_peer()
            self._peer, _ = self._listener.accept()
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peer.setblocking(True)

    @staticmethod
    def _wait(ends: list[socket.socket], patience: Patience) -> list[socket.socket]:
        while (left := patience.deadline - time.monotonic()) > 0:
            readable, _, _ = select.select(ends, [], [], min(left, EXIT_POLL_SECONDS))
            if readable:
                return readable
            if not patience.alive():
                raise Disconnected
        raise TimeoutError

    @staticmethod
    def _receive_from(peer: socket.socket) -> bytes:
        try:
            return peer.recv(RECEIVE_BYTES)
        except ConnectionError:
            return b""

    def _send(self, message: bytes) -> None:
        if self._peer is None:
            raise Disconnected
        try:
            self._peer.sendall(message)
        except OSError as error:
            raise Disconnected from error

    def _drop_peer(self) -> None:
        self._unread.clear()
        if self._peer is not None:
            self._peer.close()
            self._peer = None
