"""A piece made harmless, in whichever process."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from datavault.cli.privacy.contents import Wrapping
from datavault.cli.privacy.found import Told
from datavault.cli.privacy.inputs import Form
from datavault.cli.privacy.json_lines import DOCUMENTS
from datavault.cli.privacy.options import Header
from datavault.cli.privacy.pieces import BINARY, Piece
from datavault.cli.privacy.readings import Reading
from datavault.cli.privacy.search import Search
from datavault.domain.errors import VaultError
from datavault.domain.formats.batch import START, Refused
from datavault.domain.formats.rows import Dialect, cut_rows
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.cells import RowNotation
from datavault.domain.privacy.columns import Columns, columns_of
from datavault.domain.privacy.conversation import Conversation
from datavault.domain.privacy.json_leaves import RECORDS, Notation
from datavault.domain.privacy.keys import PrivacyKeys, Setting
from datavault.domain.privacy.policy import Policy
from datavault.domain.privacy.policy_text import parse_policy_json, parse_policy_toml
from datavault.domain.privacy.presets import preset
from datavault.domain.privacy.results import Anonymized, Remainder
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.strategy import Verdict


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy as it is carried to workers: the name of a preset, or a document and its kind."""

    name: str
    document: bytes = field(default=b"", repr=False)

    def policy(self) -> Policy:
        """The policy; errors as those of parsing."""
        if not self.document:
            return preset(self.name)
        is_json = self.name.lower().endswith(".json")
        return (parse_policy_json if is_json else parse_policy_toml)(self.document)


@dataclass(frozen=True, slots=True)
class Held:
    """A record, or a passage of a text, that somebody has to look at; made harmless as far as it
    is. ``line`` is where it begins, from 1 in its piece. What is no record that could be treated
    has no ``output``."""

    line: int
    reasons: tuple[str, ...]
    remainders: tuple[Remainder, ...]
    output: bytes = field(repr=False)
    is_record: bool = True


@dataclass(frozen=True, slots=True)
class Harmless:
    """What became of a piece of an input, up to what ``refused`` says.

    ``is_binary`` is one that is no text, of which nothing was read. ``reading`` is a table's.
    ``met`` are the pointers of the policy's fields by which something in a record was treated.
    """

    input: int
    form: Form
    wrapping: Wrapping
    size: int
    lines: int
    output: bytes = field(default=b"", repr=False)
    held: tuple[Held, ...] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)
    treated: Mapping[tuple[str, str], int] = field(default_factory=dict)
    remainders: int = 0
    refused: Told | None = None
    is_binary: bool = False
    reading: Reading | None = None
    met: frozenset[str] = frozenset()


class Conversations:
    """One conversation for each input, whose pieces come together."""

    def __init__(self) -> None:
        self._input = -1
        self._own = Conversation()

    def of(self, number: int) -> Conversation:
        """That of an input."""
        if number != self._input:
            self._input, self._own = number, Conversation()
        return self._own


@dataclass(frozen=True, slots=True)
class Treater:
    """Applies a policy to pieces; to the passages of a text in one of ``conversations`` if given.

    Those hold values: who has them works alone, and sends them to no other process.
    """

    search: Search
    policy: PolicySource
    keys: PrivacyKeys
    setting: Setting
    header: Header = Header.AUTO
    conversations: Conversations | None = field(default=None, repr=False, compare=False)

    def anonymizer(self) -> Anonymizer:
        """The engine; raises what is wrong with policy and keys."""
        return Anonymizer(_Sought(self.search), self.policy.policy(), self.keys, self.setting)

    def __call__(self, piece: Piece) -> Harmless:
        if piece.unread:
            return _refused(piece, Told(1, piece.unread))
        if not piece.size:
            return Harmless(piece.input, piece.form, piece.wrapping, 0, 0)
        engine = _anonymizer(self)
        match piece.form:
            case Form.RECORDS:
                return _records(piece, engine)
            case Form.TABLE:
                return _rows(piece, engine, self)
            case Form.DOCUMENT:
                return _each(piece, engine, DOCUMENTS, [piece.content], [1])
            case _:
                talks = self.conversations
                return _passage(piece, engine, talks.of(piece.input) if talks else None)


@dataclass(frozen=True, slots=True)
class _Sought:
    search: Search

    def detect(self, texts: Sequence[str], /) -> list[tuple[Span, ...]]:
        return self.search.find_overlapping(texts)


@lru_cache(maxsize=1)
def _anonymizer(treater: Treater) -> Anonymizer:
    return treater.anonymizer()


def _records(piece: Piece, anonymizer: Anonymizer) -> Harmless:
    """Each line is a record; line ends stay, and go with what is held back."""
    lines = piece.content.split(b"\n")
    return _each(piece, anonymizer, RECORDS, lines, range(1, len(lines) + 1), joint=b"\n")


