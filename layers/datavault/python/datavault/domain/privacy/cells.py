"""Rows of a table as records: each cell a leaf, called by its column.

A row is read as RFC 4180 says and as ``formats.rows`` cuts it: a quote opens a cell only where the
cell begins, and two stand for one within. Whatever is not changed stays as it is, byte for byte:
quotes, spaces and line ends. A cell that is changed keeps its quotes, and gets them if it needs
them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from datavault.domain.errors import Malformed, TooLarge
from datavault.domain.formats.rows import Dialect
from datavault.domain.formats.tables import COLUMNS_MAX
from datavault.domain.json_text import require_utf8
from datavault.domain.privacy.columns import Columns
from datavault.domain.privacy.json_leaves import (
    Edit,
    Leaf,
    LeafKind,
    edited,
    rewritten,
)


@dataclass(frozen=True, slots=True)
class RowNotation:
    """Rows of a table with these columns, each with its line end if it has one.

    The row of names itself has keys for leaves, but for what may be values; any other has strings.
    """

    dialect: Dialect
    columns: Columns
    _cell: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        delimiter = re.escape(self.dialect.delimiter)
        plain = rb"[^%b\r\n]*+" % delimiter
        cell = rb'"((?:[^"]++|"")*+)"|(?!")' + plain if self.dialect.is_quoted else plain
        object.__setattr__(self, "_cell", re.compile(rb"(?:%b)(?=%b|\Z)" % (cell, delimiter)))

    def leaves(self, body: bytes, field: str, /) -> list[Leaf]:
        """The cells of one row.

        Raises:
            Malformed: not UTF-8, or its quotes are not as RFC 4180 says.
            TooLarge: it has more than ``COLUMNS_MAX`` cells.
        """
        require_utf8(body, field)
        cells = [*self._cells(body, field)]
        names = self.columns.names
        is_header = bool(names) and tuple(text for _, _, text in cells) == names
        return [
            Leaf(
                LeafKind.KEY if is_header and at not in self.columns.values else LeafKind.STRING,
                start,
                end,
                text,
                self.columns.place(at),
            )
            for at, (start, end, text) in enumerate(cells)
        ]

    def rewritten(self, body: bytes, changes: Iterable[tuple[Leaf, Sequence[Edit]]], /) -> bytes:
        """The row with the cells changed."""
        return rewritten(body, changes, self._literal)

    def _cells(self, body: bytes, field: str) -> Iterator[tuple[int, int, str]]:
        """Where each cell is, with its quotes, and what it says."""
        at, size = 0, len(body.removesuffix(b"\n").removesuffix(b"\r"))
        for _ in range(COLUMNS_MAX):
            cell = self._cell.match(body, at, size)
            if cell is None:
                raise Malformed(
                    f"a row of {len(body)} bytes is not quoted as RFC 4180 says", field=field
                )
            is_quoted = self.dialect.is_quoted and cell[1] is not None
            value = cell[1].replace(b'""', b'"') if is_quoted else cell[0]
            yield at, cell.end(), value.decode()
            if cell.end() == size:
                return
            at = cell.end() + 1
        raise TooLarge(f"a row has at most {COLUMNS_MAX} cells", field=field)

    def _literal(self, literal: bytes, leaf: Leaf, edits: Sequence[Edit]) -> bytes:
        text = edited(leaf.text, edits)
        delimiter = self.dialect.delimiter.decode()
        if not self.dialect.is_quoted:
            # Without quotes there is no way to write these within a cell.
            for each in (delimiter, "\r", "\n"):
                text = text.replace(each, " ")
            return text.encode()
        is_odd = text.startswith('"') or any(each in text for each in (delimiter, "\r", "\n"))
        if literal.startswith(b'"') or is_odd:
            text = '"' + text.replace('"', '""') + '"'
        return text.encode()
