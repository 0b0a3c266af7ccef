"""A text in pieces: made larger, or cut to what a range of its lines has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datavault.domain.errors import Malformed

# Large enough for numpy to be worth its calls, small enough for a core's cache.
PIECE_BYTES = 256 * 1024
PIECE_BYTES_MAX = 512 * 1024


@dataclass(slots=True)
class LineCount:
    """How many line feeds have passed."""

    lines: int = 0

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, counted as they are taken."""
        for piece in pieces:
            self.lines += piece.count(b"\n")
            yield piece


def evened(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in pieces of ``PIECE_BYTES`` to ``PIECE_BYTES_MAX``; the last may be smaller,
    and so may what is left of a larger one."""
    held: list[bytes] = []
    size = 0
    for whole in pieces:
        for at in range(0, len(whole), PIECE_BYTES_MAX):
            piece = whole[at : at + PIECE_BYTES_MAX]
            held.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                yield held[0] if len(held) == 1 else b"".join(held)
                held, size = [], 0
    if size:
        yield b"".join(held)


def bytes_before(start: int) -> int:
    """The byte from which ``lines_within`` wants the file, to see whether a line begins."""
    return max(0, start - 1)


def lines_within(pieces: Iterable[bytes], start: int, end: int) -> tuple[int, Iterator[bytes]]:
    """The lines of a file whose first byte is in ``start`` to ``end`` (left out), and where.

    ``pieces`` are the file from ``bytes_before(start)`` on, to the end of the last such line at
    least; no more of them is asked for than is needed. The lines begin at the byte returned. So
    ranges that meet give every line once, and a range may well have none.

    Raises:
        Malformed: the file ends before ``start``.
    """
    if not start:
        return 0, _until(iter(pieces), 0, end)
    source = iter(pieces)
    at = start - 1
    for piece in source:
        feed = piece.find(b"\n")
        if feed >= 0:
            first = at + feed + 1
            return first, _until(source, first, end, head=piece[feed + 1 :])
        at += len(piece)
        if at >= end:
            break
    if at < start:
        raise Malformed(f"the file has {at} bytes; a range begins at {start}")
    return at, iter(())


def _until(source: Iterator[bytes], at: int, end: int, *, head: bytes = b"") -> Iterator[bytes]:
    """Pieces from ``at`` to the end of the line that holds the byte before ``end``."""
    if at >= end:
        return
    piece = head
    while True:
        if at + len(piece) >= end:
            # The line that has the range's last byte is the last to begin in it.
            feed = piece.find(b"\n", max(0, end - 1 - at))
            if feed >= 0:
                yield piece[: feed + 1]
                return
        if piece:
            yield piece
        at += len(piece)
        following = next(source, None)
        if following is None:
            return
        piece = following
