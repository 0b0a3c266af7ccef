"""Rows of a delimited text (RFC 4180), cut where they end: at a line feed outside quotes.

A quote opens a field only where the field begins; inside, two stand for one; what closes it is a
single one. A quote elsewhere is only a character, and what stands between a closing quote and the
next delimiter makes the row bad but does not move its end. Where all quotes are in order, which
numpy sees at once, a row ends after every line feed with an even number of them before it; a text
that is not in order is followed quote by quote.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Malformed
from datavault.domain.formats.batch import (
    KEPT_BYTES_MAX,
    Int64s,
    Place,
    Refuse,
    refuse_long,
)
from datavault.domain.formats.pieces import evened

_QUOTE, _FEED, _RETURN = ord('"'), ord("\n"), ord("\r")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One byte of delimiter, and whether fields may be quoted with ``"``."""

    delimiter: bytes
    is_quoted: bool

    def __post_init__(self) -> None:
        assert len(self.delimiter) == 1, "a delimiter is one byte"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Whole rows: row ``i`` is ``text[ends[i - 1]:ends[i]]``, with its line end, from place ``i``
    of ``lines`` and ``offsets``."""

    text: bytes
    ends: Int64s
    lines: Int64s
    offsets: Int64s

    @property
    def starts(self) -> Int64s:
        return np.concatenate(([0], self.ends[:-1])).astype(np.int64)


def cut_rows(
    pieces: Iterable[bytes], dialect: Dialect, refuse: Refuse, *, start: Place
) -> Iterator[Rows]:
    """The rows of the text, some thousands at a time; one that is too long is refused.

    Raises:
        Malformed: a quote is opened and not closed before the end, so that nobody knows how many
            rows are in it.
    """
    here = start
    rest = b""
    passing: _Passing | None = None
    for piece in evened(pieces):
        text = rest + piece
        rest = b""
        if passing is not None:
            end = passing.find_end(text)
            if end < 0:
                continue
            refuse_long(refuse, here, passing.beginning, passing.size)
            here = Place(here.line + passing.feeds, here.offset + passing.size)
            text, passing = text[end:], None
        ends = _row_ends(text, dialect)
        if len(ends):
            yield (rows := _rows(text[: ends[-1]], ends, here))
            here = Place(here.line + rows.text.count(b"\n"), here.offset + len(rows.text))
            text = text[ends[-1] :]
        if len(text) > KEPT_BYTES_MAX:
            passing = _Passing(text[:KEPT_BYTES_MAX], dialect)
            passing.find_end(text)
        else:
            rest = text
    if passing is not None:
        passing.close(here)
        refuse_long(refuse, here, passing.beginning, passing.size)
    elif rest:
        last = _Passing(b"", dialect)
        last.find_end(rest)
        last.close(here)
        yield _rows(rest, np.array([len(rest)], np.int64), here)


def _rows(text: bytes, ends: Int64s, here: Place) -> Rows:
    starts = np.concatenate(([0], ends[:-1])).astype(np.int64)
    feeds = np.flatnonzero(np.frombuffer(text, np.uint8) == _FEED)
    return Rows(text, ends, here.line + np.searchsorted(feeds, starts), here.offset + starts)


def _row_ends(text: bytes, dialect: Dialect) -> Int64s:
    """Where the rows of a text that begins with one end, as far as they do."""
    codes = np.frombuffer(text, np.uint8)
    feeds = np.flatnonzero(codes == _FEED)
    if not dialect.is_quoted or b'"' not in text:
        return feeds + 1
    quotes = np.flatnonzero(codes == _QUOTE)
    if not _is_in_order(codes, quotes, dialect):
        return np.array([*_followed(text, dialect)], np.int64)
    ends: Int64s = feeds[np.searchsorted(quotes, feeds) & 1 == 0] + 1
    return ends


def _is_in_order(codes: NDArray[np.uint8], quotes: Int64s, dialect: Dialect) -> bool:
    """Whether quotes open and close by turns, where they may."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = codes[np.maximum(opening - 1, 0)]
    opens = (before == dialect.delimiter[0]) | (before == _FEED) | (opening == 0)
    # The second of two that stand for one opens again.
    opens[1:] |= opening[1:] - 1 == closing[: len(opening) - 1]
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    closes = (after == dialect.delimiter[0]) | (after == _FEED) | (after == _RETURN)
    closes |= (after == _QUOTE) | (closing + 1 == len(codes))
    return bool(opens.all() and closes.all())


def _followed(text: bytes, dialect: Dialect) -> Iterator[int]:
    at = 0
    while at < len(text):
        at, _, _ = _follow(text, at, dialect, is_quoted=None)
        if at < 0:
            return
        yield at


def _follow(
    text: bytes, at: int, dialect: Dialect, *, is_quoted: bool | None
) -> tuple[int, int, bool]:
    """The end of a row; or -1, and where to go on with more text and whether within quotes.

    ``is_quoted`` says whether ``at`` is within quotes; ``None`` that a row begins there.
    """
    quote, opening = b'"', dialect.delimiter + b'"'
    if is_quoted is None:
        is_quoted = dialect.is_quoted and text.startswith(quote, at)
        at += is_quoted
    feed = -2
    while True:
        if is_quoted:
            at = text.find(quote, at)
            if at < 0:
                return -1, len(text), True
            if at + 1 == len(text):
                return -1, at, True  # One, or the first of two?
            if text[at + 1] == _QUOTE:
                at += 2
                continue
            at += 1
        if feed != -1 and feed < at:
            feed = text.find(b"\n", at)
        room = feed if feed >= 0 else len(text)
        opened = text.find(opening, at, room) if dialect.is_quoted else -1
        if opened < 0:
            if feed >= 0:
                return feed + 1, 0, False
            # A delimiter at the end may have a quote after it.
            waits = len(text) > at and text.endswith(dialect.delimiter)
            return -1, len(text) - waits, False
        at, is_quoted = opened + 2, True


class _Passing:
    """A row of which only the beginning is kept."""

    def __init__(self, beginning: bytes, dialect: Dialect) -> None:
        self.beginning = beginning
        self.size = 0
        self.feeds = 0
        self._dialect = dialect
        self._is_quoted: bool | None = None
        self._waiting = b""

    def find_end(self, more: bytes) -> int:
        """Where the row ends in what comes next of it; -1 if it goes on."""
        text = self._waiting + more
        end, at, is_quoted = _follow(text, 0, self._dialect, is_quoted=self._is_quoted)
        seen = (end if end >= 0 else len(text)) - len(self._waiting)
        self.size += seen
        self.feeds += more.count(b"\n", 0, seen)
        if end >= 0:
            return seen
        self._waiting, self._is_quoted = text[at:], is_quoted
        return -1

    def close(self, here: Place) -> None:
        """The text ends here: a quote that waits for another is a closing one."""
        if self._is_quoted and not self._waiting:
            raise Malformed(
                f"a quote is opened in the row of line {here.line}, byte {here.offset}, and not"
                f" closed in the {self.size} bytes that follow"
            )
