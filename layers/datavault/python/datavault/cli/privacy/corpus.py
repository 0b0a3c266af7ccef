"""The corpus protocol: a line ``{"id", "text"}`` in, a line ``{"id", "spans"}`` out.

The answer is compact JSON, its members in this order; the id is the very bytes that came, of
whatever JSON type; ``start`` and ``end`` of a span count the code points of the decoded text. So
the same corpus gives the same bytes. Other members of a line are not looked at, and blank lines
are not answered. A line that is none ends the run, once all lines before it are answered.
"""

import msgspec

from datavault.cli.privacy.found import Counts, Examined, Spot, Told, counted_by_rule
from datavault.cli.privacy.pieces import Piece
from datavault.cli.privacy.search import Search
from datavault.domain.errors import VaultError
from datavault.domain.json_text import REFUSALS, require_json, unique_fields
from datavault.domain.privacy.spans import Span


class _Line(msgspec.Struct):
    id: msgspec.Raw
    text: str


_LINE = msgspec.json.Decoder(_Line)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def answer_corpus(piece: Piece, search: Search) -> Examined:
    """The answers to the lines, up to the first one that is none."""
    own = piece.content[piece.start : piece.end]
    lines = own.split(b"\n")
    read: list[_Line] = []
    refused: Told | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        decoded = _decoded(line)
        if decoded is None:
            refused = Told(number, _why_none(line))
            break
        read.append(decoded)
    found = search.find([each.text for each in read])
    counts: Counts = {}
    for spans in found:
        counted_by_rule(spans, counts)
    answers = b"".join(
        _answer(line, spans, search) for line, spans in zip(read, found, strict=True)
    )
    return Examined(
        piece.input,
        piece.size,
        Spot(len(lines), 1),
        len(own),
        counts=counts,
        answers=answers,
        refused=refused,
    )


def _decoded(line: bytes) -> _Line | None:
    try:
        # msgspec does not look at the encoding of what it skips.
        line.decode()
        found = _LINE.decode(line)
        if line.count(b'"id"') > 1 or line.count(b'"text"') > 1:
            unique_fields(line, "line")
    except (VaultError, *REFUSALS):
        return None
    return found


def _why_none(line: bytes) -> str:
    """What is wrong with a line, without a word of it."""
    try:
        require_json(line, "line")
        unique_fields(line, "line")
    except VaultError as error:
        return str(error)
    except RecursionError:
        return "nested too deep"
    try:
        members = _MEMBERS.decode(line)
    except msgspec.MsgspecError:
        return "an object with the fields id and text is wanted"
    for name in ("id", "text"):
        if name not in members:
            return f"the field {name} is missing"
    return "the field text is not a string"


def _answer(line: _Line, spans: tuple[Span, ...], search: Search) -> bytes:
    written = msgspec.json.encode([_span(line.text, span, search) for span in spans])
    return b'{"id":%b,"spans":%b}\n' % (bytes(line.id), written)


def _span(text: str, span: Span, search: Search) -> dict[str, object]:
    document: dict[str, object] = {
        "start": span.start,
        "end": span.end,
        "entity": span.entity.value,
        "score": span.score,
    }
    if search.explains:
        document["rule"] = span.reason
    if search.shows_values:
        document["value"] = text[span.start : span.end]
    return document
