"""Texts joined and cut into blocks of about a kilobyte, the unit in which gates open.

A block is small so that a rule runs over little more than what it was let in for, and large so
that short texts do not cost a call each. A long text is cut into stretches that overlap: a value
is found in the stretch in which it begins. Nothing is made for a text in which nothing stands.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from datavault.domain.privacy.normalizing import Reading, read
from datavault.domain.privacy.recognizers.rules import BEFORE_CHARS, Candidate

BLOCK_CHARS = 1024
# What a value may stick out of its stretch, in characters; longer ones are lengthened by judges.
OVERLAP_CHARS = 512
# How far back a cut looks for a space, so as not to go through a value.
CUT_CHARS = 64


@dataclass(frozen=True, slots=True)
class Located:
    """A candidate, and the text that it is in by its place among all texts."""

    index: int
    reading: Reading
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Joined:
    """Whole texts, one a line: ``texts[i]`` is the one with index ``first + i``, at ``starts[i]``.

    ``readings`` is empty if all are read as they are.
    """

    text: str
    content: bytes
    first: int
    texts: Sequence[str]
    readings: Sequence[Reading]
    starts: Sequence[int]

    def locate(self, span: tuple[int, int]) -> Located | None:
        """The candidate at these bytes of ``content``; ``None`` if it is another block's."""
        start, end = _characters(self.text, self.content, span)
        place = bisect_right(self.starts, start) - 1
        text, shift = self.texts[place], self.starts[place]
        reading = self.readings[place] if self.readings else Reading(text, None)
        return Located(self.first + place, reading, Candidate(text, start - shift, end - shift))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text ``index`` from character ``origin`` on.

    Values that begin before ``start``, or at ``cut`` or behind, are another block's.
    """

    text: str
    content: bytes
    index: int
    reading: Reading
    origin: int
    start: int
    cut: int

    def locate(self, span: tuple[int, int]) -> Located | None:
        """As of ``Joined``."""
        start, end = _characters(self.text, self.content, span)
        start, end = start + self.origin, end + self.origin
        if not self.start <= start < self.cut:
            return None
        return Located(self.index, self.reading, Candidate(self.reading.text, start, end))


type Block = Joined | Stretch


def blocks_of(texts: Sequence[str]) -> Iterator[Block]:
    """All the texts in order, as blocks of a few kilobytes at most."""
    first = size = 0
    for index, text in enumerate(texts):
        length = len(text)
        if size + length > BLOCK_CHARS:
            if first < index:
                yield _joined(texts[first:index], first)
            first, size = index, 0
        if length > BLOCK_CHARS:
            yield from _stretches(read(text), index)
            first = index + 1
        else:
            size += length + 1
    if first < len(texts):
        yield _joined(texts[first:], first)


def _joined(texts: Sequence[str], first: int) -> Joined:
    text = "\n".join(texts)
    readings: Sequence[Reading] = ()
    if not text.isascii():
        readings = [read(each) for each in texts]
        texts = [reading.text for reading in readings]
        text = "\n".join(texts)
    starts = [0, *accumulate(len(each) + 1 for each in texts)]
    return Joined(text, text.encode(), first, texts, readings, starts)


def _stretches(reading: Reading, index: int) -> Iterator[Stretch]:
    start, length = 0, len(reading.text)
    while start < length:
        cut = _cut(reading.text, start)
        origin = _origin(reading.text, start)
        text = reading.text[origin : cut + OVERLAP_CHARS]
        yield Stretch(text, text.encode(), index, reading, origin, start, cut)
        start = cut


def _cut(text: str, start: int) -> int:
    """Where the stretch that begins at ``start`` ends."""
    end = start + BLOCK_CHARS
    if end >= len(text):
        return len(text)
    for space in ("\n", " "):
        found = text.rfind(space, end - CUT_CHARS, end)
        if found > 0:
            return found + 1
    return end


def _origin(text: str, start: int) -> int:
    """Where a label may begin that announces a value at ``start``."""
    if not start:
        return 0
    return text.find(" ", max(0, start - BEFORE_CHARS - CUT_CHARS), start) + 1 or start


def _characters(text: str, content: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """From bytes of the block to its characters."""
    first, last = span
    if len(text) == len(content):
        return span
    start = len(content[:first].decode())
    return start, start + len(content[first:last].decode())
