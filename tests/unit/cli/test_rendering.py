"""Tables, values and differences as a terminal shows them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.cli.changes import field_changes
from datavault.cli.tables import (
    CHUNK_ROWS,
    Column,
    clipped,
    counted,
    display_width,
    fields_lines,
    moment,
    padded,
    shown,
    size,
    table_lines,
)

COLUMNS: tuple[Column[tuple[str, object]], ...] = (
    Column("NAME", lambda row: row[0]),
    Column("N", lambda row: row[1], right=True),
)


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    rows = [("日本", 1), ("e\u0301", 1234567), ("plain", None)]
    assert list(table_lines(rows, COLUMNS, width=80))[1:] == [
        "日本           1",
        "e\u0301      1,234,567",
        "plain",
    ]


def test_a_long_table_is_shown_as_it_comes() -> None:
    taken = 0

    def rows() -> Iterator[tuple[str, object]]:
        nonlocal taken
        while True:
            taken += 1
            yield "x", taken

    lines = table_lines(rows(), COLUMNS, width=80)
    assert next(lines)
    assert taken == CHUNK_ROWS
    for _ in range(CHUNK_ROWS + 1):
        next(lines)
    assert taken == 2 * CHUNK_ROWS


def test_an_elastic_column_is_cut_to_the_line() -> None:
    columns: tuple[Column[tuple[str, object]], ...] = (
        COLUMNS[1],
        Column("TEXT", lambda row: row[0], elastic=True),
    )
    *_, line = table_lines([("x" * 100, 1)], columns, width=20)
    assert (display_width(line), line[-1]) == (20, "…")
    *_, line = table_lines([("日" * 100, 1)], columns, width=20)
    assert display_width(line) in {19, 20}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 日本 🔒", "plain é 日本 🔒"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\r\nb\tc\x9bd\x7f", "a\\u000d\\u000ab\\u0009c\\u009bd\\u007f"),
        ("left\u202eright\u200b", "left\\u202eright\\u200b"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_nothing_steers_the_terminal(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text())
def test_what_is_shown_is_the_same_json(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False)
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert json.loads(shown(written)) == text


@given(st.text(), st.integers(2, 40))
def test_what_is_clipped_fits(text: str, width: int) -> None:
    assert display_width(clipped(shown(text), width)) <= width
    assert display_width(padded(clipped(shown(text), width), width)) == width


def test_amounts_and_times_are_as_people_say_them() -> None:
    assert [counted(1, "record"), counted(2000, "record")] == ["1 record", "2,000 records"]
    assert [size(0), size(1023), size(1536), size(5 * 2**40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "5.0 TiB",
    ]
    at = datetime(2026, 1, 31, 13, 0, 0, 999000, timezone(timedelta(hours=1)))
    assert moment(at) == "2026-01-31 12:00:00Z"
    fields = fields_lines(
        [("a", None), ("long name", True), ("t", datetime(2026, 1, 1, tzinfo=UTC))]
    )
    assert list(map(click.unstyle, fields)) == ["long name  yes", "t          2026-01-01 00:00:00Z"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=2), JSON), st.dictionaries(st.text(max_size=2), JSON))
def test_field_changes_lead_from_one_record_to_the_other(
    before: dict[str, object], after: dict[str, object]
) -> None:
    changes = list(field_changes(*(json.dumps(each).encode() for each in (before, after))))
    made = json.loads(json.dumps(before))
    for change in changes:
        *path, last = [
            token.replace("~1", "/").replace("~0", "~") for token in change.pointer.split("/")[1:]
        ]
        at = made
        for name in path:
            at = at[name]
        if change.after is None:
            del at[last]
        else:
            at[last] = json.loads(change.after)
    assert made == after


def test_numbers_differ_as_they_are_written() -> None:
    found = list(field_changes(b'{"a":1,"b":true,"c":1e2}', b'{"a":1.0,"b":1,"c":1e2}'))
    assert [(each.pointer, each.before, each.after) for each in found] == [
        ("/a", "1", "1.0"),
        ("/b", "true", "1"),
    ]
