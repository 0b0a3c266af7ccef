"""A piece of text examined: one text, with what stands around it."""

from bisect import bisect_right
from itertools import accumulate

from datavault.cli.privacy.found import Counts, Examined, Found, Spot, Told, counted_by_rule
from datavault.cli.privacy.pieces import Piece
from datavault.cli.privacy.search import Search


def examine_text(piece: Piece, search: Search) -> Examined:
    """The values that begin in the piece."""
    text, notes = readable(piece.content[piece.start : piece.end])
    before = piece.content[: piece.start].decode(errors="replace")
    onward = text + piece.content[piece.end :].decode(errors="replace")
    (spans,) = search.find([before + onward])
    spots = Spots(onward)
    found: list[Found] = []
    counts: Counts = {}
    for span in spans:
        start, end = span.start - len(before), span.end - len(before)
        if not 0 <= start < len(text):
            continue
        counted_by_rule((span,), counts)
        found.append(
            Found(
                first=spots.at(start),
                last=spots.at(end),
                start=start,
                end=end,
                entity=span.entity,
                score=span.score,
                rule=span.reason,
                value=onward[start:end] if search.shows_values else None,
            )
        )
    end_spot = spots.at(len(text))
    return Examined(piece.input, piece.size, end_spot, len(text), tuple(found), counts, notes=notes)


def readable(content: bytes) -> tuple[str, tuple[Told, ...]]:
    """The text, with what is not UTF-8 replaced, and a note that says where that begins."""
    try:
        return content.decode(), ()
    except UnicodeDecodeError as error:
        at = error.start
    line = content.count(b"\n", 0, at) + 1
    byte = at - content.rfind(b"\n", 0, at)
    note = Told(line, f"not UTF-8 at byte {byte}: what cannot be decoded is read as U+FFFD")
    return content.decode(errors="replace"), (note,)


class Spots:
    """Where the code points of a text are; what ends a line is a line feed."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n")[:-1])]

    def at(self, position: int) -> Spot:
        line = bisect_right(self._starts, position)
        return Spot(line, position - self._starts[line - 1] + 1)
