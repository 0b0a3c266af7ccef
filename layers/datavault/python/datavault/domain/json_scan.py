"""JSON text searched in bulk: arrays of bytes in, positions and suspicions out.

Everything here is numpy over a whole batch of lines, so that the work is native and mostly off
the GIL. Nothing here decides that a record is bad: it finds the lines that may be.
"""

import re
from bisect import bisect_left
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from datavault.domain.json_text import NESTING_MAX

type Bytes = NDArray[np.uint8]
type Words = NDArray[np.uint64]
type Int64s = NDArray[np.int64]
type Chars = NDArray[np.bytes_]
type Bools = NDArray[np.bool_]

_IS_SPACE = np.zeros(256, np.bool_)
_IS_SPACE[list(b" \t\r\n")] = True
_TRIM_STEPS_MAX = 8
# A longer key makes its line suspected: 8 rounds of one word each read this many bytes.
_KEY_BYTES_MAX = 64
# Runs of backslashes are followed one step at a time, so longer ones are looked up instead.
_BACKSLASHES_MANY = 8
_LONG_RUN = re.compile(rb"\\{8,}")

_STEP = np.zeros(256, np.int8)
_STEP[list(b"{[")] = 1
_STEP[list(b"}]")] = -1
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
_LOW_BITS = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_ONE, _HALF, _63 = np.uint64(1), np.uint64(32), np.uint64(63)
# Odd multipliers of splitmix64 and of the golden ratio. A collision costs time, never truth.
_ODD_1 = np.uint64(0xBF58476D1CE4E5B9)
_ODD_2 = np.uint64(0x94D049BB133111EB)
_ODD_3 = np.uint64(0x9E3779B97F4A7C15)


def split_lines(text: Bytes) -> tuple[Int64s, Int64s, Int64s]:
    """Number, start and end of each line that is not blank; without the white space around it."""
    is_break = np.zeros(len(text) + -len(text) % 8, np.bool_)
    np.equal(text, ord("\n"), out=is_break[: len(text)])
    breaks = _positions(is_break)
    starts = np.empty(len(breaks) + 1, np.int64)
    starts[0] = 0
    np.add(breaks, 1, out=starts[1:])
    ends = np.append(breaks, len(text))
    lines = np.arange(len(starts))
    full = starts < ends
    for _ in range(_TRIM_STEPS_MAX):
        trailing = np.flatnonzero(full)
        trailing = trailing[_IS_SPACE[text[ends[trailing] - 1]]]
        ends[trailing] -= 1
        leading = np.flatnonzero(starts < ends)
        leading = leading[_IS_SPACE[text[starts[leading]]]]
        starts[leading] += 1
        full = starts < ends
        if not len(trailing) and not len(leading):
            break
    else:
        for line in np.flatnonzero(full).tolist():
            body = text[starts[line] : ends[line]].tobytes()
            ends[line] -= len(body) - len(body.rstrip(b" \t\r\n"))
            starts[line] += len(body) - len(body.lstrip(b" \t\r\n"))
        full = starts < ends
    if full.all():
        return lines, starts, ends
    return lines[full], starts[full], ends[full]


