"""Plain text: a line or a paragraph becomes ``{"text": ...}``, where it is not blank.

A paragraph is lines with no blank one between them, joined by line feeds; white space at the ends
of its lines stays, but for the line ends.
"""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from datavault.domain.errors import Malformed
from datavault.domain.formats.batch import (
    KEPT_BYTES_MAX,
    START,
    Batches,
    Place,
    Refuse,
    Refused,
    Written,
    gathered,
    refuse_long,
)
from datavault.domain.formats.lines import Span, whole_lines
from datavault.domain.formats.pieces import PIECE_BYTES

_SPACE = b" \t\r\n\v\f"
_ENCODER = msgspec.json.Encoder()

type _Found = tuple[bytes, int, int]  # A text, its line and its offset.


class _Line(msgspec.Struct, gc=False):
    text: str


def read_text_lines(pieces: Iterable[bytes], refuse: Refuse, *, start: Place = START) -> Batches:
    """Every line that is not blank, without its line end."""
    found = (
        line for span in _spans(pieces, refuse, start) for line in _lines(span) if line[0].strip()
    )
    return gathered(_written(found, refuse))


def read_paragraphs(pieces: Iterable[bytes], refuse: Refuse, *, start: Place = START) -> Batches:
    """Every paragraph, at the place of its first line."""
    return gathered(_written(_paragraphs(_spans(pieces, refuse, start), refuse), refuse))


def _spans(pieces: Iterable[bytes], refuse: Refuse, start: Place) -> Iterator[Span]:
    return whole_lines(pieces, refuse, start=start, span_bytes=KEPT_BYTES_MAX)


def _lines(span: Span) -> Iterator[_Found]:
    """Every line, blank ones too."""
    line, offset = span.start.line, span.start.offset
    for text in span.text.removesuffix(b"\n").split(b"\n"):
        yield text.removesuffix(b"\r"), line, offset
        line += 1
        offset += len(text) + 1


def _paragraphs(spans: Iterable[Span], refuse: Refuse) -> Iterator[_Found]:
    block: list[bytes] = []
    first = START
    size = 0
    following = 0
    for span in spans:
        if span.start.line != following:
            # A line before was refused, and what stands around it is not one paragraph.
            yield from _closed(block, first, size, refuse)
            block, size = [], 0
        following = span.start.line + span.lines
        for text, line, offset in _lines(span):
            if not text.strip(_SPACE):
                yield from _closed(block, first, size, refuse)
                block, size = [], 0
                continue
            if not block:
                first = Place(line, offset)
            size += len(text) + 1
            # One that has grown too long is counted to its end, and no more is held.
            if size <= KEPT_BYTES_MAX or not block:
                block.append(text)
    yield from _closed(block, first, size, refuse)


def _closed(block: list[bytes], first: Place, size: int, refuse: Refuse) -> Iterator[_Found]:
    text = b"\n".join(block)
    if size > KEPT_BYTES_MAX:
        refuse_long(refuse, first, text, size)
    elif block:
        yield text, first.line, first.offset


def _written(found: Iterable[_Found], refuse: Refuse) -> Iterator[Written]:
    """The texts as records; what is not UTF-8 is refused."""
    held: list[_Found] = []
    size = 0
    for each in found:
        held.append(each)
        size += len(each[0]) + len('{"text":""}\n')
        if size >= PIECE_BYTES:
            yield _encoded(held, refuse)
            held, size = [], 0
    if held:
        yield _encoded(held, refuse)


def _encoded(found: list[_Found], refuse: Refuse) -> Written:
    texts, lines, offsets = zip(*found, strict=True)
    try:
        records = [*map(_Line, map(bytes.decode, texts))]
    except UnicodeDecodeError:
        return _encoded_singly(found, refuse)
    return _written_at(records, lines, offsets)


def _encoded_singly(found: list[_Found], refuse: Refuse) -> Written:
    records, lines, offsets = [], [], []
    for text, line, offset in found:
        bad_at: int | None = None
        try:
            records.append(_Line(text.decode()))
        except UnicodeDecodeError as error:
            bad_at = error.start
        if bad_at is None:
            lines.append(line)
            offsets.append(offset)
        else:
            problem = Malformed(f"not UTF-8 at byte {bad_at} of {len(text)}")
            refuse(Refused(Place(line, offset), problem, text, len(text)))
    return _written_at(records, lines, offsets)


def _written_at(records: list[_Line], lines: Iterable[int], offsets: Iterable[int]) -> Written:
    return Written(
        _ENCODER.encode_lines(records),
        np.fromiter(lines, np.int64, len(records)),
        np.fromiter(offsets, np.int64, len(records)),
    )
