"""Health, and the API's descriptions of itself."""

import json
from typing import Any

import pytest

from datavault.contracts.openapi import document
from datavault.domain.errors import Unavailable
from functions.health import docs, live, openapi, ready
from tests.functions.events import Client


def fail(*_: Any) -> None:
    raise Unavailable("no answer")


def test_live_says_that_it_answers(client: Client) -> None:
    reply = client(live.handler)
    assert (reply.status, reply.json["status"], reply.json["checks"]) == (200, "healthy", [])
    assert reply.json["timestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("failing", "status", "word"),
    [
        (None, 200, "healthy"),
        ("objects", 200, "degraded"),
        ("keyring", 200, "degraded"),
        ("catalog", 503, "unhealthy"),
    ],
)
def test_ready_says_what_works(
    client: Client, monkeypatch: pytest.MonkeyPatch, failing: str | None, status: int, word: str
) -> None:
    if failing is not None:
        monkeypatch.setattr(getattr(client.vault, failing), "ping", fail)
    reply = client(ready.handler)
    assert (reply.status, reply.json["status"]) == (status, word)
    assert reply.headers["Content-Type"] == "application/json"
    names = ["catalog", "objects", "keys"] + (["writes"] if failing != "catalog" else [])
    assert [each["name"] for each in reply.json["checks"]] == names
    assert set(reply.json["checks"][0]) == {"name", "status", "latency_ms", "message"}


def test_the_document_is_served_as_it_is(client: Client) -> None:
    reply = client(openapi.handler)
    assert reply.status == 200
    assert reply.json == json.loads(json.dumps(document()))
    assert "max-age" in reply.headers["Cache-Control"]


def test_the_page_is_served_with_a_policy_that_lets_nothing_else_in(client: Client) -> None:
    reply = client(docs.handler)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert reply.body.startswith(b"<!doctype html>")