def _rows(piece: Piece, anonymizer: Anonymizer, treater: Treater) -> Harmless:
    """Each row is a record, and its line end a part of it."""
    assert piece.dialect is not None, "a table has a dialect"
    try:
        columns, reading = _columns(piece.first_row, piece.dialect, treater)
    except VaultError as error:
        # Held back, it would leave the next row to be read as the header.
        line = piece.content.count(b"\n", 0, piece.content.find(piece.first_row)) + 1
        return _refused(piece, Told(line, str(error)))
    notation = RowNotation(piece.dialect, columns)
    bodies: list[bytes] = []
    lines: list[int] = []
    # Whoever cut the piece has refused what is to be refused.
    refused: list[Refused] = []
    for rows in cut_rows([piece.content], piece.dialect, refused.append, start=START):
        pairs = zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)
        bodies += [rows.text[start:end] for start, end in pairs]
        lines += rows.lines.tolist()
    assert not refused, "a piece has whole rows"
    return replace(_each(piece, anonymizer, notation, bodies, lines), reading=reading)


@lru_cache(maxsize=1)
def _columns(first_row: bytes, dialect: Dialect, treater: Treater) -> tuple[Columns, Reading]:
    """Those of the table; raises if its first row is no row."""
    policy = treater.policy.policy()
    cells = RowNotation(dialect, Columns()).leaves(first_row, "header") if first_row else []
    row = [cell.text for cell in cells]
    match treater.header:
        case Header.AUTO:
            columns = columns_of(row, treater.search.find, policy.columns_called)
        case Header.YES:
            columns = Columns(tuple(row))
        case Header.NO:
            columns = Columns()
    return columns, Reading.of(columns, len(row), dialect.delimiter, policy.fields)


def _each(
    piece: Piece,
    anonymizer: Anonymizer,
    notation: Notation,
    bodies: Sequence[bytes],
    lines: Sequence[int],
    *,
    joint: bytes = b"",
) -> Harmless:
    """What becomes of the records of a piece, which begin in these lines, with ``joint`` between.

    A blank one stays. One that is no record is held with nothing of it, as nothing of it was
    treated.
    """
    outputs: list[bytes | None] = list(bodies)
    rows = [at for at, body in enumerate(bodies) if body.strip()]
    held: list[Held] = []
    results: list[Anonymized[bytes]] = []
    made = _each_result([bodies[at] for at in rows], anonymizer, notation)
    for at, result in zip(rows, made, strict=True):
        if isinstance(result, VaultError):
            held.append(Held(lines[at], (str(result),), (), b"", is_record=False))
            outputs[at] = None
            continue
        results.append(result)
        is_held = result.verdict is Verdict.QUARANTINE
        outputs[at] = None if is_held else result.output
        if is_held:
            held.append(_held(lines[at], result, result.output))
    output = joint.join(each for each in outputs if each is not None)
    return _harmless(piece, output, held, results)


def _each_result(
    bodies: Sequence[bytes], anonymizer: Anonymizer, notation: Notation
) -> list[Anonymized[bytes] | VaultError]:
    """What becomes of each body; all at once, and one by one only if one of them is refused."""
    try:
        return [*anonymizer.records(bodies, notation=notation)]
    except VaultError:
        pass
    return [_result(body, anonymizer, notation) for body in bodies]


def _result(
    body: bytes, anonymizer: Anonymizer, notation: Notation
) -> Anonymized[bytes] | VaultError:
    try:
        (result,) = anonymizer.records([body], notation=notation)
        return result
    except VaultError as error:
        return error


def _passage(piece: Piece, anonymizer: Anonymizer, conversation: Conversation | None) -> Harmless:
    """All of a piece of text at once."""
    own, at = piece.content, -1
    try:
        text = own.decode()
    except UnicodeDecodeError as error:
        at = error.start
    if at >= 0:
        line, byte = own.count(b"\n", 0, at) + 1, at - own.rfind(b"\n", 0, at)
        return _refused(piece, Told(line, f"not UTF-8 at byte {byte}"))
    try:
        results = anonymizer.texts([text], conversation=conversation)
    except VaultError as error:
        return _refused(piece, Told(1, str(error)))
    (result,) = results
    output = result.output.encode()
    is_held = result.verdict is Verdict.QUARANTINE
    held = [_held(1, result, output)] if is_held else []
    return _harmless(piece, b"" if is_held else output, held, results)


def _refused(piece: Piece, why: Told) -> Harmless:
    is_binary = piece.unread == BINARY
    return Harmless(piece.input, piece.form, piece.wrapping, 0, 0, refused=why, is_binary=is_binary)


def _harmless[T: (str, bytes)](
    piece: Piece, output: bytes, held: Sequence[Held], results: Sequence[Anonymized[T]]
) -> Harmless:
    return Harmless(
        piece.input,
        piece.form,
        piece.wrapping,
        piece.size,
        piece.content.count(b"\n"),
        output,
        tuple(held),
        Counter(
            [
                *(result.verdict.value for result in results),
                *(Verdict.QUARANTINE.value for each in held if not each.is_record),
            ]
        ),
        Counter((each.entity, each.strategy) for result in results for each in result.findings),
        sum(len(result.remainders) for result in results),
        met=frozenset().union(*(result.fields for result in results)),
    )


def _held[T: (str, bytes)](line: int, result: Anonymized[T], output: bytes) -> Held:
    reasons = tuple(each.value for each in result.quarantine)
    return Held(line, reasons, result.remainders, output)
