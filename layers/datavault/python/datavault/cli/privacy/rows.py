"""Rows of separated values examined cell by cell."""

import csv
import io

from datavault.cli.privacy.found import Counts, Examined, Found, Spot, counted_by_rule
from datavault.cli.privacy.pieces import LINE_BYTES_MAX, Piece
from datavault.cli.privacy.search import Search
from datavault.cli.privacy.texts import readable
from datavault.domain.privacy.results import Part


def examine_rows(piece: Piece, search: Search) -> Examined:
    """What is found in the cells; the pointer of one is its number in the row, from 0.

    Nothing in a file can make it unreadable: a quote that never closes makes one long cell. Line
    breaks here are LF, CR and both.
    """
    own = piece.content[piece.start : piece.end]
    text, notes = readable(own)
    csv.field_size_limit(2 * LINE_BYTES_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=piece.delimiter)
    cells: list[tuple[int, int, str]] = []
    line = 1
    for row in reader:
        cells += [(line, at, cell) for at, cell in enumerate(row) if cell]
        line = reader.line_num + 1
    texts = list(dict.fromkeys(cell for _, _, cell in cells))
    spans = dict(zip(texts, search.find(texts), strict=True))
    found: list[Found] = []
    counts: Counts = {}
    for line_at, at, cell in cells:
        counted_by_rule(spans[cell], counts)
        spot = Spot(line_at, 1)
        found += [
            Found(
                first=spot,
                last=spot,
                start=span.start,
                end=span.end,
                entity=span.entity,
                score=span.score,
                rule=span.reason,
                pointer=f"/{at}",
                part=Part.VALUE,
                value=cell[span.start : span.end] if search.shows_values else None,
            )
            for span in spans[cell]
        ]
    return Examined(
        piece.input, piece.size, Spot(line, 1), len(text), tuple(found), counts, notes=notes
    )
