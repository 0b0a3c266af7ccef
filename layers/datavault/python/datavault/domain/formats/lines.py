"""NDJSON and plain text: formats whose records are lines.

NDJSON passes through as it is: a batch is a piece of the text itself. Of plain text, a line or a
paragraph (lines without a blank one between them) becomes ``{"text": ...}``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from datavault.domain.errors import Malformed, TooLarge
from datavault.domain.formats.batch import (
    BATCH_BYTES,
    BATCH_LINES_MAX,
    KEPT_BYTES_MAX,
    START,
    Batch,
    Batches,
    Listed,
    Place,
    Refuse,
    Refused,
)
from datavault.domain.records import RECORD_BYTES_MAX

_SPACE = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text and where it begins."""

    text: bytes
    start: Place

    def place(self, line: int) -> Place:
        """As an ``Origin``: the lines of the piece are the lines of the text."""
        offset = 0
        for _ in range(line):
            offset = self.text.index(b"\n", offset) + 1
        return Place(self.start.line + line, self.start.offset + offset)


def read_ndjson(pieces: Iterable[bytes], refuse: Refuse, *, start: Place = START) -> Batches:
    """The lines of a text whose first is at ``start``."""
    for span in whole_lines(pieces, refuse, start=start):
        for part in _halved(span):
            yield Batch(part.text, part.text.count(b"\n") + 1, part)


def read_text_lines(pieces: Iterable[bytes], refuse: Refuse) -> Batches:
    """Every line that is not blank as ``{"text": line}``, without its line end."""
    return written(_lines(pieces, refuse), refuse)


def read_paragraphs(pieces: Iterable[bytes], refuse: Refuse) -> Batches:
    """Every paragraph as ``{"text": lines}``, its lines joined by line feeds."""
    return written(_paragraphs(_lines(pieces, refuse), refuse), refuse)


def whole_lines(pieces: Iterable[bytes], refuse: Refuse, *, start: Place = START) -> Iterator[Span]:
    """The text in spans of whole lines, about ``BATCH_BYTES`` at a time.

    A line that fills a span by itself is refused; of it no more is held than is kept.
    """
    held: list[bytes] = []
    size = 0
    here = start
    long: bytes | None = None  # The beginning of a line that is being passed over ...
    passed = 0  # ... and what was seen of it.
    for piece in pieces:
        fresh = piece
        if long is not None:
            end = piece.find(b"\n") + 1
            passed += end or len(piece)
            if not end:
                continue
            refuse(_too_long(here, long, passed))
            here = Place(here.line + 1, here.offset + passed)
            fresh, long = piece[end:], None
        held.append(fresh)
        size += len(fresh)
        if size < BATCH_BYTES:
            continue
        text = b"".join(held)
        end = text.rfind(b"\n") + 1
        if end:
            yield Span(text[:end], here)
            here = Place(here.line + text.count(b"\n"), here.offset + end)
        held, size = [text[end:]], len(text) - end
        if size >= BATCH_BYTES:
            long, passed = held[0][:KEPT_BYTES_MAX], size
            held, size = [], 0
    if long is not None:
        refuse(_too_long(here, long, passed))
    elif size:
        yield Span(b"".join(held), here)


def written(texts: Iterable[Span], refuse: Refuse) -> Batches:
    """Texts as records ``{"text": ...}``, a batch at a time; what is not UTF-8 is refused."""
    lines: list[bytes] = []
    places: list[Place] = []
    size = 0
    for each in texts:
        try:
            text = each.text.decode()
        except UnicodeDecodeError as error:
            bad_at = error.start
            text = None
        if text is None:
            problem = Malformed(f"not UTF-8 at byte {bad_at} of {len(each.text)}")
            refuse(Refused(each.start, problem, each.text[:KEPT_BYTES_MAX], len(each.text)))
            continue
        lines.append(b'{"text":%s}' % msgspec.json.encode(text))
        places.append(each.start)
        size += len(lines[-1])
        if size >= BATCH_BYTES or len(lines) == BATCH_LINES_MAX:
            yield listed(lines, places)
            lines, places, size = [], [], 0
    if lines:
        yield listed(lines, places)


def listed(lines: list[bytes], places: list[Place]) -> Batch:
    """A batch of lines that were written anew."""
    numbers = np.array([place.line for place in places], np.int64)
    offsets = np.array([place.offset for place in places], np.int64)
    return Batch(b"\n".join(lines), len(lines), Listed(numbers, offsets))


def _lines(pieces: Iterable[bytes], refuse: Refuse) -> Iterator[Span]:
    """Every line with its place, without its end; blank ones too."""
    for span in whole_lines(pieces, refuse):
        line, offset = span.start.line, span.start.offset
        for text in span.text.removesuffix(b"\n").split(b"\n"):
            yield Span(text.removesuffix(b"\r"), Place(line, offset))
            line, offset = line + 1, offset + len(text) + 1


def _paragraphs(lines: Iterable[Span], refuse: Refuse) -> Iterator[Span]:
    """Lines joined until a blank one; one that grows past a record's size is refused."""
    block: list[Span] = []
    size = 0
    for line in lines:
        if line.text.strip(_SPACE):
            size += len(line.text) + 1
            if size <= KEPT_BYTES_MAX or not block:
                block.append(line)
            continue
        yield from _closed(block, size, refuse)
        block, size = [], 0
    yield from _closed(block, size, refuse)


def _closed(block: list[Span], size: int, refuse: Refuse) -> Iterator[Span]:
    if not block:
        return
    whole = Span(b"\n".join([line.text for line in block]), block[0].start)
    if size > KEPT_BYTES_MAX:
        refuse(_too_long(whole.start, whole.text, size))
    else:
        yield whole


def _halved(span: Span) -> Iterator[Span]:
    """The span, or halves of it, and of those, until none has too many lines."""
    text, start = span.text, span.start
    middle = text.find(b"\n", len(text) // 2) + 1
    if text.count(b"\n") <= BATCH_LINES_MAX or not middle:
        yield span
        return
    lines = text.count(b"\n", 0, middle)
    yield from _halved(Span(text[:middle], start))
    yield from _halved(Span(text[middle:], Place(start.line + lines, start.offset + middle)))


def _too_long(place: Place, text: bytes, size: int) -> Refused:
    problem = TooLarge(f"a record has at most {RECORD_BYTES_MAX} bytes; this has {size}")
    return Refused(place, problem, text[:KEPT_BYTES_MAX], size)
