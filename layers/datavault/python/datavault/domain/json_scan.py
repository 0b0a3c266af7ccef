"""JSON text searched in bulk: arrays of bytes in, positions and suspicions out.

Everything here is numpy over a whole batch of lines, so that the work is native and mostly off
the GIL. Nothing here decides that a record is bad: it finds the lines that may be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datavault.domain.json_lines import IS_SPACE, Bools, Bytes, Int64s, joined, positions
from datavault.domain.json_text import GRAMMAR, NESTING_MAX, REFUSALS

type Words = NDArray[np.uint64]

# A longer key makes its line suspected: 8 rounds of one word each read this many bytes.
_KEY_BYTES_MAX = 64
# Longer ranges, in the mean, are joined and not gathered byte by byte.
_LONG_RANGE_BYTES = 24
_NO_ESCAPE, _GOOD_ESCAPE, _BY_CODE = 0, 1, 2
_ESCAPE = np.zeros(256, np.uint8)
_ESCAPE[list(b'"\\/bfnrt')] = _GOOD_ESCAPE
_ESCAPE[ord("u")] = _BY_CODE

# What each byte of a skeleton does to the depth, in two's complement.
_STEP = bytes(1 if byte in b"{[" else 255 if byte in b"}]" else 0 for byte in range(256))
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
_LOW_BITS = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_ONE, _HALF, _63 = np.uint64(1), np.uint64(32), np.uint64(63)
# Odd multipliers of splitmix64 and of the golden ratio. A collision costs time, never truth.
_ODD_1 = np.uint64(0xBF58476D1CE4E5B9)
_ODD_2 = np.uint64(0x94D049BB133111EB)
_ODD_3 = np.uint64(0x9E3779B97F4A7C15)


def odd_lines(text: bytes | memoryview, starts: Int64s, ends: Int64s) -> Bools:
    """Lines of ``text`` that may be no record.

    The rules: JSON by the grammar, UTF-8, no NUL by escape, at most ``NESTING_MAX`` deep, no key
    twice in an object. Each line begins with ``{`` and ends with ``}``, and nothing but white
    space stands between them; so no value can span two lines: nowhere in JSON does ``{`` follow
    ``}``, and no string holds a line feed.

    Some lines are suspected although they keep the rules: with an escape in a key, with a key of
    more than ``_KEY_BYTES_MAX`` bytes, with much space before a colon.
    """
    if not len(starts):
        return np.zeros(0, np.bool_)
    padded = _padded(text)
    # Places are counted from the start of the padding.
    first = starts + 8
    quotes, escaped = _quotes(padded)
    edges = np.empty(len(starts) + 1, np.int64)
    edges[:-1] = quotes.searchsorted(first)
    edges[-1] = len(quotes)
    # Lines of which a string does not end: what follows would be taken for text.
    odd: Bools = (edges[1:] - edges[:-1]) & 1 == 1
    if odd.any():
        return _with_others(odd, text, starts, ends)
    skeleton = _Skeleton.of(padded, quotes, len(text))
    if not _is_lines(skeleton.text, len(starts)):
        odd = _refused(text, starts, ends)
        if odd.any():
            return _with_others(odd, text, starts, ends)
    bad, unicode_escapes, nul = _escapes(padded, escaped)
    places = [
        bad,
        nul,
        _controls(padded, quotes, skeleton.array),
        _oddities(padded, quotes, skeleton),
    ]
    odd[first.searchsorted(np.concatenate(places), side="right") - 1] = True
    if len(unicode_escapes):
        # The skeleton has no escapes in it; surrogates, above all, are for the grammar to judge.
        has_escape = np.zeros(len(starts), np.bool_)
        has_escape[first.searchsorted(unicode_escapes, side="right") - 1] = True
        rows = has_escape.nonzero()[0]
        odd[rows] |= _refused(text, starts[rows], ends[rows])
    if not _is_utf8(padded.view(np.uint64)):
        for line, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            odd[line] |= not _decodes(bytes(text[start:end]))
    return odd


def _with_others(odd: Bools, text: bytes | memoryview, starts: Int64s, ends: Int64s) -> Bools:
    """``odd``, and those that are odd of the other lines alone."""
    sure = (~odd).nonzero()[0]
    odd[sure] = odd_lines(*joined(text, starts[sure], ends[sure]))
    return odd


def _padded(text: bytes | memoryview) -> Bytes:
    """The text, 8 spaces before it and 8 to 15 behind it, so that there are whole words."""
    size = len(text)
    padded = np.empty(size + 8 + -size % 8 + 8, np.uint8)
    padded[:8] = ord(" ")
    padded[8 : 8 + size] = np.frombuffer(text, np.uint8)
    padded[8 + size :] = ord(" ")
    return padded


@dataclass(frozen=True, slots=True, eq=False)
class _Skeleton:
    """A text with every string in it empty: ``{"":"","":[1,2]}``.

    By the grammar it is JSON if the text is, and the text is if, besides, its strings are good.
    It has a few per cent of the bytes of the text, and all of its structure. Range ``i`` of the
    text, from ``begins[i]``, is at ``places[i]`` of the skeleton; each goes from the quote that
    closes a string, or from the start, to the quote that opens the next one, or to the end.
    """

    text: bytes
    begins: Int64s
    places: Int64s

    @classmethod
    def of(cls, padded: Bytes, quotes: Int64s, size: int) -> "_Skeleton":
        """The skeleton of the ``size`` bytes in ``padded``."""
        count = len(quotes) // 2 + 1
        begins, ends = np.empty(count, np.int64), np.empty(count, np.int64)
        begins[0], ends[-1] = 8, 8 + size
        begins[1:] = quotes[1::2]
        np.add(quotes[: 2 * count - 2 : 2], 1, out=ends[:-1])
        lengths = ends - begins
        places = lengths.cumsum()
        total = int(places[-1])
        places -= lengths
        if total > len(begins) * _LONG_RANGE_BYTES:
            view = memoryview(padded)
            spans = zip(begins.tolist(), ends.tolist(), strict=True)
            return cls(b"".join([view[begin:end] for begin, end in spans]), begins, places)
        index = (begins - places).repeat(lengths)
        index += np.arange(total)
        return cls(padded.take(index).tobytes(), begins, places)

    @property
    def array(self) -> Bytes:
        """Its bytes."""
        return np.frombuffer(self.text, np.uint8)

    def origin(self, at: Int64s) -> Int64s:
        """The places in the text of places in the skeleton."""
        rows = self.places.searchsorted(at, side="right") - 1
        return self.begins.take(rows) + at - self.places.take(rows)


def _is_lines(text: bytes | memoryview, count: int) -> bool:
    """Whether ``text`` is so many JSON values."""
    try:
        return len(GRAMMAR.decode_lines(text)) == count
    except REFUSALS:
        return False


def _refused(text: bytes | memoryview, starts: Int64s, ends: Int64s) -> Bools:
    """Which lines are not JSON by the grammar."""
    if _is_lines(joined(text, starts, ends)[0], len(starts)):
        return np.zeros(len(starts), np.bool_)
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    return np.array([not _is_json(text[start:end]) for start, end in spans], np.bool_)


def _is_json(text: bytes | memoryview) -> bool:
    try:
        GRAMMAR.decode(text)
    except REFUSALS:
        return False
    return True


def _quotes(padded: Bytes) -> tuple[Int64s, Int64s]:
    """The quotes that begin or end strings, and what a backslash stands before, if not an ``n``.

    Most escapes are of line feeds: they are left out before anything is looked at one by one.
    """
    quotes = positions(padded == ord('"'))
    escapes = padded == ord("\\")
    escapes[:-1] &= padded[1:] != ord("n")
    backslashes = positions(escapes)
    if not len(backslashes):
        return quotes, backslashes
    escaped = backslashes + 1
    again = (backslashes[1:] == escaped[:-1]).nonzero()[0] + 1
    if len(again):
        # Of a run of backslashes, every other one is itself escaped. (It may end with one more,
        # before an ``n``, which is then good in either case.)
        number = np.arange(len(again))
        begins = number.copy()
        begins[1:][again[1:] == again[:-1] + 1] = 0
        own = (number - np.maximum.accumulate(begins)) & 1 == 0
        real = np.ones(len(escaped), np.bool_)
        real[again.compress(own)] = False
        escaped = escaped.compress(real)
    kept = np.ones(len(quotes), np.bool_)
    kept[quotes.searchsorted(escaped.compress(padded.take(escaped) == ord('"')))] = False
    return quotes.compress(kept), escaped


def _escapes(padded: Bytes, escaped: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Escapes that JSON has not; those by code point; and of these the ones of NUL."""
    kind = _ESCAPE.take(padded.take(escaped))
    by_code = at = escaped.compress(kind == _BY_CODE)
    for offset in range(1, 5):
        at = at.compress(padded.take(at + offset, mode="clip") == ord("0"))
    return escaped.compress(kind == _NO_ESCAPE) - 1, by_code, at


