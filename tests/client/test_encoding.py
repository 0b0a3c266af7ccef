"""Requests as they leave, and methods for rows of every shape."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import pytest
from pydantic import Field

from datavault.client import record
from datavault.client.encoding import json_text, request_of
from datavault.client.generator.methods import Flavour, methods_module
from datavault.client.generator.operations import described
from datavault.client.routes import Arguments, Route
from datavault.contracts.operations import JSON, NDJSON, Operation
from datavault.contracts.records import RecordReply
from datavault.contracts.wire import Body, Cursor, Limit, Pagination, Query, Reply
from datavault.domain.access import Action

LIST: Route[None] = Route("list_things", "GET", "/api/v1/things/{thing_id}")


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ({"a": None}, ""),
        ({"a": "x y&z", "b": 5}, "?a=x%20y%26z&b=5"),
        ({"a": True, "b": False}, "?a=true&b=false"),
        ({"label": ["team=a", "x"], "none": ()}, "?label=team%3Da&label=x"),
        ({"at": datetime(2026, 1, 31, 12, tzinfo=UTC)}, "?at=2026-01-31T12%3A00%3A00%2B00%3A00"),
    ],
)
def test_a_query_is_what_was_given(query: dict[str, object], sent: str) -> None:
    request = request_of(LIST, Arguments(path=("a/b",), query=query), {})
    assert request.target == f"/api/v1/things/a%2Fb{sent}"
    assert request.content is None


@pytest.mark.parametrize(("given", "sent"), [(3, '"3"'), ("*", "*"), ('"3"', '"3"'), ("x", '"x"')])
def test_an_entity_tag_is_put_in_quotes(given: str | int, sent: str) -> None:
    request = request_of(LIST, Arguments(path=("a",), if_match=given), {})
    assert request.headers["If-Match"] == sent


@pytest.mark.parametrize("path", ["", None, 5])
def test_a_path_takes_names_only(path: object) -> None:
    with pytest.raises(ValueError, match="not an empty one"):
        request_of(LIST, Arguments(path=(path,)), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, "ü\n"]}, '{"a":[1,null,true,"ü\\n"]}'),
        ([record(b'{ "n":1.0 }', id="a")], '[{"id":"a","data":{ "n":1.0 }}]'),
        ([record({"n": 0.5})], '[{"data":{"n":0.5}}]'),
        (
            {"at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))},
            '{"at":"2026-01-01T00:00:00+02:00"}',
        ),
    ],
)
def test_a_body_is_compact_and_keeps_records(value: object, text: str) -> None:
    assert json_text(value) == text.encode()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        "\ud800",
        b"{",
        b"{} {}",
        b'{"a":1},{"b":2}',
        b'{"a":\xff}',
        datetime(2026, 1, 1),  # noqa: DTZ001  # What it is about.
    ],
)
def test_what_no_json_can_carry_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        json_text({"a": [value]})


class FindQuery(Query):
    """A query with a tuple, and a word that Python keeps for itself."""

    label: Annotated[tuple[str, ...], Field(max_length=2)] = ()
    since: datetime | None = None
    import_: Annotated[str | None, Field(alias="import")] = None
    limit: Limit = 100
    cursor: Cursor = None


class FindBody(Body):
    """A body with something that has no default."""

    text: str
    depth: int | None = None


class Counted(Reply):
    """A page of a count: no items."""

    count: int
    pagination: Pagination


class Found(Reply):
    """A page."""

    data: list[RecordReply]
    pagination: Pagination


def made(**parts: object) -> str:
    row = Operation(
        **{  # type: ignore[arg-type]
            "name": "find_things",
            "capability": "things",
            "method": "POST",
            "path": "/api/v1/things/{thing_id}/find",
            "summary": "Find things",
            "action": Action.READ_RECORDS,
            "function": "functions.things.find",
            "grants": frozenset(),
            "status": 200,
            **parts,
        }
    )
    texts = [methods_module("things", [described(row)], flavour) for flavour in Flavour]
    for text in texts:
        compile(text, "things", "exec")
    return texts[0]


def test_a_search_in_a_body_is_a_list_too() -> None:
    text = made(query=FindQuery, body=FindBody, reply=Found, returns=(JSON, NDJSON))
    assert "*, text: str, depth: int | None = None, label: Sequence[str] = ()" in text
    assert "since: datetime | None = None" in text
    assert "'import': import_" in text
    for name in ("iter_find_things", "find_things_as_lines", "iter_find_things_as_lines"):
        assert f"def {name}(self, thing_id: str, *, text: str" in text
    assert "yield from page.data" in text


def test_pages_without_items_are_items_themselves() -> None:
    text = made(method="GET", query=FindQuery, reply=Counted)
    assert "-> Iterator[Counted]" in text
    assert "yield from pages(self.find_things, thing_id" in text


def test_names_that_clash_are_refused() -> None:
    class Clashing(Body):
        thing_id: str

    with pytest.raises(ValueError, match="thing_id"):
        made(body=Clashing)
    with pytest.raises(TypeError, match="no pagination"):
        made(query=FindQuery, reply=RecordReply)
