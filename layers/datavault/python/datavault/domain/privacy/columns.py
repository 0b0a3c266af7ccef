"""The columns of a table: by which names its cells are read and told of.

The first row has the names if nothing in it is personal and every cell of it could be a name: so a
table without a header is one of which each row is treated, the first one too. Its columns are
called by their numbers then, from 0, as is a column whose name is empty. Columns of one name have
one place: what a policy says of that holds for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from datavault.domain.privacy.json_leaves import Place
from datavault.domain.privacy.members import (
    NAME_CHARS_MAX,
    Named,
    detect_named,
    labelled,
    of_members,
)
from datavault.domain.privacy.spans import Span

type _Detect = Callable[[Sequence[str]], list[tuple[Span, ...]]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns; none if it has no header."""

    names: tuple[str, ...] = ()
    _tokens: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = (name.strip() or str(at) for at, name in enumerate(self.names))
        object.__setattr__(self, "_tokens", tuple(tokens))

    def named(self, at: int, cell: str) -> Named:
        """A cell of column ``at`` with the name that it is read behind."""
        return labelled(self.names[at] if at < len(self.names) else "", cell)

    def token(self, at: int) -> str:
        """What the column is called in a pointer, without the spaces around its name."""
        return self._tokens[at] if at < len(self._tokens) else str(at)

    def place(self, at: int) -> Place:
        """Where its cells stand; without a name, as in an array, so that no number is a label."""
        has_name = at < len(self.names) and bool(self.names[at].strip())
        return Place(None, self.token(at), 0 if has_name else None)


def columns_of(
    first_row: Sequence[str], detect: _Detect, called: frozenset[str] = frozenset()
) -> Columns:
    """The columns by the first row, or without names if that is no header.

    ``called`` is what somebody calls them who knows the table. A row that has one of these names is
    a header, whatever is found in it; else, if some are numbers, there is none.
    """
    numbers = {each for each in called if each.isdecimal()}
    if not (called - numbers).isdisjoint(first_row):
        return Columns(tuple(first_row))
    if numbers or not any(first_row) or not all(map(_may_be_name, first_row)):
        return Columns()
    spans = detect_named(detect, [("", cell) for cell in first_row])
    return Columns() if any(map(of_members, spans)) else Columns(tuple(first_row))


def _may_be_name(cell: str) -> bool:
    """Whether it has a letter and is short, or is empty."""
    return not cell or (len(cell) <= NAME_CHARS_MAX and any(map(str.isalpha, cell)))
