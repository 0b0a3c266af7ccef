"""Rows of separated values examined cell by cell, each read behind the name of its column."""

import csv
import io
from collections.abc import Iterator
from functools import lru_cache

from datavault.cli.privacy.found import Counts, Examined, Found, Spot, counted_by_rule
from datavault.cli.privacy.pieces import LINE_BYTES_MAX, Piece
from datavault.cli.privacy.search import Search
from datavault.cli.privacy.texts import readable
from datavault.domain.privacy import pointers
from datavault.domain.privacy.columns import Columns, columns_of
from datavault.domain.privacy.members import detect_named
from datavault.domain.privacy.results import Part


def examine_rows(piece: Piece, search: Search) -> Examined:
    """What is found in the cells; the pointer of one is the name of its column, or its number.

    Nothing in a file can make it unreadable: a quote that never closes makes one long cell. Line
    breaks here are LF, CR and both.
    """
    text, notes = readable(piece.content[piece.start : piece.end])
    assert piece.dialect is not None, "rows have a dialect"
    delimiter = piece.dialect.delimiter.decode()
    columns = _columns(piece.first_row, delimiter, search)
    cells: list[tuple[int, int, str]] = []
    line = 1
    for row, number in _rows(text, delimiter):
        # In a header is nothing personal, wherever it stands, but for what may be a value.
        is_header = tuple(row) == columns.names
        cells += [
            (line, at, cell)
            for at, cell in enumerate(row)
            if cell and not (is_header and at not in columns.values)
        ]
        line = number + 1
    named = [columns.named(at, cell) for _, at, cell in cells]
    texts = list(dict.fromkeys(named))
    spans = dict(zip(texts, detect_named(search.find, texts), strict=True))
    found: list[Found] = []
    counts: Counts = {}
    for (line_at, at, cell), name in zip(cells, named, strict=True):
        if own := spans[name]:
            counted_by_rule(own, counts)
            pointer = pointers.written((columns.token(at),))
            spot, shown = Spot(line_at, 1), search.shows_values
            found += [
                Found.within(
                    cell, span, spot, spot, pointer=pointer, part=Part.VALUE, shows_values=shown
                )
                for span in own
            ]
    return Examined(
        piece.input, piece.size, Spot(line, 1), len(text), tuple(found), counts, notes=notes
    )


@lru_cache(maxsize=1)
def _columns(first_row: bytes, delimiter: str, search: Search) -> Columns:
    row = next(_rows(first_row.decode(errors="replace"), delimiter), ([], 0))[0]
    return columns_of(row, search.find)


def _rows(text: str, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Each row and how many lines have been read with it."""
    csv.field_size_limit(2 * LINE_BYTES_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return ((row, reader.line_num) for row in reader)