def _controls(padded: Bytes, quotes: Int64s, skeleton: Bytes) -> Int64s:
    """Control characters in strings."""
    controls = padded < ord(" ")
    if np.count_nonzero(controls) == np.count_nonzero(skeleton < ord(" ")):
        return quotes[:0]
    at = positions(controls)
    return at.compress(quotes.searchsorted(at) & 1 == 1)


def _is_utf8(words: Words) -> bool:
    """Whether the text is UTF-8, from the words that are not ASCII and the word after each.

    The word after keeps a sequence that is cut short from being completed by another.
    """
    high = (words & _HIGH_BITS) != 0
    if not high.any():
        return True
    high[1:] |= high[:-1].copy()
    return _decodes(words[high].tobytes())


def _decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _oddities(padded: Bytes, quotes: Int64s, skeleton: _Skeleton) -> Int64s:
    """Places in lines that may nest too deep or have a key twice; the lines are JSON."""
    text = skeleton.array
    step = np.frombuffer(skeleton.text.translate(_STEP), np.int8)
    depth = step.cumsum(dtype=np.int32)
    too_deep = skeleton.origin((depth > NESTING_MAX).nonzero()[0])
    at = (text == ord('"')).nonzero()[0]
    keys, strange = _before_colon(text, at[1::2])
    first, last = quotes[::2].take(keys) + 1, quotes[1::2].take(keys)
    signature, unsure = _key_signatures(padded.view(np.uint64), first, last)
    is_bracket = step != 0
    brackets = is_bracket.nonzero()[0]
    numbers = _object_numbers(step.take(brackets), depth.take(brackets))
    # The last bracket before a key says which object it is in.
    before = is_bracket.cumsum(dtype=np.int32).take(at[::2].take(keys)) - 1
    signature += numbers.take(before) * _ODD_3
    return np.concatenate(
        [
            quotes[1::2].take(strange),
            too_deep,
            first.compress(unsure),
            first.take(_repeats(signature)),
        ]
    )


