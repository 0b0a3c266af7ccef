"""What examining a piece gives: places, counts and notes, and values only if they are asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from datavault.domain.privacy.results import Part
from datavault.domain.privacy.spans import Span

type Counts = dict[tuple[str, str], int]


# Spots and finds are made by the million and sent between processes: a tuple is made, and
# pickled, in a third of a frozen dataclass's time.
class Spot(NamedTuple):
    """A line and a column in it, both from 1; columns count code points."""

    line: int
    column: int

    def behind(self, other: "Spot") -> "Spot":
        """This one, counted from where ``other`` is."""
        column = self.column + other.column - 1 if self.line == 1 else self.column
        return Spot(self.line + other.line - 1, column)


START = Spot(1, 1)


class Found(NamedTuple):
    """A value at code points ``[start, end)`` of a text.

    The text is the whole input, or what stands at ``pointer`` (RFC 6901) of the record or row that
    begins in line ``first.line``; there ``part`` tells a key from a value, and ``first`` and
    ``last`` enclose all of the text.
    """

    first: Spot
    last: Spot
    start: int
    end: int
    entity: str
    score: float
    rule: str
    pointer: str | None = None
    part: str | None = None
    value: str | None = None

    @classmethod
    def within(
        cls,
        text: str,
        span: Span,
        first: Spot,
        last: Spot,
        *,
        pointer: str,
        part: Part,
        shows_values: bool,
    ) -> Self:
        """``span`` of the text that stands at ``pointer``."""
        return cls(
            first=first,
            last=last,
            start=span.start,
            end=span.end,
            entity=span.entity,
            score=span.score,
            rule=span.reason,
            pointer=pointer,
            part=part,
            value=text[span.start : span.end] if shows_values else None,
        )

    def __repr__(self) -> str:
        """Without the value."""
        return f"Found({self.entity} by {self.rule} at {self.start}:{self.end})"


@dataclass(frozen=True, slots=True)
class Told:
    """A note about a line, or why it cannot be read."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Examined:
    """A piece, examined up to what ``refused`` says; lines are counted from its beginning.

    The next piece begins at ``end``, ``chars`` code points on. ``answers`` are those to a corpus.
    ``unread`` says why the input was not read from here on.
    """

    input: int
    size: int
    end: Spot
    chars: int
    found: tuple[Found, ...] = ()
    counts: Counts = field(default_factory=dict)
    answers: bytes = b""
    notes: tuple[Told, ...] = ()
    refused: Told | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far an input has been examined."""

    spot: Spot = START
    chars: int = 0

    def after(self, piece: Examined) -> "Reached":
        return Reached(piece.end.behind(self.spot), self.chars + piece.chars)

    def located(self, found: Found) -> Found:
        """What was found in the piece that begins here, by its place in the input."""
        shift = self.chars if found.pointer is None else 0
        return found._replace(
            first=found.first.behind(self.spot),
            last=found.last.behind(self.spot),
            start=found.start + shift,
            end=found.end + shift,
        )


def counted_by_rule(spans: Iterable[Span], counts: Counts) -> None:
    """Add the spans to ``counts``."""
    for span in spans:
        key = span.entity.value, span.reason
        counts[key] = counts.get(key, 0) + 1
