"""What belongs to one address: a street with its house number, and the places beside it.

Detectors find an address in pieces: ``12 Main St`` and ``Springfield`` and ``IL 62704``. Three
surrogates or tokens would say that there were three things, and show how they hang together. So:

* A place that is called as streets are (``Calle Mayor``, ``Lindenweg``) is one if a house number
  stands beside it, which then is part of it.
* Streets and places form one address as long as nothing but white space, a comma, a dash or a
  postcode stands between two of them: at most ``PLACES_BEFORE_MAX`` places in its line in front of
  the street, and ``PLACES_BEHIND_MAX`` behind it, over line ends too.
* The next address begins with a street that has a number, if the one before has one and a place or
  a line end stands between.
* A postcode behind all that is part of it.

The pieces stay among what was found: by ``overlaps`` the address is told, as the longest; a policy
that keeps addresses and treats places still finds the places in it.
"""

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span

REASON = "names.address"
PLACES_BEFORE_MAX = 2
PLACES_BEHIND_MAX = 4
# No longer joint is looked at: a postcode of ten characters with commas and indentation.
_JOINT_CHARS_MAX = 40
_POSTCODE = (
    r"(?:[A-Z]{1,3}[ -])?(?<!\d)(?:\d{4} ?[A-Z]{2}|\d{5}-\d{3,4}|\d{3} \d{2}|\d{4}-\d{3}|\d{3,6})"
    r"(?!\w)|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"
)
# A tab is none: it stands between the cells of a table.
_SPACE = r"[ \u00a0\u202f]*"
_BREAK = rf"{_SPACE}(?:\r?\n{_SPACE})?"
_MARK = rf"{_BREAK}[,·–-]?{_BREAK}"
_JOINT = re.compile(rf"{_MARK}(?:(?:{_POSTCODE}){_MARK})?")
# At the end of an address three digits are more often something else.
_POSTCODE_BEHIND = re.compile(
    rf"{_SPACE},?{_SPACE}(?:[A-Z]{{2}} )?"
    r"(?:\d{4} ?[A-Z]{2}|\d{5}(?:-\d{3,4})?|\d{4}-\d{3}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})"
    r"(?![\w-]|[.,]\d)"
)
_NUMBER_BEHIND = re.compile(r"(?:, ?| )(?:n[.º°]? ?)?\d{1,5}(?:[ -]?[a-zA-Z])?(?![\w-])(?![.,]\d)")
_NUMBER_BEFORE = re.compile(r"(?<![\w.,-])\d{1,4}[a-zA-Z]?(?:, ?| (?:bis |ter )?)\Z")
# How streets are called where the number stands behind (de, es, it, nl, pt) and where in front (en,
# fr): by the first word of a name, the last one or its end. No place that is not a street is called
# so and has a number beside it often.
_NUMBER_LAST = re.compile(
    r"(?:calle|c/|avenida|avda\.?|av\.|paseo|plaza|carrera|camino|carretera|ronda|travesía"
    r"|via|viale|corso|piazza|piazzale|vicolo|largo|strada"
    r"|rua|travessa|alameda|praça|rodovia|estrada) .+"
    r"|.+(?:stra(?:ß|ss)e|str\.|gasse|allee|damm|ufer|weg|platz"
    r"|straat|laan|gracht|plein|kade|singel|dijk|steeg)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER_FIRST = re.compile(
    r"(?:rue|avenue|boulevard|bd\.?|chemin|allée|impasse|quai|cours|place) .+"
    r"|.+ (?:street|st\.?|avenue|ave\.?|road|rd\.?|lane|ln\.?|drive|dr\.?|court|ct\.?|boulevard"
    r"|blvd\.?|terrace|way|square|crescent|close|parkway|highway)",
    re.IGNORECASE | re.DOTALL,
)
_STREET_CHARS_MAX = 80
# A house number with what stands between it and the street, and one character to see it begin.
_NUMBER_CHARS = 14
_PIECES = frozenset({Entity.STREET_ADDRESS, Entity.LOCATION})