def _before_colon(skeleton: Bytes, closing: Int64s) -> tuple[Int64s, Int64s]:
    """The strings that are keys, by number, and those with too much space behind them to tell."""
    after = skeleton.take(closing + 1)
    is_key = after == ord(":")
    rows = IS_SPACE.take(after).nonzero()[0]
    for offset in range(2, 6):
        if not len(rows):
            break
        after = skeleton.take(closing.take(rows) + offset, mode="clip")
        is_key[rows.compress(after == ord(":"))] = True
        rows = rows.compress(IS_SPACE.take(after))
    return is_key.nonzero()[0], rows


def _object_numbers(step: NDArray[np.int8], depth: NDArray[np.int32]) -> Words:
    """For each bracket, in the order of the text, the number of what it leaves us in.

    ``step`` is 1 for an opening bracket, -1 for a closing one, 0 for one in a string; ``depth``
    is the depth after it. Sorted by depth (stably), a bracket leaves us in what was last opened.
    """
    order = np.minimum(depth, 255).astype(np.uint8).argsort(kind="stable")
    numbers = np.empty(len(step), np.uint64)
    numbers[order] = (step.take(order) == 1).cumsum(dtype=np.int64).view(np.uint64)
    return numbers


def _key_signatures(words: Words, first: Int64s, last: Int64s) -> tuple[Words, Bools]:
    """A hash of each key, of all its bytes, and whether it is unsure to tell the key.

    A key is ``[first, last)`` in bytes of ``words``.
    """
    size = last - first
    word = _words_at(words, first) & _MASKS.take(np.minimum(size, 8))
    unsure = _has_backslash(word)
    signature = (word ^ size.view(np.uint64)) * _ODD_1
    unsure |= size > _KEY_BYTES_MAX
    rows = (size > 8).nonzero()[0]
    offset = 8
    while len(rows):
        # The last word of a key overlaps the one before.
        begin = np.minimum(first.take(rows) + offset, last.take(rows) - 8)
        word = _words_at(words, begin)
        unsure[rows] |= _has_backslash(word)
        mixed = signature.take(rows)
        signature[rows] = (mixed ^ (mixed >> _HALF) ^ word) * _ODD_2
        offset += 8
        rows = rows[(size.take(rows) > offset) & (offset < _KEY_BYTES_MAX)]
    signature ^= signature >> _HALF
    return signature, unsure


def _words_at(words: Words, at: Int64s) -> Words:
    """The 8 bytes, little-endian, that begin at each byte position."""
    index = at >> 3
    shift = ((at & 7) << 3).view(np.uint64)
    low = words.take(index) >> shift
    # Shifting in two steps, as shifting by 64 is undefined.
    return low | (words.take(index + 1, mode="clip") << _ONE << (_63 - shift))


def _has_backslash(word: Words) -> Bools:
    """Whether one of the 8 bytes is a backslash (the zero-byte test of Hacker's Delight, 6-1)."""
    zero = word ^ _BACKSLASHES
    found: Bools = ((zero - _LOW_BITS) & ~zero & _HIGH_BITS) != 0
    return found


def _repeats(signature: Words) -> Int64s:
    """Rows of which another has the same signature."""
    in_order = np.sort(signature)
    same = in_order[1:] == in_order[:-1]
    if not same.any():
        return np.zeros(0, np.int64)
    return np.isin(signature, in_order[1:][same]).nonzero()[0]
