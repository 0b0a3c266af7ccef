"""Tables of text for a terminal: aligned by what a terminal shows, with nothing that steers it."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import click

# Widths are taken from so many rows at a time: a list of 100,000 is shown as it comes.
CHUNK_ROWS = 200
GAP = "  "
_CUT = "…"
# Control characters, and marks that change the direction of what follows or cannot be seen.
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Column[T]:
    """A heading, and what stands below it. ``elastic`` is cut where the line is too long."""

    heading: str
    cell: Callable[[T], object]
    right: bool = False
    elastic: bool = False


def table_lines[T](
    rows: Iterable[T], columns: tuple[Column[T], ...], *, width: int
) -> Iterator[str]:
    """The heading and a line for each row, as wide as ``width`` lets the elastic column be."""
    rows = iter(rows)
    widths = [display_width(column.heading) for column in columns]
    first = True
    while chunk := list(islice(rows, CHUNK_ROWS)):
        cells = [[_text(column.cell(row)) for column in columns] for row in chunk]
        widths = [
            max(widths[at], *(display_width(line[at]) for line in cells))
            for at in range(len(columns))
        ]
        if first:
            heading = [column.heading for column in columns]
            yield click.style(_line(heading, columns, widths, width), bold=True)
            first = False
        for line in cells:
            yield _line(line, columns, widths, width)


def fields_lines(fields: Iterable[tuple[str, object]]) -> Iterator[str]:
    """``name  value`` a line; a field that is ``None`` is left out."""
    kept = [(name, _text(value)) for name, value in fields if value is not None]
    width = max((display_width(name) for name, _ in kept), default=0)
    for name, value in kept:
        yield f"{click.style(padded(name, width), dim=True)}{GAP}{value}"


def shown(text: str) -> str:
    """``text`` for a terminal: what would steer it, or is not seen, as JSON writes it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if _steers(char) else char for char in text)


def display_width(text: str) -> int:
    """Columns that a terminal takes for ``text``."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def padded(text: str, width: int, *, right: bool = False) -> str:
    """``text`` filled up with spaces to ``width`` columns."""
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def clipped(text: str, width: int) -> str:
    """As much of ``text`` as goes into ``width`` columns; a cut is marked."""
    if display_width(text) <= width:
        return text
    kept, used = [], 1
    for char in text:
        used += _char_width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept) + _CUT


def moment(at: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def counted(count: int, noun: str) -> str:
    """``1 record``, ``2,000 records``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Bytes as people say them."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _line[T](
    cells: list[str], columns: tuple[Column[T], ...], widths: list[int], width: int
) -> str:
    rigid = sum(
        each for each, column in zip(widths, columns, strict=True) if not column.elastic
    ) + len(GAP) * (len(columns) - 1)
    elastic = sum(column.elastic for column in columns)
    room = max(8, (width - rigid) // elastic) if elastic else 0
    parts = []
    for text, column, wide in zip(cells, columns, widths, strict=True):
        wide = min(wide, room) if column.elastic else wide
        parts.append(padded(clipped(text, wide), wide, right=column.right))
    return GAP.join(parts).rstrip()


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return moment(value)
        case _:
            return shown(str(value))


def _steers(char: str) -> bool:
    return char not in _JOINERS and unicodedata.category(char) in _STEERING


def _escaped(char: str) -> str:
    point = ord(char)
    if point < 0x10000:
        return f"\\u{point:04x}"
    high, low = divmod(point - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _char_width(char: str) -> int:
    if char in _JOINERS or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