def with_addresses(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """``spans``, of which those may share no character that are a street or a place, with the
    addresses that they form; one that is a piece by itself is not there twice."""
    pieces = [
        _numbered(text, each) for each in sorted(spans, key=_IN_TEXT) if each.entity in _PIECES
    ]
    if not any(each.entity is Entity.STREET_ADDRESS for each in pieces):
        return tuple(spans)
    known = set(spans)
    return (*spans, *(each for each in _addresses(text, pieces) if each not in known))


_IN_TEXT = attrgetter("start", "end")


def _numbered(text: str, span: Span) -> Span:
    """A place that is called as a street and has a number beside it, as the street; else itself."""
    if span.entity is not Entity.LOCATION or span.end - span.start > _STREET_CHARS_MAX:
        return span
    name, start, end = text[span.start : span.end], span.start, span.end
    if _NUMBER_LAST.fullmatch(name) and (behind := _NUMBER_BEHIND.match(text, end)):
        end = behind.end()
    elif _NUMBER_FIRST.fullmatch(name) and (
        before := _NUMBER_BEFORE.search(text[max(0, start - _NUMBER_CHARS) : start])
    ):
        start -= len(before[0])
    else:
        return span
    return Span(start, end, Entity.STREET_ADDRESS, span.score, REASON)


class _Address:
    """Pieces that belong together, as far as they have been met."""

    def __init__(self) -> None:
        self.pieces: list[Span] = []
        self.score: float | None = None
        self.has_number = False
        self._behind = 0

    @property
    def has_street(self) -> bool:
        return self.score is not None

    def takes(self, text: str, piece: Span) -> bool:
        """Whether ``piece``, which comes next in ``text``, belongs to it."""
        if not self.pieces:
            return True
        joint = text[self.pieces[-1].end : piece.start]
        lines = joint.count("\n")
        if lines > 1 or len(joint) > _JOINT_CHARS_MAX or not _JOINT.fullmatch(joint):
            return False
        is_next_line = lines > 0
        if piece.entity is Entity.LOCATION:
            return self._behind < PLACES_BEHIND_MAX if self.has_street else not is_next_line
        if not self.has_street:
            return not is_next_line
        is_another = self._behind > 0 or is_next_line
        return not (is_another and self.has_number and _has_number(text, piece))

    def take(self, text: str, piece: Span) -> None:
        """Go on with ``piece``."""
        self.pieces.append(piece)
        if piece.entity is Entity.STREET_ADDRESS:
            self.score = max(self.score or 0.0, piece.score)
            self.has_number |= _has_number(text, piece)
        elif self.has_street:
            self._behind += 1
        else:
            del self.pieces[:-PLACES_BEFORE_MAX]

    def span(self, text: str) -> Span | None:
        """All of it, as sure as its surest street; ``None`` if it has none."""
        if self.score is None:
            return None
        only, end = len(self.pieces) == 1, self.pieces[-1].end
        behind = text[end : end + _JOINT_CHARS_MAX]
        if self._behind and (postcode := _POSTCODE_BEHIND.match(behind)):
            only, end = False, end + postcode.end()
        start = self.pieces[0].start
        reason = self.pieces[0].reason if only else REASON
        return Span(start, end, Entity.STREET_ADDRESS, self.score, reason)


def _addresses(text: str, pieces: Iterable[Span]) -> Iterable[Span]:
    address = _Address()
    for piece in pieces:
        if not address.takes(text, piece):
            if span := address.span(text):
                yield span
            address = _Address()
        address.take(text, piece)
    if span := address.span(text):
        yield span


def _has_number(text: str, piece: Span) -> bool:
    """Whether it is a street with its number, and not one of both."""
    value = text[piece.start : piece.end]
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))
