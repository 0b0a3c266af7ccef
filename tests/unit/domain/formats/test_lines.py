import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Malformed, TooLarge
from datavault.domain.formats.batch import BATCH_BYTES, BATCH_LINES_MAX, Place, Refused
from datavault.domain.formats.lines import read_ndjson, whole_lines
from datavault.domain.formats.pieces import bytes_before, lines_within

from .reading import SIZES, cut, never, records

TEXT = st.text("ab \r\n", max_size=60).map(str.encode)


@settings(deadline=None)
@given(text=TEXT, size=SIZES, span=st.integers(1, 30))
def test_lines_pass_through_or_are_refused_by_their_length_alone(
    text: bytes, size: int, span: int
) -> None:
    refused: list[Refused] = []
    kept = [*whole_lines(cut(text, size), refused.append, span_bytes=span)]
    long: list[bytes] = []
    expected: list[tuple[bytes, Place]] = []
    offset = 0
    for number, line in enumerate(text.split(b"\n"), start=1):
        whole = line + b"\n" * (offset + len(line) < len(text))
        if len(whole) > span or (len(whole) == span and not whole.endswith(b"\n")):
            long.append(whole)
            assert Place(number, offset) in [each.place for each in refused]
        elif whole:
            expected.append((whole, Place(number, offset)))
        offset += len(whole)
    assert sorted(each.size for each in refused) == sorted(map(len, long))
    found = []
    for each in kept:
        assert len(each.text) <= span
        parts = each.text.split(b"\n")
        lines = [part + b"\n" for part in parts[:-1]] + [part for part in parts[-1:] if part]
        assert len(lines) == each.lines
        found += [(line, each.place(at)) for at, line in enumerate(lines)]
    assert found == expected


@settings(deadline=None)
@given(text=TEXT, size=SIZES, bounds=st.lists(st.integers(0, 70), max_size=5))
def test_ranges_that_meet_give_every_line_once(text: bytes, size: int, bounds: list[int]) -> None:
    edges = sorted({0, len(text), *(bound for bound in bounds if bound < len(text))})
    found = []
    for start, end in pairwise(edges):
        part = cut(text[bytes_before(start) :], size)
        first, pieces = lines_within(part, start, end)
        body = b"".join(pieces)
        if body:
            assert start <= first < end
            assert text[first : first + len(body)] == body
        found.append(body)
    assert b"".join(found) == text


def test_a_range_asks_for_no_more_than_it_needs() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"aa\nbb\n"
        raise AssertionError("one piece has all that is in the range")

    first, found = lines_within(pieces(), 1, 5)
    assert (first, b"".join(found)) == (3, b"bb\n")


def test_a_range_beyond_the_file_is_refused() -> None:
    with pytest.raises(Malformed, match="the file has 8 bytes; a range begins at 9"):
        lines_within([], 9, 12)


def test_a_line_of_2_gb_is_refused_in_bounded_memory_and_the_rest_goes_on() -> None:
    piece = b"x" * 2**20

    def pieces() -> Iterator[bytes]:
        yield b'{"a":1}\n'
        for _ in range(2048):
            yield piece
        yield b'\n{"a":2}'

    refused: list[Refused] = []
    tracemalloc.start()
    found = records(read_ndjson(pieces(), refused.append))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = 2048 * 2**20 + 1
    assert found == [(b'{"a":1}', Place(1, 0)), (b'{"a":2}', Place(3, 8 + size))]
    assert [(each.place, each.size) for each in refused] == [(Place(2, 8), size)]
    assert isinstance(refused[0].error, TooLarge)
    assert len(refused[0].raw) < 5 * 2**20
    assert peak < 4 * BATCH_BYTES


def test_a_batch_has_a_bounded_number_of_lines() -> None:
    batches = [*read_ndjson([b"\n" * (3 * BATCH_LINES_MAX)], never)]
    assert sum(batch.lines for batch in batches) == 3 * BATCH_LINES_MAX
    assert max(batch.lines for batch in batches) <= BATCH_LINES_MAX
    assert batches[1].origin.place(2).line == batches[0].lines + 3
