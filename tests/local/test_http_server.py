"""The server speaks HTTP/1.1 as our clients do."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from datavault.local.http_server import serve
from tests.local.rig import request


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the method, both forms of the path, and the body."""
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    body = (await receive())["body"]
    head = f"{scope['method']} {scope['path']} ".encode() + scope["raw_path"] + b"\n"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/streamed":
        for part in (head, body):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.body", "body": head + body})


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    running = threading.Thread(
        target=loop.run_until_complete, args=(serve(echo, listener, stop=stop),)
    )
    running.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop.call_soon_threadsafe(stop.set)
    running.join()
    loop.close()


def exchange(base: str, *parts: bytes, until: bytes) -> bytes:
    """Send ``parts`` one by one on one connection and read until ``until`` arrives."""
    host, port = base.removeprefix("http://").split(":")
    received = b""
    with contextlib.closing(socket.create_connection((host, int(port)), timeout=5)) as peer:
        for part in parts:
            peer.sendall(part)
        while not received.endswith(until) and (more := peer.recv(65536)):
            received += more
    return received


@pytest.mark.parametrize("length", [0, 1, 70_000, 300_000, 5_000_000])
def test_a_body_of_any_length_arrives_whole(base: str, length: int) -> None:
    body = os.urandom(length)
    assert request(f"{base}/b", method="PUT", body=body).body == b"PUT /b /b\n" + body


def test_a_body_in_chunks_arrives_whole(base: str) -> None:
    chunks = [os.urandom(length) for length in (1, 70_000, 100_000, 3)]
    reply = request(f"{base}/c", method="POST", body=iter(chunks))
    assert reply.body == b"POST /c /c\n" + b"".join(chunks)


def test_a_reply_of_unknown_length_is_sent_in_chunks(base: str) -> None:
    reply = request(f"{base}/streamed", method="POST", body=b"x" * 100_000)
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.body == b"POST /streamed /streamed\n" + b"x" * 100_000


def test_a_path_is_given_decoded_and_as_sent(base: str) -> None:
    assert request(f"{base}/a%2Fb%20c?q=%20").body == b"GET /a/b c /a%2Fb%20c\n"


def test_a_head_request_gets_no_body(base: str) -> None:
    assert request(f"{base}/h", method="HEAD").body == b""


def test_requests_sent_at_once_are_answered_in_order(base: str) -> None:
    requests = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nb%d" % (n, n) for n in range(3)
    )
    replies = exchange(base, requests, until=b"b2")
    assert replies.count(b"HTTP/1.1 200 OK") == 3
    assert [replies.find(b"POST /%d" % n) for n in range(3)] == sorted(
        replies.find(b"POST /%d" % n) for n in range(3)
    )


def test_a_client_that_waits_for_leave_gets_it(base: str) -> None:
    head = b"PUT /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    received = exchange(base, head, b"body", until=b"body")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_head_in_pieces_is_put_together(base: str) -> None:
    received = exchange(base, b"GET /p HTT", b"P/1.1\r\nHost", b": x\r\n\r\n", until=b"/p /p\n")
    assert b"GET /p /p\n" in received


def test_a_connection_is_closed_when_asked(base: str) -> None:
    head = b"GET /q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b"connection: close" in exchange(base, head, until=b"never")


@pytest.mark.parametrize(
    "garbage", [b"\0\0\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"]
)
def test_what_is_not_http_ends_the_connection(base: str, garbage: bytes) -> None:
    assert exchange(base, garbage, until=b"never") == b""
