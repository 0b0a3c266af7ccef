"""Inputs cut into pieces of a quarter of a mebibyte at line ends, for one worker to examine.

Where a piece ends depends on the bytes alone, not on how they arrive or who examines them, and so
the results are the same for every number of workers. A piece of text comes with what stands
around it, so that a value is found that a cut goes through: it belongs to the piece in which it
begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datavault.cli.privacy.contents import PLAIN, Content, Wrapping, content_of
from datavault.cli.privacy.inputs import Form, Input
from datavault.domain.errors import Malformed, VaultError
from datavault.domain.formats.decoding import Compression, Encoding, content_ending

if TYPE_CHECKING:
    from datavault.domain.formats.rows import Dialect

# Names are looked for at some 150 kB/s, so that much more would keep the other workers waiting, and
# whoever waits for progress too.
PIECE_BYTES = 2**18
# The longest value, a private key of 16,384 characters, and a label behind it; its letters are
# ASCII. In front, the 128 characters that rules look back, of up to four bytes.
AFTER_BYTES = 20_000
BEFORE_BYTES = 512
# A record has at most 4 MiB, and a text in a line of JSON as many characters, of which an escape
# takes up to six bytes. Longer lines are refused, or cut where the form is only guessed.
LINE_BYTES_MAX = 32 * 2**20
# Some 20 times as much is held while a document is worked on.
DOCUMENT_BYTES_MAX = 16 * 2**20
# In so much of a file's beginning a NUL says that it is no text.
BINARY_BYTES = 8192
BINARY = "binary"
_KEY_BEGINS, _KEY_ENDS = b"-----BEGIN ", b"-----END "


class _TooLong(Exception):
    """What cannot be cut is longer than it may be."""


class _Binary(Exception):
    """A file of a guessed form that is no text: a NUL in its beginning."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``content[start:end]`` of an input, with what stands around it.

    ``input`` is the number that its reader gave it. Of rows, ``dialect`` says how they are written
    and ``first_row`` is the first one of the input, empty if it is longer than a header may be. An
    empty piece with ``unread`` stands where an input cannot be read on, and says why; if
    ``is_fatal``, the caller had promised something else of it.
    """

    input: int
    form: Form
    guessed: bool
    content: bytes
    start: int
    end: int
    wrapping: Wrapping = PLAIN
    dialect: "Dialect | None" = None
    first_row: bytes = b""
    unread: str = ""
    is_fatal: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start


def pieces_of(source: Input, number: int) -> Iterator[Piece]:
    """The pieces of an input, in order; none of one that is empty."""
    why, is_fatal = "", False
    try:
        with source.open() as file:
            content = content_of(file)
            if source.guessed and b"\0" in content.head[:BINARY_BYTES]:
                raise _Binary
            yield from _pieces(source, number, content)
    except _TooLong as error:
        why, is_fatal = str(error), True
    except _Binary:
        why = BINARY
    except VaultError as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why:
        yield Piece(number, source.form, source.guessed, b"", 0, 0, unread=why, is_fatal=is_fatal)


def _pieces(source: Input, number: int, content: Content) -> Iterator[Piece]:
    form, wrapping = source.form, content.wrapping
    if source.path is None and source.guessed and content.head.lstrip()[:1] == b"{":
        form = Form.RECORDS
    if form in {Form.LEAVES, Form.DOCUMENT} and source.guessed and _is_lines(content.head):
        form = Form.RECORDS
    if form is Form.TABLE:
        yield from _table(source, number, content)
        return
    if form in {Form.LEAVES, Form.DOCUMENT}:
        try:
            text = _whole_text(content)
        except _TooLong:
            if form is Form.DOCUMENT or not source.guessed:
                raise
            form = Form.TEXT
        else:
            if text:
                yield Piece(number, form, source.guessed, text, 0, len(text), wrapping)
            return
    dialect = _dialect(source, content.head) if form is Form.ROWS else None
    first_row: bytes | None = None
    for text, start, end in _Cutter(content, form, source.guessed).pieces():
        if first_row is None:
            first_row = _first_row(text, dialect) if dialect is not None else b""
        yield Piece(number, form, source.guessed, text, start, end, wrapping, dialect, first_row)


def _is_lines(head: bytes) -> bool:
    """Whether what is called a JSON document is lines of JSON: the first one is whole by itself."""
    from datavault.domain.json_text import GRAMMAR, REFUSALS

    first, _, rest = head.lstrip().partition(b"\n")
    if not rest.strip():
        return False
    try:
        GRAMMAR.decode(first)
    except REFUSALS:
        return False
    return True


def _table(source: Input, number: int, content: Content) -> Iterator[Piece]:
    """Whole rows; what is no table, or has a row that is too long, is read no further."""
    from datavault.domain.formats.batch import START, Refused
    from datavault.domain.formats.rows import cut_rows

    dialect = _dialect(source, content.head)
    refused: list[Refused] = []
    first_row: bytes | None = None
    for rows in cut_rows(_chunks(content), dialect, refused.append, start=START):
        if refused:
            break
        if first_row is None:
            first_row = _first_row(rows.text, dialect)
        size = len(rows.text)
        yield Piece(
            number,
            source.form,
            source.guessed,
            rows.text,
            0,
            size,
            content.wrapping,
            dialect,
            first_row,
        )
    if refused:
        raise _TooLong(str(refused[0].error))


def _chunks(content: Content) -> Iterator[bytes]:
    yield content.head
    while chunk := content.read(PIECE_BYTES):
        yield chunk


def _whole_text(content: Content) -> bytes:
    """All of it; if it is too long, what was read is its ``head`` from then on."""
    parts, size = [content.head], len(content.head)
    while size <= DOCUMENT_BYTES_MAX and (chunk := content.read(PIECE_BYTES)):
        parts.append(chunk)
        size += len(chunk)
    content.head = b"".join(parts)
    if size > DOCUMENT_BYTES_MAX:
        raise _TooLong(
            f"a JSON document has at most {DOCUMENT_BYTES_MAX} bytes, this has more: make JSON"
            " lines of it, which may have any number"
        )
    return content.head


def _dialect(source: Input, head: bytes) -> "Dialect":
    """As the vault reads a table; by its first line if it has too few rows to tell.

    But for tabs, quotes always are: a row of which they are not in order is refused there, rather
    than all rows read as if they had none.
    """
    from datavault.domain.formats.detect import DELIMITERS, Given, Shape, detect
    from datavault.domain.formats.rows import Dialect

    name = "" if source.path is None else source.path.name
    is_tabs = content_ending(name) in {".tsv", ".tab"}
    given = Given(Shape.TSV if is_tabs else Shape.CSV, Compression.NONE, Encoding.UTF_8)
    found = detect(head, "", given=given).dialect
    first_line = head.lstrip(b"\r\n").partition(b"\n")[0]
    delimiter = found.delimiter
    if not is_tabs and delimiter not in first_line:
        delimiter = max(DELIMITERS, key=first_line.count)
    return Dialect(delimiter, is_quoted=delimiter != b"\t" or found.is_quoted)


def _first_row(text: bytes, dialect: "Dialect") -> bytes:
    """The first row of a table that says anything, if it is no longer than a header may be.

    It is cut as all rows are: two ways to read quotes would give two rows. Where a quote never
    closes it is all of the text.
    """
    from datavault.domain.formats.batch import START, Refused
    from datavault.domain.formats.rows import cut_rows
    from datavault.domain.formats.tables import HEADER_BYTES_MAX

    nothing = b' "\t\r\n' + dialect.delimiter
    begin = len(text) - len(text.lstrip(b"\r\n"))
    beginning = text[begin : begin + HEADER_BYTES_MAX]
    is_all = begin + len(beginning) == len(text)
    refused: list[Refused] = []
    try:
        for rows in cut_rows([beginning], dialect, refused.append, start=START):
            for start, end in zip(rows.starts.tolist(), rows.ends.tolist(), strict=True):
                row = rows.text[start:end]
                if row.strip(nothing):
                    return row if row.endswith(b"\n") or is_all else b""
    except Malformed:
        return beginning if is_all else b""
    return b""


class _Cutter:
    """Reads ahead as far as is needed to know where a piece ends."""

    def __init__(self, content: Content, form: Form, guessed: bool) -> None:
        self._content = content
        self._form = form
        self._guessed = guessed
        self._ahead = AFTER_BYTES if form is Form.TEXT else 0
        self._buffer = content.head
        self._before = 0
        self._ended = not content.head

    def pieces(self) -> Iterator[tuple[bytes, int, int]]:
        while True:
            self._fill(PIECE_BYTES)
            start = self._before
            if start == len(self._buffer):
                return
            end = self._end()
            yield self._buffer[: self._behind(end)], start, end
            kept = max(0, end - BEFORE_BYTES) if self._form is Form.TEXT else end
            while kept < end and self._buffer[kept] & 0xC0 == 0x80:
                kept += 1
            self._buffer = self._buffer[kept:]
            self._before = end - kept

    def _fill(self, size: int) -> None:
        """Have more than so many bytes from the piece's start on and those ahead, if there are."""
        parts, wanted = [self._buffer], self._before + size + self._ahead + 1 - len(self._buffer)
        while wanted > 0 and not self._ended:
            more = self._content.read(wanted)
            parts.append(more)
            wanted -= len(more)
            self._ended = not more
        self._buffer = b"".join(parts)

    def _end(self) -> int:
        size = PIECE_BYTES
        while True:
            limit = self._before + size
            if limit >= len(self._buffer) and self._ended:
                return len(self._buffer)
            end = self._break(limit)
            if end is not None:
                return end
            if self._form is Form.TEXT:
                return self._cut(limit)
            if size >= LINE_BYTES_MAX:
                return self._give_up(limit)
            size *= 2
            self._fill(size)

    def _break(self, limit: int) -> int | None:
        """Where a piece may end that is to end before ``limit``; ``None`` if nowhere."""
        match self._form:
            case Form.ROWS:
                return self._row_end(limit)
            case Form.PASSAGES:
                return self._passage_end(limit)
            case _:
                return self._line_end(limit)

    def _passage_end(self, limit: int) -> int | None:
        """At the last blank line, or else line end, but not within a private key.

        No other value goes over a line break.
        """
        start = self._before
        end = self._buffer.rfind(b"\n\n", start, limit) + 2
        if end < start + 2:
            end = self._line_end(limit) or start
        begun = self._buffer.rfind(_KEY_BEGINS, start, end)
        if begun >= 0 and self._buffer.find(_KEY_ENDS, begun, end) < 0:
            end = self._buffer.rfind(b"\n", start, begun) + 1
        return end if end > start else None

    def _line_end(self, limit: int) -> int | None:
        """Behind the last line break before ``limit``."""
        return self._buffer.rfind(b"\n", self._before, limit) + 1 or None

    def _row_end(self, limit: int) -> int | None:
        """Behind the last line break before ``limit`` that is outside quotes."""
        quotes = self._buffer.count(b'"', self._before, limit)
        at, end = limit, self._buffer.rfind(b"\n", self._before, limit)
        while end >= 0:
            quotes -= self._buffer.count(b'"', end, at)
            if quotes % 2 == 0:
                break
            at, end = end, self._buffer.rfind(b"\n", self._before, end)
        return end + 1 or None

    def _give_up(self, limit: int) -> int:
        """Rows in which a quote never closes end at any line break."""
        end = self._line_end(limit) if self._form is Form.ROWS else None
        # A text that is to be treated is not cut where a value may be.
        if end is None and (not self._guessed or self._form is Form.PASSAGES):
            raise _TooLong(f"a line has at most {LINE_BYTES_MAX} bytes, this has more")
        return end or self._whole(limit)

    def _cut(self, limit: int) -> int:
        """Where a line of text is cut that is longer than a piece."""
        space = self._buffer.rfind(b" ", max(self._before, limit - AFTER_BYTES), limit)
        return space + 1 if space >= 0 else self._whole(limit)

    def _behind(self, end: int) -> int:
        """How far what stands behind the piece goes along with it."""
        limit = end + self._ahead
        return self._whole(limit) if limit < len(self._buffer) else len(self._buffer)

    def _whole(self, limit: int) -> int:
        """``limit``, or where the character begins that it goes through, of up to four bytes."""
        for at in range(limit, max(limit - 4, 0), -1):
            if self._buffer[at] & 0xC0 != 0x80:
                return at
        return limit