def joined(
    batch: bytes | memoryview, starts: Int64s, ends: Int64s
) -> tuple[bytes | memoryview, Int64s, Int64s]:
    """The lines alone, a newline between them, and where they are in that.

    This is ``batch`` itself when there is nothing else in it.
    """
    if _only_space_between(batch, starts, ends):
        return batch, starts, ends
    sizes = ends - starts
    text = b"\n".join(
        [batch[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    )
    new_ends = np.cumsum(sizes + 1) - 1
    return text, new_ends - sizes, new_ends


def leading_strings(text: Bytes, starts: Int64s, prefix: bytes, width: int) -> tuple[Chars, Bools]:
    """The plain ASCII strings that lines have right after ``prefix``, and which lines have one.

    ``prefix`` ends with the opening quote. A string has 1 to ``width - 1`` bytes, no escape and no
    control character. The column is ``S``, as wide as its longest; empty where there is none.
    """
    reach = len(prefix) + width
    near = starts <= len(text) - reach
    if not near.any() or len(starts) * reach > 2 * len(text):
        # Windows over short lines would be more than the text itself.
        return np.zeros(len(starts), "S1"), np.zeros(len(starts), np.bool_)
    windows = np.lib.stride_tricks.sliding_window_view(text, reach)[np.where(near, starts, 0)]
    has = near & (windows[:, : len(prefix)] == np.frombuffer(prefix, np.uint8)).all(axis=1)
    strings = windows[:, len(prefix) :]
    sizes = (strings == ord('"')).argmax(axis=1)
    has &= sizes > 0
    inside = np.arange(width) < sizes[:, None]
    strange = strings - ord(" ") >= 0x80 - ord(" ")
    strange |= strings == ord("\\")
    has &= ~(strange & inside).any(axis=1)
    inside &= has[:, None]
    widest = max(1, int(sizes.max(where=has, initial=0)))
    column = np.multiply(strings[:, :widest], inside[:, :widest], order="C")
    return column.view(f"S{widest}").ravel(), has


def odd_lines(text: bytes | memoryview, starts: Int64s, ends: Int64s) -> Bools:
    """Lines of ``text`` that may break a rule which the grammar does not show.

    The rules: UTF-8, no NUL by escape, at most ``NESTING_MAX`` deep, no key twice in an object.
    Each line is known to be an object by the grammar, and nothing else stands in ``text``; so
    quotes and brackets pair within lines, and the whole text is scanned as one.

    Some lines are suspected although they keep the rules: with an escape in a key, with a key of
    more than ``_KEY_BYTES_MAX`` bytes, with much space before a colon.
    """
    padded = np.zeros(len(text) + 8 + -len(text) % 8 + 8, np.uint8)
    padded[8 : 8 + len(text)] = np.frombuffer(text, np.uint8)
    places = [_nul_escapes(padded), _structure_oddities(padded)]
    odd = np.zeros(len(starts), np.bool_)
    # Places are counted from the start of the padding.
    odd[np.searchsorted(starts, np.concatenate(places) - 8, side="right") - 1] = True
    if not _is_utf8(padded.view(np.uint64)):
        for line, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            odd[line] |= not _decodes(bytes(text[start:end]))
    return odd


def _positions(mask: Bools) -> Int64s:
    """Where ``mask`` is true; its length is a multiple of 8.

    Looking for words with anything in them first is twice as fast as ``flatnonzero`` alone.
    """
    words = np.flatnonzero(mask.view(np.uint64) != 0)
    within = np.flatnonzero(mask.reshape(-1, 8).take(words, axis=0))
    return (words.take(within >> 3) << 3) + (within & 7)


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


def _nul_escapes(padded: Bytes) -> Int64s:
    """Where ``\\u0000`` stands; the backslash may be itself an escaped one."""
    escapes = padded[:-8] == ord("\\")
    escapes &= padded[1:-7] == ord("u")
    if not escapes.any():
        return np.zeros(0, np.int64)
    at = _positions(escapes)
    for offset in range(2, 6):
        at = at[padded.take(at + offset, mode="clip") == ord("0")]
    return at


def _structure_oddities(padded: Bytes) -> Int64s:
    """Places in lines that may nest too deep or have a key twice."""
    folded = padded | 0x20
    folded -= ord("{")
    folded &= 0xFD
    # Now 0 stands for the four brackets.
    mask = folded == 0
    mask |= padded == ord('"')
    at = _unescaped(padded, _positions(mask))
    sign = padded.take(at)
    quotes = np.flatnonzero(sign == ord('"'))
    brackets = np.flatnonzero(sign != ord('"'))
    # The rows before a bracket are brackets and quotes; after an odd number of these it is text.
    in_text = (brackets - np.arange(len(brackets))) & 1
    step = _STEP.take(sign.take(brackets) | (in_text << 7).view(np.uint64).astype(np.uint8))
    depth = np.cumsum(step, dtype=np.int32)
    too_deep = at.take(brackets.compress(depth > NESTING_MAX))
    closing = at.take(quotes[1::2])
    keys, strange = _before_colon(padded, closing)
    opening = quotes.take(keys << 1)
    first, last = at.take(opening) + 1, closing.take(keys)
    signature, unsure = _key_signatures(padded.view(np.uint64), first, last)
    # So many brackets stand before each key; the last one says which object it is in.
    before = opening - (keys << 1)
    signature += _object_numbers(step, depth).take(before - 1) * _ODD_3
    return np.concatenate(
        [strange, too_deep, first.compress(unsure), first.take(_repeats(signature))]
    )


def _unescaped(padded: Bytes, at: Int64s) -> Int64s:
    """``at`` without the quotes after an odd number of backslashes."""
    rows = np.flatnonzero(padded.take(at - 1) == ord("\\"))
    if not len(rows):
        return at
    rows = rows.compress(padded.take(at.take(rows)) == ord('"'))
    kept = np.ones(len(at), np.bool_)
    back = 1
    while len(rows) and back < _BACKSLASHES_MANY:
        # These have ``back`` backslashes before them, and perhaps more.
        kept[rows] = back % 2 == 0
        back += 1
        rows = rows.compress(padded.take(at.take(rows) - back) == ord("\\"))
    if len(rows):
        runs = [run.span() for run in _LONG_RUN.finditer(padded)]
        for row, place in zip(rows.tolist(), at.take(rows).tolist(), strict=True):
            start, end = runs[bisect_left(runs, place, key=itemgetter(1))]
            assert end == place
            kept[row] = (end - start) % 2 == 0
    return at.compress(kept)


def _before_colon(padded: Bytes, closing: Int64s) -> tuple[Int64s, Int64s]:
    """The strings that are keys, by number, and the closing quotes with too much space to tell."""
    after = padded.take(closing + 1)
    is_key = after == ord(":")
    rows = np.flatnonzero(_IS_SPACE.take(after))
    for offset in range(2, 6):
        if not len(rows):
            break
        after = padded.take(closing.take(rows) + offset, mode="clip")
        is_key[rows.compress(after == ord(":"))] = True
        rows = rows.compress(_IS_SPACE.take(after))
    return np.flatnonzero(is_key), closing.take(rows)


def _object_numbers(step: NDArray[np.int8], depth: NDArray[np.int32]) -> Words:
    """For each bracket, in the order of the text, the number of what it leaves us in.

    ``step`` is 1 for an opening bracket, -1 for a closing one, 0 for one in a string; ``depth``
    is the depth after it. Sorted by depth (stably), a bracket leaves us in what was last opened.
    """
    order = np.argsort(np.minimum(depth, 255).astype(np.uint8), kind="stable")
    numbers = np.empty(len(step), np.uint64)
    numbers[order] = np.cumsum(step.take(order) == 1, dtype=np.int64).view(np.uint64)
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
    rows = np.flatnonzero(size > 8)
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
    return np.flatnonzero(np.isin(signature, in_order[1:][same]))


def _only_space_between(batch: bytes | memoryview, starts: Int64s, ends: Int64s) -> bool:
    """Whether the lines are all that is in ``batch``; may say no when there is only more space.

    Two lines with another between them are three bytes apart at least.
    """
    if not len(starts):
        return False
    first, last = int(starts[0]), int(ends[-1])
    return (
        first <= 1
        and len(batch) - last <= 2
        and not bytes(batch[last:]).strip(b" \t\r\n")
        and bool((starts[1:] - ends[:-1] <= 2).all())
    )
