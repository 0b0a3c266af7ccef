"""What a file is, by its content; its name decides only between readings that both fit.

In this order:

1. ``PAR1`` at the very beginning is Parquet.
2. The magic of gzip or zstd says how the rest is compressed; a member or frame may come first that
   is skipped. The name's ``.gz`` or ``.zst`` says nothing.
3. A byte order mark, or else where zeros stand in the first characters, says how the text is
   encoded; what is neither is UTF-8.
4. The first byte that is no white space. A ``{`` is NDJSON, unless the first line is no JSON and
   the name ends as a table's or a text's does. A ``[`` before ``{`` or ``]`` is a JSON array, and
   before anything else unless the name ends so.
5. A table: the name ends in ``.csv``, ``.tsv`` or ``.tab``; or it says nothing, and the first
   whole rows, three at the least, have one delimiter (comma, tab, semicolon, bar: the one that
   makes the most columns), equally often, under a header of names none of which is empty, twice
   or a number. Its quotes are quotes unless one in the beginning does not close.
6. Anything else is plain text, a record a line; a record a paragraph only if the caller says so.

Line ends are LF, with a CR before it or not; only where the beginning has CR and no LF is CR
itself the line end. Whatever the caller gives is not looked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from datavault.domain.errors import Invalid, VaultError
from datavault.domain.formats.batch import START, Refused
from datavault.domain.formats.decoding import (
    Compression,
    Encoding,
    compression_of,
    content_ending,
    content_head,
    encoding_of,
    mark_bytes,
)
from datavault.domain.formats.rows import Dialect, cut_rows
from datavault.domain.formats.tables import Kind, fields_of, parse_header
from datavault.domain.json_text import GRAMMAR, REFUSALS

# What is worth reading of a file to detect its format; less is taken as well.
HEAD_BYTES = 256 * 1024
PARQUET_MAGIC = b"PAR1"
_ROWS_MIN, _ROWS_LOOKED_AT = 3, 100
DELIMITERS = (b",", b"\t", b";", b"|")
_SPACE = b" \t\r\n"
_NUMBER = re.compile(r"\s*[-+]?[0-9.,]+\s*")


class Shape(StrEnum):
    """How records stand in a file."""

    NDJSON = "ndjson"
    JSON_ARRAY = "json_array"
    CSV = "csv"
    TSV = "tsv"
    TEXT_LINES = "text_lines"
    TEXT_PARAGRAPHS = "text_paragraphs"
    PARQUET = "parquet"


class LineEnd(StrEnum):
    """What ends a line; before a line feed, a carriage return belongs to it."""

    LF = "lf"
    CR = "cr"


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller says of a file; the rest is detected. Kinds are those of a table's columns,
    by name; a column without one is a string."""

    shape: Shape | None = None
    compression: Compression | None = None
    encoding: Encoding | None = None
    delimiter: str | None = None
    is_quoted: bool | None = None
    kinds: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Format:
    """All that must be known to read a file. ``dialect`` and ``kinds`` are those of a table."""

    shape: Shape
    compression: Compression
    encoding: Encoding
    line_end: LineEnd
    dialect: Dialect
    kinds: Mapping[str, Kind]

    @property
    def splits(self) -> bool:
        """Whether a range of the file's bytes can be read without what comes before it.

        Of Parquet, the range has the row groups that begin in it.
        """
        return self.shape is Shape.PARQUET or (
            self.shape in {Shape.NDJSON, Shape.TEXT_LINES}
            and self.compression is Compression.NONE
            and self.encoding is Encoding.UTF_8
            and self.line_end is LineEnd.LF
        )


_COMMAS, _TABS = Dialect(b",", is_quoted=True), Dialect(b"\t", is_quoted=True)
_SHAPES_OF_ENDS = {
    ".csv": Shape.CSV,
    ".tsv": Shape.TSV,
    ".tab": Shape.TSV,
    ".txt": Shape.TEXT_LINES,
    ".text": Shape.TEXT_LINES,
    ".md": Shape.TEXT_LINES,
    ".json": Shape.NDJSON,
    ".jsonl": Shape.NDJSON,
    ".ndjson": Shape.NDJSON,
}


def detect(head: bytes, name: str, *, given: Given = NOTHING_GIVEN) -> Format:
    """The format of a file that is called ``name`` and begins with ``head``.

    ``head`` is best the first ``HEAD_BYTES``, and may be any; a file that is damaged there is
    taken for something, and found out when it is read.

    Raises:
        Malformed: the text is UTF-32.
        Invalid: ``given`` contradicts itself.
    """
    if given.shape is Shape.PARQUET or (given.shape is None and head.startswith(PARQUET_MAGIC)):
        if given.compression not in {None, Compression.NONE}:
            raise Invalid("Parquet is not compressed as a whole", field="compression")
        return Format(
            Shape.PARQUET, Compression.NONE, Encoding.UTF_8, LineEnd.LF, _COMMAS, given.kinds
        )
    compression = given.compression or compression_of(head)
    content = content_head(head, compression)
    encoding = given.encoding or encoding_of(content)
    text = _text(content, encoding)
    line_end = LineEnd.CR if b"\r" in text[:-1] and b"\n" not in text else LineEnd.LF
    if line_end is LineEnd.CR:
        text = text.replace(b"\r", b"\n")
    shape, dialect = _shape(text, content_ending(name), given)
    return Format(shape, compression, encoding, line_end, dialect, given.kinds)


