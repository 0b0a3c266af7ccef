"""The smoke test passes for a stage that is ready, and for no other."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra import smoke


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that gives these statuses, the last one for ever; and what it was asked."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["User-Agent"]))
            self.send_response(statuses[min(len(asked), len(statuses)) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_stage_that_is_ready_passes() -> None:
    with answering(200) as (url, asked):
        assert smoke.is_ready(url, attempts=1)
    assert asked == [("/live/health/ready", "datavault-smoke")]


def test_a_stage_may_need_some_attempts() -> None:
    with answering(503, 403, 200) as (url, asked):
        assert smoke.is_ready(url, attempts=3, pause_s=0)
    assert len(asked) == 3


@pytest.mark.parametrize("status", [503, 403, 404, 500])
def test_a_stage_that_is_not_ready_fails(status: int) -> None:
    with answering(status) as (url, asked):
        assert not smoke.is_ready(url, attempts=2, pause_s=0)
    assert len(asked) == 2


def test_a_stage_that_nobody_answers_for_fails() -> None:
    with answering(200) as (url, _):
        pass
    assert not smoke.is_ready(url, attempts=2, pause_s=0)


def test_the_address_is_from_what_the_deployment_wrote(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    with answering(200) as (url, _):
        outputs.write_text(json.dumps({"DataVault-dev-Api": {"ApiUrl": url}}))
        assert smoke.main(["--stage", "dev", "--outputs", str(outputs)]) == 0
        assert smoke.main(["--stage", "prod", "--outputs", str(outputs)]) == 2
    assert smoke.main(["--stage", "dev", "--outputs", str(tmp_path / "absent")]) == 2
