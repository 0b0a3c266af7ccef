"""A file of a known format as batches of lines: the one way in for every shape but Parquet.

The bytes are decompressed, transcoded and read as they come; nothing is held but a few batches.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import assert_never

from datavault.domain.errors import Invalid
from datavault.domain.formats.batch import START, Batches, Place, Refuse
from datavault.domain.formats.decoding import (
    CONTENT_BYTES_MAX,
    Encoding,
    decompressed,
    mark_bytes,
    transcoded,
)
from datavault.domain.formats.detect import Format, LineEnd, Shape
from datavault.domain.formats.json_array import read_array
from datavault.domain.formats.lines import read_ndjson
from datavault.domain.formats.pieces import LineCount, lines_within
from datavault.domain.formats.plain_text import read_paragraphs, read_text_lines
from datavault.domain.formats.tables import read_table


def read_file(
    chunks: Iterable[bytes],
    file_format: Format,
    refuse: Refuse,
    *,
    bytes_max: int = CONTENT_BYTES_MAX,
) -> Batches:
    """The records of a whole file, whose bytes come in chunks of any size.

    Raises:
        Malformed: the file is broken where it cannot be gone on: damaged or cut short, not in the
            encoding, an array that does not end, a quote that is never closed.
        TooLarge: it decompresses to more than ``bytes_max``, or is a decompression bomb.
        Invalid: the header of a table is not acceptable.
    """
    content = decompressed(chunks, file_format.compression, bytes_max=bytes_max)
    head, content = _peeked(content, 4)
    mark = mark_bytes(head, file_format.encoding)
    offset = mark if file_format.encoding is Encoding.UTF_8 else 0
    text = transcoded(content, file_format.encoding)
    return _read(text, file_format, refuse, Place(START.line, offset))


def read_range(
    chunks: Iterable[bytes],
    file_format: Format,
    start: int,
    end: int,
    refuse: Refuse,
    *,
    count: LineCount | None = None,
) -> Batches:
    """The lines of a file that begin in bytes ``start`` to ``end``; for a format that ``splits``.

    ``chunks`` are the file from ``pieces.bytes_before(start)`` on; no more of them is taken than
    the last line needs. Offsets are those of the file. Lines are counted from the range's first:
    how many are before it, only who has read them knows. ``count`` counts those of the range, for
    whoever reads the next.
    """
    if not file_format.splits:
        raise Invalid("this file cannot be read from its middle")
    head, chunks = _peeked(iter(chunks), 4)
    first, text = lines_within(chunks, start, end)
    if not start:
        first = mark_bytes(head, Encoding.UTF_8)
        text = transcoded(text, Encoding.UTF_8)
    if count is not None:
        text = count.passing(text)
    return _read(text, file_format, refuse, Place(START.line, first))


def _read(text: Iterator[bytes], file_format: Format, refuse: Refuse, start: Place) -> Batches:
    if file_format.line_end is LineEnd.CR:
        text = (piece.replace(b"\r", b"\n") for piece in text)
    match file_format.shape:
        case Shape.NDJSON:
            return read_ndjson(text, refuse, start=start)
        case Shape.JSON_ARRAY:
            return read_array(text, refuse, start=start)
        case Shape.TEXT_LINES:
            return read_text_lines(text, refuse, start=start)
        case Shape.TEXT_PARAGRAPHS:
            return read_paragraphs(text, refuse, start=start)
        case Shape.CSV | Shape.TSV:
            return read_table(
                text, refuse, dialect=file_format.dialect, kinds=file_format.kinds, start=start
            )
        case Shape.PARQUET:
            raise Invalid("Parquet is read by the port Columnar")
    assert_never(file_format.shape)


def _peeked(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and the same pieces with them."""
    head: list[bytes] = []
    while sum(map(len, head)) < size and (piece := next(pieces, None)) is not None:
        head.append(piece)
    return b"".join(head)[:size], chain(head, pieces)
