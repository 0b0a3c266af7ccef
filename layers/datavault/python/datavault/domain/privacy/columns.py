"""The columns of a table: by which names its cells are read and told of.

The first row has the names if nothing in it is personal and every cell of it could be a name: so a
table without a header is one of which each row is treated, the first one too. With a well-known
label in it (``ssn``, ``phone``) it is a header as well where a year or a person stands beside that:
such a cell is treated as a value, and its column has no name. Columns without a name are called by
their numbers, from 0. Columns of one name have one place: what a policy says of that holds for all
of them.
"""

import re
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
from datavault.domain.privacy.tiers import NAMES

# As many words as "customer e-mail address" has.
LABEL_WORDS_MAX = 4
_WORD = re.compile(r"[^\W_]+")
# What columns of personal data are called, and no word of addresses that a value has too (street).
_KNOWN_LABELS = frozenset(
    """ssn sin nino nif nie dni cpf bsn iban bic mail email phone telephone tel telefon teléfono
    telefono téléphone mobile cellphone fax dob birthdate birthday birth geburtsdatum passport
    licence license name firstname lastname surname username vorname nachname nom nombre password
    passwort zip zipcode postcode plz mrn salary""".split()  # noqa: SIM905 - a list of words.
)

type _Detect = Callable[[Sequence[str]], list[tuple[Span, ...]]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns; none if it has no header.

    ``values`` are the cells of the header that may be values, by their numbers.
    """

    names: tuple[str, ...] = ()
    values: frozenset[int] = frozenset()
    _tokens: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = (self._name(at) or str(at) for at in range(len(self.names)))
        object.__setattr__(self, "_tokens", tuple(tokens))

    def named(self, at: int, cell: str) -> Named:
        """A cell of column ``at`` with the name that it is read behind."""
        return labelled(self._name(at), cell)

    def token(self, at: int) -> str:
        """What the column is called in a pointer, without the spaces around its name."""
        return self._tokens[at] if at < len(self._tokens) else str(at)

    def place(self, at: int) -> Place:
        """Where its cells stand; without a name, as in an array, so that no number is a label."""
        return Place(None, self.token(at), 0 if self._name(at) else None)

    def _name(self, at: int) -> str:
        return self.names[at].strip() if at < len(self.names) and at not in self.values else ""


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
    if numbers or not any(first_row) or any(len(cell) > NAME_CHARS_MAX for cell in first_row):
        return Columns()
    spans = detect_named(detect, [("", cell) for cell in first_row])
    if all(map(_may_be_name, first_row)) and not any(map(of_members, spans)):
        return Columns(tuple(first_row))
    has_other = any(span.entity not in NAMES for own in spans for span in own)
    if has_other or not any(map(_is_known, first_row)):
        return Columns()
    values = (
        at
        for at, (cell, own) in enumerate(zip(first_row, spans, strict=True))
        if not _is_known(cell) and (own or not _may_be_name(cell))
    )
    return Columns(tuple(first_row), frozenset(values))


def _may_be_name(cell: str) -> bool:
    """Whether it has a letter, or is empty."""
    return not cell or any(map(str.isalpha, cell))


def _is_known(cell: str) -> bool:
    """Whether it is a label that personal data often has, of few words and without a figure."""
    words = _WORD.findall(labelled(cell, "")[0].casefold())
    return (
        len(words) <= LABEL_WORDS_MAX
        and not any(map(str.isdigit, cell))
        and not _KNOWN_LABELS.isdisjoint(words)
    )
