"""A proxy that loses answers: the request arrives, what comes back does not."""

import http.client
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

# Close at once with a reset, as a machine that fell over would.
_RESET = struct.pack("ii", 1, 0)


class LossyProxy(ThreadingHTTPServer):
    """Forwards to ``endpoint``; ``lose`` says how many of the next answers never arrive."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(endpoint).netloc
        self.lock = Lock()
        self.losses = 0
        self.lost: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def lose(self, count: int) -> None:
        """Of the next requests, this many are done and not answered."""
        with self.lock:
            self.losses = count
            self.lost = []

    def loses(self, request: str) -> bool:
        with self.lock:
            if not self.losses:
                return False
            self.losses -= 1
            self.lost.append(request)
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LossyProxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        connection = http.client.HTTPConnection(self.server.target, timeout=10)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if self.server.loses(f"{self.command} {self.headers.get('x-amz-target', self.path)}"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()


@contextmanager
def lossy_proxy(endpoint: str) -> Iterator[LossyProxy]:
    """A running proxy, stopped in the end."""
    proxy = LossyProxy(endpoint)
    thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
