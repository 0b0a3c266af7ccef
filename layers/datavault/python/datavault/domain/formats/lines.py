"""NDJSON, whose records are lines: it passes through as it is, a batch is a piece of the text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from datavault.domain.formats.batch import (
    BATCH_BYTES,
    BATCH_LINES_MAX,
    KEPT_BYTES_MAX,
    START,
    Batch,
    Batches,
    Place,
    Refuse,
    refuse_long,
)

# What is counted at a time: it and what is made of it are in a core's cache.
_COUNT_BYTES = 256 * 1024
_GATHERED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Whole lines as they stand in a text, where they begin, and how many line feeds they have."""

    text: bytes
    start: Place
    feeds: int

    @property
    def lines(self) -> int:
        """How many lines these are; the last one may end without a line feed."""
        return self.feeds + (not self.text.endswith(b"\n"))

    def place(self, line: int) -> Place:
        """As an ``Origin``: the lines of the span are the lines of the text."""
        offset = 0
        for _ in range(line):
            offset = self.text.index(b"\n", offset) + 1
        return Place(self.start.line + line, self.start.offset + offset)


def read_ndjson(
    pieces: Iterable[bytes],
    refuse: Refuse,
    *,
    start: Place = START,
    batch_bytes: int = BATCH_BYTES,
) -> Batches:
    """The lines of a text whose first is at ``start``, blank ones too.

    A line that is longer than a batch is refused; every other one is for the reader to judge.
    """
    for span in whole_lines(pieces, refuse, start=start, span_bytes=batch_bytes):
        for part in _halved(span):
            yield Batch(part.text, part.lines, part)


def whole_lines(
    pieces: Iterable[bytes],
    refuse: Refuse,
    *,
    start: Place = START,
    span_bytes: int = BATCH_BYTES,
) -> Iterator[Span]:
    """The text in spans of whole lines of up to ``span_bytes``, each as long as it can be.

    A line that is longer than that is refused; of it no more than a span is ever held.
    """
    here = start
    pieces = _gathered(pieces)
    held: list[bytes] = []  # What is not yielded yet, less than a span ...
    size = 0  # ... and how long it is.
    long: bytes | None = None  # The beginning of a line that is being passed over ...
    passed = 0  # ... and what was seen of it.
    for piece in pieces:
        at = 0
        while at < len(piece):
            if long is not None:
                end = piece.find(b"\n", at) + 1
                passed += (end or len(piece)) - at
                if not end:
                    break
                refuse_long(refuse, here, long, passed)
                here = Place(here.line + 1, here.offset + passed)
                long, at = None, end
            elif size + len(piece) - at < span_bytes:
                held.append(piece[at:] if at else piece)
                size += len(piece) - at
                break
            else:
                room = at + span_bytes - size
                end = piece.rfind(b"\n", at, room) + 1
                # Bytes alone are joined without the GIL; of a view it would be kept.
                text = b"".join([*held, piece[at : end or room]])
                cut = len(text) if end else text.rfind(b"\n") + 1
                if cut:
                    yield (span := _span(text[:cut], here))
                    here = Place(here.line + span.feeds, here.offset + cut)
                    held, size = [text[cut:]], len(text) - cut
                else:
                    long, passed = text[:KEPT_BYTES_MAX], len(text)
                    held, size = [], 0
                at = end or room
    if long is not None:
        refuse_long(refuse, here, long, passed)
    elif size:
        yield _span(b"".join(held), here)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in pieces of no less than ``_GATHERED_BYTES``, but for the last one.

    What is held of small ones is mostly what each costs beside its bytes.
    """
    some: list[bytes] = []
    size = 0
    for piece in pieces:
        if not piece:
            continue
        if len(piece) >= _GATHERED_BYTES and not some:
            yield piece
            continue
        some.append(piece)
        size += len(piece)
        if size >= _GATHERED_BYTES:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)


def _span(text: bytes, start: Place) -> Span:
    return Span(text, start, _line_feeds(text, 0, len(text)))


def _line_feeds(text: bytes, start: int, end: int) -> int:
    """How many there are: three times as fast as ``bytes.count``, and without the GIL."""
    octets = np.frombuffer(text, np.uint8)[start:end]
    return sum(
        int(np.count_nonzero(octets[at : at + _COUNT_BYTES] == ord("\n")))
        for at in range(0, len(octets), _COUNT_BYTES)
    )


def _halved(span: Span) -> Iterator[Span]:
    """The span, or halves of it, and of those, until none has too many lines."""
    text, start = span.text, span.start
    line = start.line
    for begin, end, feeds in _halves(text, 0, len(text), span.feeds):
        # All of a text is the text itself, not a copy.
        yield Span(text[begin:end], Place(line, start.offset + begin), feeds)
        line += feeds


def _halves(text: bytes, begin: int, end: int, feeds: int) -> Iterator[tuple[int, int, int]]:
    """Where the parts begin and end, and how many line feeds are in each."""
    middle = text.find(b"\n", (begin + end) // 2, end) + 1
    if feeds <= BATCH_LINES_MAX or not middle or middle == end:
        yield begin, end, feeds
        return
    first = _line_feeds(text, begin, middle)
    yield from _halves(text, begin, middle, first)
    yield from _halves(text, middle, end, feeds - first)
