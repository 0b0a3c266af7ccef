"""A JSON array, whose elements become lines by substituting bytes one for one.

A comma between elements becomes a line feed, a line feed between tokens a space, the array's own
brackets spaces; every other byte stays. So what reads lines reads elements, at the places where
they stand in the file. Whether an element is a record is for that reader to say; here only what
makes the elements certain is checked: quotes, depth, and that there is one between two commas.

A line feed inside a string, which JSON forbids, becomes a vertical tab, which it forbids too: the
element is refused when it is read. Quotes and brackets that do not pair in one element shift all
that follow, up to an array that does not end, which is an error of the file.

All is numpy over a piece at a time; from piece to piece go the depth, whether a string is open,
and whether a backslash or a comma waits for what it belongs to.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import Malformed
from datavault.domain.formats.batch import (
    START,
    Batch,
    Batches,
    Int64s,
    Listed,
    Place,
    Refuse,
    Refused,
)
from datavault.domain.formats.lines import read_ndjson
from datavault.domain.formats.pieces import evened

# More than a record may have. An element may have two bytes, and its place takes sixteen.
SPAN_BYTES = 6 * 1024 * 1024

_QUOTE, _OPEN, _CLOSE, _COMMA, _FEED, _BACKSLASH = 1, 2, 3, 4, 5, 6
_SIGNS = bytearray(256)
for _byte, _sign in zip(
    b'"{[}],\n\\',
    (_QUOTE, _OPEN, _OPEN, _CLOSE, _CLOSE, _COMMA, _FEED, _BACKSLASH),
    strict=True,
):
    _SIGNS[_byte] = _sign
_STEP = np.zeros(8, np.int64)
_STEP[[_OPEN, _CLOSE]] = 1, -1
_SPACE = b" \t\r\n"
# Indentation is passed over one byte a round for all elements at once; longer runs one by one.
_ROUNDS_MAX = 32

_NONE = np.zeros(0, np.int64)

type Bools = NDArray[np.bool_]
type Bytes = NDArray[np.uint8]


def read_array(pieces: Iterable[bytes], refuse: Refuse, *, start: Place = START) -> Batches:
    """The elements of the array that is the text, each a line.

    Raises:
        Malformed: the text is no array, or one with an empty place, or it does not end, or
            something comes after it.
    """
    scan = _Scan(start)

    def refuse_at(refused: Refused) -> None:
        places = scan.places(refused.place.offset, 1)
        if len(places.offsets):  # Or it was white space in an empty array.
            refuse(replace(refused, place=places.place(0)))

    # Every line of this text is one element; only the offsets of its places are right.
    text = scan.lines(evened(pieces))
    here = Place(0, start.offset)
    for batch in read_ndjson(text, refuse_at, start=here, batch_bytes=SPAN_BYTES):
        places = scan.places(batch.origin.place(0).offset, batch.lines)
        if len(places.offsets):  # Or the array is empty.
            yield Batch(batch.text, batch.lines, places)


class _Scan:
    """What is known of the array so far."""

    def __init__(self, start: Place) -> None:
        self._offset = start.offset  # Of the piece that comes next.
        self._line = start.line
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False  # Its first byte is, by a backslash before it.
        self._is_begun = False
        self._is_ended = False
        # An element is to come whose first byte is not seen yet; the first one may be missing.
        self._awaits = False
        self._is_first = True
        self._found: deque[tuple[Int64s, Int64s]] = deque()

    def places(self, offset: int, count: int) -> Listed:
        """The places of the next ``count`` elements, which begin at ``offset`` or after it."""
        offsets, lines = [_NONE], [_NONE]
        wanted = count
        while wanted and self._found:
            starts, numbers = self._found.popleft()
            skipped = int(np.searchsorted(starts, offset))
            taken = slice(skipped, skipped + wanted)
            offsets.append(starts[taken])
            lines.append(numbers[taken])
            wanted -= len(offsets[-1])
            if skipped + len(offsets[-1]) < len(starts):
                rest = slice(skipped + len(offsets[-1]), None)
                self._found.appendleft((starts[rest], numbers[rest]))
        return Listed(np.concatenate(lines), np.concatenate(offsets))

    def lines(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The text as lines, a piece for a piece."""
        for piece in pieces:
            body = piece if self._is_begun else self._begin(piece)
            if not body:
                continue
            if self._is_ended:
                self._require_space(body)
                continue
            yield self._substitute(body)
        if not self._is_ended:
            what = "is cut short" if self._is_begun else "has not begun"
            raise Malformed(f"the JSON array {what} after {self._offset} bytes")

    def _begin(self, piece: bytes) -> bytes:
        """What comes with and after the opening bracket."""
        rest = piece.lstrip(_SPACE)
        skipped = len(piece) - len(rest)
        self._line += piece.count(b"\n", 0, skipped)
        self._offset += skipped
        if rest and not rest.startswith(b"["):
            raise Malformed(f"no JSON array: byte {self._offset} is no opening bracket")
        self._is_begun = bool(rest)
        return rest

    def _substitute(self, piece: bytes) -> bytes:
        is_first_piece = self._depth == 0
        signs = np.frombuffer(piece.translate(_SIGNS), np.uint8)
        at = np.flatnonzero(signs != 0)
        kind = signs[at]
        at, kind = self._without_escaped(piece, at, kind)
        quotes = np.cumsum(kind == _QUOTE)
        in_string = ((quotes - (kind == _QUOTE) + self._is_in_string) & 1).astype(np.bool_)
        outside = ~in_string
        step = np.where(outside, _STEP[kind], 0)
        depth = np.cumsum(step) + self._depth
        end = self._end_of(piece, at, depth, step)
        known = at < end
        is_comma = outside & (kind == _COMMA) & (depth == 1) & known
        feeds = at[(kind == _FEED) & known]
        commas = at[is_comma]
        self._note(piece, commas, feeds, end, starts_array=is_first_piece)
        text = np.frombuffer(piece, np.uint8).copy()
        text[at[outside & (kind == _FEED)]] = ord(" ")
        text[at[in_string & (kind == _FEED)]] = ord("\v")
        text[commas] = ord("\n")
        if is_first_piece:
            text[0] = ord(" ")
        if end < len(piece):
            text[end] = ord(" ")
            self._offset += end + 1
            self._require_space(piece[end + 1 :])
            self._is_ended = True
            return text[: end + 1].tobytes()
        if len(quotes) and quotes[-1] & 1:
            self._is_in_string = not self._is_in_string
        if len(depth):
            self._depth = int(depth[-1])
        self._line += len(feeds)
        self._offset += len(piece)
        return text.tobytes()

    def _without_escaped(self, piece: bytes, at: Int64s, kind: Bytes) -> tuple[Int64s, Bytes]:
        """The signs that no backslash takes the meaning of, backslashes left out."""
        slashes = at[kind == _BACKSLASH]
        was_escaped, self._is_escaped = self._is_escaped, False
        if not len(slashes) and not was_escaped:
            return at, kind
        escaped = np.zeros(len(piece) + 1, np.bool_)
        if was_escaped:
            # As if a run of one had ended just before; joined to the one that begins here.
            slashes = np.concatenate(([-1], slashes))
        breaks = np.flatnonzero(np.diff(slashes) != 1)
        last = np.concatenate((breaks, [len(slashes) - 1]))
        sizes = np.diff(np.concatenate(([-1], last)))
        escaped[slashes[last[sizes & 1 == 1]] + 1] = True
        self._is_escaped = bool(escaped[len(piece)])
        kept = (kind != _BACKSLASH) & ~escaped[at]
        return at[kept], kind[kept]

    def _end_of(self, piece: bytes, at: Int64s, depth: Int64s, step: Int64s) -> int:
        """Where the array's closing bracket is; the end of the piece if it is not in it."""
        closing = np.flatnonzero((depth == 0) & (step != 0))
        if not len(closing):
            return len(piece)
        end = int(at[closing[0]])
        if piece[end : end + 1] != b"]":
            raise Malformed(f"byte {self._offset + end} closes the JSON array, and is no bracket")
        return end

    def _note(
        self, piece: bytes, commas: Int64s, feeds: Int64s, end: int, *, starts_array: bool
    ) -> None:
        """Find where elements begin, after commas and what is open from before."""
        before = [0] if starts_array else ([-1] if self._awaits else [])
        starts = np.concatenate((before, commas)).astype(np.int64) + 1
        limits = np.concatenate((commas if len(before) else commas[1:], [end]))
        if not len(starts):
            return
        begins = _first_tokens(piece, starts, limits)
        empty = begins == limits
        # The last may go on in the next piece.
        self._awaits = bool(empty[-1]) and end == len(piece)
        missing = np.flatnonzero(empty[:-1] if self._awaits else empty)
        if len(missing):
            is_none = self._is_first and len(begins) == 1 and end < len(piece)
            if not is_none:
                place = self._offset + int(limits[missing[0]])
                raise Malformed(f"an element is missing in the JSON array before byte {place}")
            return
        found = begins[~empty]
        if len(found):
            self._is_first = False
            lines = self._line + np.searchsorted(feeds, found)
            self._found.append((found + self._offset, lines))

    def _require_space(self, rest: bytes) -> None:
        stripped = rest.lstrip(_SPACE)
        self._offset += len(rest) - len(stripped)
        if stripped:
            raise Malformed(f"something comes after the JSON array, at byte {self._offset}")


def _first_tokens(piece: bytes, starts: Int64s, limits: Int64s) -> Int64s:
    """The first byte from each start on that is no white space; its limit if there is none."""
    text = np.frombuffer(piece + b"\0", np.uint8)
    begins = starts.copy()
    active = np.flatnonzero(begins < limits)
    for _ in range(_ROUNDS_MAX):
        byte = text[begins[active]]
        is_space = (byte == 0x20) | (byte == 0x0A) | (byte == 0x0D) | (byte == 0x09)
        active = active[is_space]
        if not len(active):
            return begins
        begins[active] += 1
        active = active[begins[active] < limits[active]]
    for each in active.tolist():
        body = piece[begins[each] : limits[each]]
        begins[each] += len(body) - len(body.lstrip(_SPACE))
    return begins
