"""Keep-alive connections to one endpoint: bytes out, a status, headers and a body back.

A connection that the other side closed while it lay idle is noticed before it is used, or by
the first byte that does not come; then the request goes out once more on a new one, which is
safe because every request of ours may be repeated.
"""

import http.client
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

# Fewer than the 350 s after which AWS's load balancers forget a connection silently.
# By the clock on the wall: a frozen Lambda's monotonic clock stands still.
_IDLE_SECONDS_MAX = 60.0
_IDLE_CONNECTIONS_MAX = 32
_HTTPS_PORT = 443
_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait: for a connection, for the next bytes, for all attempts of a call."""

    connect_s: float = 1.0
    read_s: float = 10.0
    call_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read to its end."""

    status: int
    error_type: str
    body: bytes


@dataclass(slots=True)
class _Idle:
    socket: socket.socket
    since_s: float


class Connections:
    """The connections to one endpoint; safe to use from several threads."""

    def __init__(
        self, endpoint: str, *, timeouts: Timeouts | None = None, ca_file: str | None = None
    ) -> None:
        parts = urlsplit(endpoint)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (_HTTPS_PORT if self._secure else _HTTP_PORT)
        self._timeouts = timeouts or Timeouts()
        self._ca_file = ca_file
        self._idle: deque[_Idle] = deque(maxlen=_IDLE_CONNECTIONS_MAX)
        # As the ``host`` header has it: with a port only if it is not the scheme's own.
        default = f":{_HTTPS_PORT if self._secure else _HTTP_PORT}"
        self.host = parts.netloc.removesuffix(default)
        self.path = parts.path or "/"

    def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request and read its response; an ``OSError`` when the network fails."""
        head = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        request = (
            f"POST {self.path} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode(
                "latin-1"
            )
            + body
        )
        reused = self._take_idle()
        if reused is not None:
            try:
                return self._exchange(reused, request)
            except (ConnectionError, http.client.RemoteDisconnected, ssl.SSLError):
                pass  # It went stale between our look at it and its use.
        return self._exchange(self._connect(), request)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().socket.close()

    def _exchange(self, connection: socket.socket, request: bytes) -> Response:
        kept = False
        try:
            connection.sendall(request)
            with http.client.HTTPResponse(connection, method="POST") as response:
                response.begin()
                body = response.read()
                kept = not response.will_close
                error_type = response.getheader("x-amzn-errortype") or ""
            return Response(response.status, error_type, body)
        finally:
            if kept:
                self._idle.append(_Idle(connection, time.time()))
            else:
                connection.close()

    def _take_idle(self) -> socket.socket | None:
        while True:
            try:
                idle = self._idle.pop()
            except IndexError:
                return None
            fresh = 0 <= time.time() - idle.since_s < _IDLE_SECONDS_MAX
            if fresh and not _is_readable(idle.socket):
                return idle.socket
            idle.socket.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(
            (self._host, self._port), timeout=self._timeouts.connect_s
        )
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
            connection.settimeout(self._timeouts.read_s)
        except BaseException:
            connection.close()
            raise
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Verifies the certificate and the host's name; 30 ms to make, so made when needed."""
        return ssl.create_default_context(cafile=self._ca_file)


def _is_readable(connection: socket.socket) -> bool:
    """Nothing is under way, so what can be read is the other side's farewell."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
