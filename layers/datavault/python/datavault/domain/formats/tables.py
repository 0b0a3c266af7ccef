"""Delimited tables (CSV, TSV; RFC 4180): each row becomes one JSON object in the header's order.

The first row is the header: names that are not empty and not twice. A column is a string unless a
kind is declared for it. Numbers are kept digit for digit, and held to JSON's grammar: neither
``+1`` nor ``007`` nor ``1.`` is one. Booleans are true and false in lower case, capitals or with
a capital first, as programs write them. An empty field is null, unless it is a string. Lines that
are empty are no rows. A row with more or fewer fields than the header is refused, as is one with
a value that is not of its kind.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from itertools import starmap

import msgspec

from datavault.domain.errors import Invalid, Malformed, TooLarge, VaultError
from datavault.domain.formats.batch import (
    BATCH_BYTES,
    KEPT_BYTES_MAX,
    START,
    Batches,
    Int64s,
    Place,
    Refuse,
    Refused,
    Written,
    gathered,
)
from datavault.domain.formats.rows import Dialect, Rows, cut_rows
from datavault.domain.json_text import GRAMMAR, REFUSALS

COLUMNS_MAX = 4096
HEADER_BYTES_MAX = 64 * 1024
# So many rows are Python objects at a time.
_ROWS_AT_ONCE = 4096

# The parser's own bound, of 128 KiB, is one for the whole process; a row is bounded before.
csv.field_size_limit(KEPT_BYTES_MAX)


class Kind(StrEnum):
    """What the fields of a column are."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"


_GRAMMARS = {
    Kind.INTEGER: r"-?(?:0|[1-9][0-9]*+)",
    Kind.NUMBER: r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+",
    Kind.BOOLEAN: r"true|false|True|False|TRUE|FALSE",
}
_VALUES = {kind: re.compile(grammar) for kind, grammar in _GRAMMARS.items()}
_COLUMNS = {kind: re.compile(rf"(?:(?:{grammar})?\n)*+") for kind, grammar in _GRAMMARS.items()}

type _Cell = str | msgspec.Raw | None
type _Fields = tuple[str, ...] | list[str]


def read_table(
    pieces: Iterable[bytes],
    refuse: Refuse,
    *,
    dialect: Dialect,
    kinds: Mapping[str, Kind],
    start: Place = START,
) -> Batches:
    """The rows of a table; the places are those of its rows in the text.

    Raises:
        Malformed: the header is not UTF-8 or not as RFC 4180 says, or a quote is never closed.
        Invalid: the header has an empty name or one twice, or lacks a column declared in ``kinds``.
        TooLarge: the header is over ``COLUMNS_MAX`` or ``HEADER_BYTES_MAX``.
    """
    return gathered(_tables(cut_rows(pieces, dialect, refuse, start=start), refuse, dialect, kinds))


def parse_header(row: bytes, dialect: Dialect) -> tuple[str, ...]:
    """The names in a header's row, as they are required to be; errors as of ``read_table``."""
    if len(row) > HEADER_BYTES_MAX:
        raise TooLarge(f"a header has at most {HEADER_BYTES_MAX} bytes; this has {len(row)}")
    fields = fields_of(row, dialect)
    if isinstance(fields, VaultError):
        raise Malformed(f"the header: {fields}")
    if len(fields) > COLUMNS_MAX:
        raise TooLarge(f"a table has at most {COLUMNS_MAX} columns; this has {len(fields)}")
    seen: dict[str, int] = {}
    for number, name in enumerate(fields, start=1):
        if not name:
            raise Invalid(f"column {number} of {len(fields)} has no name in the header")
        first = seen.setdefault(name, number)
        if first != number:
            raise Invalid(f"columns {first} and {number} of {len(fields)} have the same name")
    return tuple(fields)


def _tables(
    blocks: Iterable[Rows], refuse: Refuse, dialect: Dialect, kinds: Mapping[str, Kind]
) -> Iterator[Written]:
    table: _Table | None = None
    for rows in blocks:
        bodies = _bodies(rows)
        first = 0
        if table is None:
            first = next((at for at, body in enumerate(bodies) if body.strip(b"\r\n")), -1)
            if first < 0:
                continue
            table = _Table(parse_header(bodies[first], dialect), kinds, dialect, refuse)
            first += 1
        for begin in range(first, len(bodies), table.rows_at_once):
            part = slice(begin, begin + table.rows_at_once)
            yield table.written(bodies[part], rows.lines[part], rows.offsets[part])


def _bodies(rows: Rows) -> list[bytes]:
    text = rows.text
    pairs = zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)
    return [text[start:end] for start, end in pairs]


def fields_of(row: bytes, dialect: Dialect) -> list[str] | VaultError:
    """The fields of one row, or what is wrong with it."""
    bad_at: int | None = None
    try:
        return next(_reader([row.decode()], dialect))
    except UnicodeDecodeError as error:
        bad_at = error.start
    except csv.Error:
        pass  # Its text tells nothing that ours does not.
    if bad_at is not None:
        return Malformed(f"not UTF-8 at byte {bad_at} of {len(row)}")
    return Malformed(f"a row of {len(row)} bytes is not quoted as RFC 4180 says")