def _text(content: bytes, encoding: Encoding) -> bytes:
    """The beginning as text; what is not well-formed is left out, and said when it is read."""
    return content[mark_bytes(content, encoding) :].decode(encoding, "ignore").encode()


def _shape(text: bytes, end: str, given: Given) -> tuple[Shape, Dialect]:
    named = _SHAPES_OF_ENDS.get(end)
    shape = given.shape
    if shape is None and not given.delimiter:
        shape = _json_shape(text, named)
    if shape is None or shape in {Shape.CSV, Shape.TSV}:
        return _table(text, shape or named, given)
    return shape, _COMMAS


def _json_shape(text: bytes, named: Shape | None) -> Shape | None:
    body = text.lstrip(_SPACE)
    is_named_otherwise = named not in {None, Shape.NDJSON}
    if not body:
        return named if named in {Shape.NDJSON, Shape.TEXT_LINES} else None
    if body.startswith(b"{"):
        line, feed, _ = body.partition(b"\n")
        is_no_json = bool(feed) and not _is_json(line)
        return None if is_no_json and is_named_otherwise else Shape.NDJSON
    if body.startswith(b"["):
        inside = body[1:].lstrip(_SPACE)
        is_sure = not inside or inside[:1] in {b"{", b"]"}
        return Shape.JSON_ARRAY if is_sure or not is_named_otherwise else None
    return Shape.NDJSON if named is Shape.NDJSON else None


def _is_json(line: bytes) -> bool:
    try:
        GRAMMAR.decode(line)
    except REFUSALS:
        return False
    return True


def _table(text: bytes, shape: Shape | None, given: Given) -> tuple[Shape, Dialect]:
    """A table's shape and dialect, or plain text if it is none and nobody said so."""
    if given.delimiter is not None:
        if len(given.delimiter) != 1 or given.delimiter in '"\r\n' or given.delimiter > "~":
            raise Invalid("a delimiter is one ASCII character, no quote or line end")
        delimiter = given.delimiter.encode()
        is_quoted = _quotes(text, delimiter, given)
        shape = Shape.TSV if delimiter == b"\t" else Shape.CSV
        return shape, Dialect(delimiter, is_quoted)
    if shape is Shape.TEXT_LINES:
        return shape, _COMMAS
    if shape is Shape.TSV:
        return shape, Dialect(b"\t", _quotes(text, b"\t", given))
    widths = {
        delimiter: _width(text, dialect)
        for delimiter in DELIMITERS
        if (dialect := Dialect(delimiter, _quotes(text, delimiter, given)))
    }
    best = max(DELIMITERS, key=lambda delimiter: widths[delimiter])
    if widths[best] < 2:
        if shape is None:
            return Shape.TEXT_LINES, _COMMAS
        best = b","
    dialect = Dialect(best, _quotes(text, best, given))
    return shape or (Shape.TSV if best == b"\t" else Shape.CSV), dialect


def _quotes(text: bytes, delimiter: bytes, given: Given) -> bool:
    if given.is_quoted is not None:
        return given.is_quoted
    dialect = Dialect(delimiter, is_quoted=True)
    rows, is_open = _rows(text, dialect)
    if not all(isinstance(fields_of(row, dialect), list) for row in rows):
        return False
    # A field may go on beyond the beginning, unless it is all rows without it.
    return not is_open or _width(text, Dialect(delimiter, is_quoted=False)) < 2


def _rows(text: bytes, dialect: Dialect) -> tuple[list[bytes], bool]:
    """The first whole rows that are not empty, and whether a quote is open after them.

    The last row of ``text`` may be cut, so it is none.
    """
    refused: list[Refused] = []
    found: list[bytes] = []
    is_open = False
    try:
        for rows in cut_rows([text], dialect, refused.append, start=START):
            pairs = zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)
            found += [rows.text[start:end] for start, end in pairs]
    except VaultError:
        is_open = True
    kept = [row for row in found if row.endswith(b"\n") and row.strip()]
    return kept[:_ROWS_LOOKED_AT], is_open


def _width(text: bytes, dialect: Dialect) -> int:
    """How many columns the rows have if all have as many under a fit header; 0 if they do not."""
    rows, _ = _rows(text, dialect)
    if len(rows) < _ROWS_MIN:
        return 0
    try:
        header = parse_header(rows[0], dialect)
    except VaultError:
        return 0
    if any(_NUMBER.fullmatch(name) for name in header):
        return 0
    fields = [fields_of(row, dialect) for row in rows]
    same = all(isinstance(each, list) and len(each) == len(header) for each in fields)
    return len(header) if same else 0
