"""Texts joined and cut into blocks of a few kilobytes, the unit in which gates open.

A block is small so that a rule runs over little more than what it was let in for, and large so
that short texts do not cost a call each. A long text is cut into stretches that overlap: a value
is found in the stretch in which it begins. Nothing is made for a text in which nothing stands.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from datavault.domain.privacy.normalizing import Reading, read
from datavault.domain.privacy.recognizers.rules import BEFORE_CHARS, Candidate

BLOCK_CHARS = 1024
# Of a long text, more: the overlap is looked at twice.
STRETCH_CHARS = 4096
# What a value may stick out of its stretch, in characters; longer ones are lengthened by judges.
OVERLAP_CHARS = 512
# How far back a cut looks for a space, so as not to go through a value.
CUT_CHARS = 64


type Located = tuple[int, Reading | None, Candidate]
"""The place of a text among all texts, its reading, and a candidate in it.

The reading is ``None`` if its code points are those of the original.
"""


class Joined:
    """Whole texts, one a line. ``readings`` is empty if all have their own code points."""

    __slots__ = ("_first", "_is_ascii", "_readings", "_starts", "_texts", "content", "text")

    def __init__(
        self, text: str, first: int, texts: Sequence[str], readings: Sequence[Reading] = ()
    ) -> None:
        self.text = text
        self.content = text.encode()
        self._first = first
        self._texts = texts
        self._readings = readings
        self._is_ascii = len(self.text) == len(self.content)
        self._starts: Sequence[int] = ()

    def locate(self, span: tuple[int, int]) -> Located | None:
        """The candidate at these bytes of ``content``; ``None`` if it is another block's."""
        starts = self._starts
        if not starts:
            starts = self._starts = [0, *accumulate(len(each) + 1 for each in self._texts)]
        start, end = span if self._is_ascii else _characters(self.content, span)
        place = bisect_right(starts, start) - 1
        shift = starts[place]
        text = self.text[shift : starts[place + 1] - 1]
        reading = self._readings[place] if self._readings else None
        return self._first + place, reading, Candidate(text, start - shift, end - shift)


class Stretch:
    """Text ``index`` from character ``origin`` on.

    Values that begin before ``start``, or at ``cut`` or behind, are another block's.
    """

    __slots__ = (
        "_cut", "_index", "_is_ascii", "_origin", "_reading", "_start", "content", "text",
    )  # fmt: skip

    def __init__(self, reading: Reading, index: int, origin: int, start: int, cut: int) -> None:
        self.text = reading.text[origin : cut + OVERLAP_CHARS]
        self.content = self.text.encode()
        self._is_ascii = len(self.text) == len(self.content)
        self._index = index
        self._reading = reading
        self._origin = origin
        self._start = start
        self._cut = cut

    def locate(self, span: tuple[int, int]) -> Located | None:
        """As of ``Joined``."""
        start, end = span if self._is_ascii else _characters(self.content, span)
        start, end = start + self._origin, end + self._origin
        if not self._start <= start < self._cut:
            return None
        return self._index, self._reading, Candidate(self._reading.text, start, end)


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
        if length > STRETCH_CHARS:
            yield from _stretches(read(text), index)
            first = index + 1
        else:
            size += length + 1
    if first < len(texts):
        yield _joined(texts[first:], first)


def _joined(texts: Sequence[str], first: int) -> Joined:
    together = read("\n".join(texts))
    if together.kept is None:
        return Joined(together.text, first, texts)
    readings = [read(each) for each in texts]
    texts = [reading.text for reading in readings]
    return Joined("\n".join(texts), first, texts, readings)


def _stretches(reading: Reading, index: int) -> Iterator[Stretch]:
    start, length = 0, len(reading.text)
    while start < length:
        cut = _cut(reading.text, start)
        yield Stretch(reading, index, _origin(reading.text, start), start, cut)
        start = cut


def _cut(text: str, start: int) -> int:
    """Where the stretch that begins at ``start`` ends."""
    end = start + STRETCH_CHARS
    if end >= len(text):
        return len(text)
    for space in ("\n", " "):
        found = text.rfind(space, end - CUT_CHARS, end)
        if found > 0:
            return found + 1
    return end


def _origin(text: str, start: int) -> int:
    """Where a label may begin that announces a value at ``start``: ``BEFORE_CHARS`` before it, or
    at a word that begins a little earlier."""
    first = max(0, start - BEFORE_CHARS - CUT_CHARS)
    return text.find(" ", first, max(first, start - BEFORE_CHARS)) + 1 or first


def _characters(content: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """From bytes of a block to its characters."""
    start, end = span
    first = len(content[:start].decode())
    return first, first + len(content[start:end].decode())
