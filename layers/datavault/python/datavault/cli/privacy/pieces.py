"""Inputs cut into pieces of a quarter of a mebibyte at line ends, for one worker to examine.

Where a piece ends depends on the bytes alone, not on how they arrive or who examines them, and so
the results are the same for every number of workers. A piece of text comes with what stands
around it, so that a value is found that a cut goes through: it belongs to the piece in which it
begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from datavault.cli.privacy.inputs import Form, Input

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
HEAD_BYTES = 8192
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_KEY_BEGINS, _KEY_ENDS = b"-----BEGIN ", b"-----END "
_DELIMITERS = b",\t;|"


class _LineTooLong(Exception):
    """A line goes on for more than ``LINE_BYTES_MAX``."""


class _Binary(Exception):
    """A file of a guessed form that is no text: a NUL in its beginning."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``content[start:end]`` of an input, with what stands around it.

    ``input`` is the number that its reader gave it. ``delimiter`` is that of rows. An empty piece
    with ``unread`` stands where an input cannot be read on, and says why; if ``is_fatal``, the
    caller had promised something else of it.
    """

    input: int
    form: Form
    guessed: bool
    content: bytes
    start: int
    end: int
    delimiter: str = ","
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
            yield from _pieces(source, number, file)
    except _LineTooLong:
        why, is_fatal = f"a line has at most {LINE_BYTES_MAX} bytes, this has more", True
    except _Binary:
        why = "binary"
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why:
        yield Piece(number, source.form, source.guessed, b"", 0, 0, unread=why, is_fatal=is_fatal)


def _pieces(source: Input, number: int, file: BinaryIO) -> Iterator[Piece]:
    head = file.read(HEAD_BYTES)
    if source.guessed and b"\0" in head:
        raise _Binary
    form, beginning = source.form, _text(head)
    if source.path is None and source.guessed and beginning.lstrip()[:1] == b"{":
        form = Form.RECORDS
    first_line = beginning.partition(b"\n")[0]
    delimiter = chr(max(_DELIMITERS, key=lambda each: first_line.count(bytes([each]))))
    cutter = _Cutter(file, head, form, source.guessed)
    for content, start, end in cutter.pieces():
        yield Piece(number, form, source.guessed, content, start, end, delimiter)


def _text(head: bytes) -> bytes:
    return head.removeprefix(BYTE_ORDER_MARK)


class _Cutter:
    """Reads ahead as far as is needed to know where a piece ends."""

    def __init__(self, file: BinaryIO, head: bytes, form: Form, guessed: bool) -> None:
        self._file = file
        self._form = form
        self._guessed = guessed
        self._ahead = AFTER_BYTES if form is Form.TEXT else 0
        self._buffer = _text(head)
        self._before = 0
        self._ended = not head

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
            more = self._file.read(wanted)
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
        if end is None and not self._guessed:
            raise _LineTooLong
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
