"""Lines of a batch of several pieces: those that are no records are told by row and by line."""

import numpy as np
import pytest

from datavault.domain.digests import IdKeys
from datavault.services.lines import PIECE_BYTES, read_columns, validate_rows

KEYS = IdKeys.derive(bytes(32))
LINE_BYTES = 4096
GOOD = b'{"id":"%06d","text":"%b"}'
TWICE = b'{"id":"%06d","a":1,"a":2,"text":"%b"}'
NO_ID = b'{"other":"%06d","text":"%b"}'


def batch(kinds: dict[int, bytes], *, lines: int) -> bytes:
    """Lines of some 4 kB, a blank one after each tenth; ``kinds`` are those that are not good."""
    made = []
    for number in range(lines):
        made.append(kinds.get(number, GOOD) % (number, b"x" * LINE_BYTES))
        if number % 10 == 9:
            made.append(b"")
    return b"\n".join(made)


def line_of(number: int) -> int:
    return number + number // 10


def test_lines_that_are_no_records_are_told_whatever_piece_they_are_in() -> None:
    lines = 3 * PIECE_BYTES // LINE_BYTES
    twice = [0, lines // 2, lines - 1]
    text = batch(dict.fromkeys(twice, TWICE), lines=lines)
    columns = read_columns(text, "id", KEYS)
    bad = validate_rows(columns, np.arange(lines)[::-1])
    assert sorted(bad) == twice
    assert [bad[row].line for row in twice] == [line_of(row) for row in twice]
    assert all(TWICE[:6] in text[bad[row].start : bad[row].end] for row in twice)


def test_rows_that_are_not_asked_for_are_not_validated() -> None:
    lines = 3 * PIECE_BYTES // LINE_BYTES
    columns = read_columns(batch({5: TWICE, lines - 2: TWICE}, lines=lines), "id", KEYS)
    assert not validate_rows(columns, np.array([4, 6, lines - 1]))
    assert list(validate_rows(columns, np.array([lines - 2, 4]))) == [lines - 2]


@pytest.mark.parametrize("text", [b"", b"\n", b"\n\n"])
def test_a_batch_without_lines_has_no_records(text: bytes) -> None:
    columns = read_columns(text, "id", KEYS)
    assert len(columns.ids) == len(columns.bad) == 0


def test_lines_without_an_id_are_counted_from_the_start_of_the_batch() -> None:
    lines = 3 * PIECE_BYTES // LINE_BYTES
    numbers = [1, lines // 2, lines - 1]
    text = batch(dict.fromkeys(numbers, NO_ID), lines=lines)
    columns = read_columns(text, "id", KEYS)
    assert len(columns.ids) == lines - len(numbers)
    assert [bad.line for bad in columns.bad] == [line_of(number) for number in numbers]
    assert [text[bad.start : bad.end].rstrip() for bad in columns.bad] == [
        NO_ID % (number, b"x" * LINE_BYTES) for number in numbers
    ]