def _reader(rows: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(
        rows,
        delimiter=dialect.delimiter.decode(),
        quoting=csv.QUOTE_MINIMAL if dialect.is_quoted else csv.QUOTE_NONE,
        strict=True,
    )


class _Table:
    """What makes lines of rows that have one header."""

    def __init__(
        self, header: tuple[str, ...], kinds: Mapping[str, Kind], dialect: Dialect, refuse: Refuse
    ) -> None:
        if unknown := [name for name in kinds if name not in header]:
            raise Invalid(f"{len(unknown)} of {len(kinds)} columns declared are not in the header")
        self._width = len(header)
        self._kinds = {
            at: kind
            for at, name in enumerate(header)
            if (kind := kinds.get(name, Kind.STRING)) is not Kind.STRING
        }
        self._dialect = dialect
        self._refuse = refuse
        self._object = _object_of(header)
        # Every line has all the names, so that short rows may grow a thousandfold.
        line_bytes = sum(map(len, map(msgspec.json.encode, header))) + 6 * len(header)
        self.rows_at_once = max(1, min(_ROWS_AT_ONCE, BATCH_BYTES // 4 // line_bytes))

    def written(self, bodies: list[bytes], lines: Int64s, offsets: Int64s) -> Written:
        """The rows as lines."""
        parsed = self._parse(bodies)

        def refuse(at: int, problem: VaultError) -> None:
            place = Place(int(lines[at]), int(offsets[at]))
            self._refuse(Refused(place, problem, bodies[at], len(bodies[at])))

        good: list[int] = []
        for at, fields in enumerate(parsed):
            if isinstance(fields, VaultError):
                refuse(at, fields)
            elif len(fields) == self._width:
                good.append(at)
            elif fields:
                refuse(at, Malformed(f"a row has {self._width} fields; this has {len(fields)}"))
        rows: list[_Fields] = [parsed[at] for at in good]  # type: ignore[misc]  # None is an error.
        cells: Iterable[Iterable[_Cell]] = rows
        if self._kinds and rows:
            cells, bad = self._typed(rows)
            for at in sorted(bad):
                refuse(good[at], bad[at])
            if bad:
                cells = [row for at, row in enumerate(cells) if at not in bad]
                good = [row for at, row in enumerate(good) if at not in bad]
        text = _ENCODER.encode_lines([*starmap(self._object, cells)])
        return Written(text, lines[good], offsets[good])

    def _parse(self, bodies: list[bytes]) -> list[list[str] | VaultError]:
        try:
            parsed = [*_reader(map(bytes.decode, bodies), self._dialect)]
            if len(parsed) == len(bodies):
                return [*parsed]
        except (UnicodeDecodeError, csv.Error):
            pass  # One by one, then.
        return [fields_of(body, self._dialect) for body in bodies]

    def _typed(self, rows: list[_Fields]) -> tuple[list[tuple[_Cell, ...]], dict[int, VaultError]]:
        """The rows with the values of their kinds, and those that have other values."""
        columns: list[Iterable[_Cell]] = [*zip(*rows, strict=True)]
        bad: dict[int, VaultError] = {}
        for column, kind in self._kinds.items():
            fields = [row[column] for row in rows]
            columns[column] = [*map(_CELLS[kind], fields)]
            for at in _strangers(kind, fields):
                problem = f"column {column + 1} of {self._width}: a field is no {kind}"
                bad.setdefault(at, Invalid(problem))
        return [*zip(*columns, strict=True)], bad


_ENCODER = msgspec.json.Encoder()


def _object_of(header: tuple[str, ...]) -> Callable[..., object]:
    """What makes an object of cells: a native struct, or a dictionary where names need escapes."""
    names = {f"column_{at}": name for at, name in enumerate(header)}
    try:
        fields = [(field, object) for field in names]
        return msgspec.defstruct("Line", fields, rename=names, gc=False)
    except ValueError:
        return partial(_dictionary, header)


def _dictionary(header: tuple[str, ...], *cells: _Cell) -> dict[str, _Cell]:
    return dict(zip(header, cells, strict=True))


def _strangers(kind: Kind, fields: list[str]) -> list[int]:
    """Which fields are not of a kind."""
    if kind is Kind.JSON:
        return [at for at, field in enumerate(fields) if field and not _is_json(field)]
    joined = "\n".join(fields) + "\n"
    if joined.count("\n") == len(fields) and _COLUMNS[kind].fullmatch(joined):
        return []
    value = _VALUES[kind]
    return [at for at, field in enumerate(fields) if field and not value.fullmatch(field)]


def _is_json(field: str) -> bool:
    try:
        GRAMMAR.decode(field)
    except REFUSALS:
        return False
    return True


def _verbatim(field: str) -> _Cell:
    return msgspec.Raw(field) if field else None


def _json(field: str) -> _Cell:
    # A line feed in JSON stands between tokens, or the field is refused.
    return _verbatim(field.replace("\n", " ").replace("\r", " "))


def _boolean(field: str) -> _Cell:
    return _verbatim(field.lower())


_CELLS: dict[Kind, Callable[[str], _Cell]] = {
    Kind.INTEGER: _verbatim,
    Kind.NUMBER: _verbatim,
    Kind.BOOLEAN: _boolean,
    Kind.JSON: _json,
}
