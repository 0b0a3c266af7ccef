"""JSON examined leaf by leaf, by lines or a document at once: keys, strings and numbers, each a
text of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from datavault.cli.privacy.found import (
    START,
    Counts,
    Examined,
    Found,
    Spot,
    Told,
    counted_by_rule,
)
from datavault.cli.privacy.pieces import DOCUMENT_BYTES_MAX, Piece
from datavault.cli.privacy.search import Search
from datavault.cli.privacy.texts import Spots, examine_text, readable
from datavault.domain.errors import VaultError
from datavault.domain.privacy import pointers
from datavault.domain.privacy.json_leaves import JsonNotation, Leaf, LeafKind, Place, read_leaves
from datavault.domain.privacy.members import Named, detect_named, named, of_members
from datavault.domain.privacy.results import Part
from datavault.domain.privacy.spans import Span

type _Spans = dict[Named, tuple[Span, ...]]
# As many leaves a byte as a record may have.
DOCUMENTS = JsonNotation("a JSON document", DOCUMENT_BYTES_MAX, 800_000)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, or a document that begins in it, and its leaves, each with its name; ``text`` instead
    if it is no record."""

    number: int
    body: bytes
    leaves: list[tuple[Leaf, Named]]
    text: str | None


def examine_records(piece: Piece, search: Search) -> Examined:
    """What is found in the leaves of each line, up to the first one that is no record.

    Where the form is guessed, a line that is none is read as text; of the first one a note says so.
    """
    own = piece.content[piece.start : piece.end]
    bodies = own.split(b"\n")
    lines: list[_Line] = []
    notes: list[Told] = []
    refused: Told | None = None
    for number, body in enumerate(bodies, 1):
        if not body.strip():
            continue
        try:
            read = [(leaf, named(leaf)) for leaf in read_leaves(body, "line")]
            lines.append(_Line(number, body, read, None))
            continue
        except VaultError as error:
            why = str(error)
        if not piece.guessed:
            refused = Told(number, why)
            break
        notes.append(Told(number, f"{why}; such lines are read as text"))
        lines.append(_Line(number, body, [], readable(body)[0]))
    spans = _spans(lines, search)
    found: list[Found] = []
    counts: Counts = {}
    for line in lines:
        found += _found_in(line, spans, counts, search)
    end = Spot(len(bodies), 1 if not bodies[-1] else len(readable(bodies[-1])[0]) + 1)
    return Examined(
        piece.input, piece.size, end, len(own), tuple(found), counts, b"", tuple(notes[:1]), refused
    )


def examine_document(piece: Piece, search: Search) -> Examined:
    """What is found in the leaves of one JSON text, places by its lines.

    Where the form is guessed, what is none is read as text, as a note says.
    """
    body = piece.content
    try:
        read = [(leaf, named(leaf)) for leaf in DOCUMENTS.leaves(body, "document")]
    except VaultError as error:
        why = Told(1, str(error))
    else:
        line = _Line(1, body, read, None)
        counts: Counts = {}
        found = tuple(_found_in(line, _spans([line], search), counts, search))
        end = _Spots(body, 1).at(len(body))
        return Examined(piece.input, piece.size, end, len(body), found, counts)
    if not piece.guessed:
        return Examined(piece.input, piece.size, START, 0, refused=why)
    as_text = examine_text(piece, search)
    note = Told(1, f"{why.message}; it is read as text")
    return replace(as_text, notes=(note, *as_text.notes))


def _spans(lines: Iterable[_Line], search: Search) -> _Spans:
    """What is found in each distinct text under its name."""
    texts = list(
        dict.fromkeys(
            text
            for line in lines
            for text in (
                [name for leaf, name in line.leaves if leaf.kind is not LeafKind.TRUTH]
                if line.text is None
                else [("", line.text)]
            )
        )
    )
    return dict(zip(texts, detect_named(search.find, texts), strict=True))


def _found_in(line: _Line, spans: _Spans, counts: Counts, search: Search) -> Iterable[Found]:
    shown = search.shows_values
    if line.text is not None:
        spots = Spots(line.text)
        for span in spans["", line.text]:
            counted_by_rule((span,), counts)
            first, last = spots.at(span.start), spots.at(span.end)
            start = Spot(line.number, first.column)
            yield Found.within(
                line.text,
                span,
                start,
                Spot(line.number, last.column),
                pointer="",
                part=Part.VALUE,
                shows_values=shown,
            )
        return
    spot = _Spots(line.body, line.number)
    for leaf, name in line.leaves:
        # Of truths nothing was asked; one may look like a text of which it was.
        own = spans.get(name, ())
        if leaf.kind is LeafKind.KEY:
            own = of_members(own)
        if not own or leaf.kind is LeafKind.TRUTH:
            continue
        counted_by_rule(own, counts)
        first, last = spot.at(leaf.start), spot.at(leaf.end)
        part = Part.KEY if leaf.kind is LeafKind.KEY else Part.VALUE
        pointer = _pointer(leaf.place, spans, search)
        for span in own:
            yield Found.within(
                leaf.text, span, first, last, pointer=pointer, part=part, shows_values=shown
            )


class _Spots:
    """Where bytes are that are asked for in order, in lines and columns of code points."""

    __slots__ = ("_body", "_byte", "_column", "_line")

    def __init__(self, body: bytes, line: int) -> None:
        self._body = body
        self._byte, self._line, self._column = 0, line, 1

    def at(self, byte: int) -> Spot:
        passed = self._body[self._byte : byte]
        self._byte = byte
        if breaks := passed.count(b"\n"):
            passed = passed[passed.rfind(b"\n") + 1 :]
            self._line += breaks
            self._column = 1
        self._column += len(passed.decode())
        return Spot(self._line, self._column)


def _pointer(place: Place | None, spans: _Spans, search: Search) -> str:
    """Where a leaf is; of a key in which something was found, only what it is."""
    if place is None:
        return ""
    tokens = (
        each.token
        if each.owner is None or search.shows_values
        else _hidden(each.token, spans.get(("", each.token), ()))
        for each in place.path()
    )
    return pointers.written(tuple(tokens))


def _hidden(text: str, spans: tuple[Span, ...]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], f"<{span.entity}>"]
        at = span.end
    return "".join((*parts, text[at:]))
