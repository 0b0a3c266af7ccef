"""A piece made harmless, in whichever process."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from datavault.cli.privacy.found import Told
from datavault.cli.privacy.inputs import Form
from datavault.cli.privacy.pieces import Piece
from datavault.cli.privacy.search import Search
from datavault.domain.errors import VaultError
from datavault.domain.privacy.anonymizer import Anonymizer
from datavault.domain.privacy.conversation import Conversation
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
    """What became of a piece, up to what ``refused`` says."""

    size: int
    lines: int
    output: bytes = field(default=b"", repr=False)
    held: tuple[Held, ...] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)
    treated: Mapping[tuple[str, str], int] = field(default_factory=dict)
    remainders: int = 0
    refused: Told | None = None


@dataclass(frozen=True, slots=True)
class Treater:
    """Applies a policy to pieces; to passages in one ``conversation`` if it is given.

    That one holds values: who has one works alone, and sends it to no other process.
    """

    search: Search
    policy: PolicySource
    keys: PrivacyKeys
    setting: Setting
    conversation: Conversation | None = field(default=None, repr=False, compare=False)

    def anonymizer(self) -> Anonymizer:
        """The engine; raises what is wrong with policy and keys."""
        return Anonymizer(_Sought(self.search), self.policy.policy(), self.keys, self.setting)

    def __call__(self, piece: Piece) -> Harmless:
        if piece.unread:
            return Harmless(0, 0, refused=Told(1, piece.unread))
        if piece.form is Form.RECORDS:
            return _records(piece, _anonymizer(self))
        return _passage(piece, _anonymizer(self), self.conversation)


@dataclass(frozen=True, slots=True)
class _Sought:
    search: Search

    def detect(self, texts: Sequence[str], /) -> list[tuple[Span, ...]]:
        return self.search.find_overlapping(texts)


@lru_cache(maxsize=1)
def _anonymizer(treater: Treater) -> Anonymizer:
    return treater.anonymizer()


def _records(piece: Piece, anonymizer: Anonymizer) -> Harmless:
    """Each line that is not blank is a record; line ends stay, and go with what is held back.

    A line that is no record is held with nothing of it, as nothing of it was treated.
    """
    lines: list[bytes | None] = list(piece.content.split(b"\n"))
    rows = [(number, line) for number, line in enumerate(lines, 1) if line and line.strip()]
    held: list[Held] = []
    results: list[Anonymized[bytes]] = []
    for (number, _), result in zip(rows, _each_result(rows, anonymizer), strict=True):
        if isinstance(result, VaultError):
            held.append(Held(number, (str(result),), (), b"", is_record=False))
            lines[number - 1] = None
            continue
        results.append(result)
        is_held = result.verdict is Verdict.QUARANTINE
        lines[number - 1] = None if is_held else result.output
        if is_held:
            held.append(_held(number, result, result.output))
    output = b"\n".join(line for line in lines if line is not None)
    return _harmless(piece.size, len(lines) - 1, output, held, results)


def _each_result(
    rows: Sequence[tuple[int, bytes]], anonymizer: Anonymizer
) -> list[Anonymized[bytes] | VaultError]:
    """What becomes of each row; all at once, and one by one only if one of them is refused."""
    bodies = [line for _, line in rows]
    try:
        return [*anonymizer.records(bodies)]
    except VaultError:
        pass
    return [_result(body, anonymizer) for body in bodies]


def _result(body: bytes, anonymizer: Anonymizer) -> Anonymized[bytes] | VaultError:
    try:
        (result,) = anonymizer.records([body])
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
        return Harmless(0, 0, refused=Told(line, f"not UTF-8 at byte {byte}"))
    try:
        results = anonymizer.texts([text], conversation=conversation)
    except VaultError as error:
        return Harmless(0, 0, refused=Told(1, str(error)))
    (result,) = results
    output = result.output.encode()
    is_held = result.verdict is Verdict.QUARANTINE
    held = [_held(1, result, output)] if is_held else []
    return _harmless(piece.size, own.count(b"\n"), b"" if is_held else output, held, results)


def _harmless[T: (str, bytes)](
    size: int, lines: int, output: bytes, held: Sequence[Held], results: Sequence[Anonymized[T]]
) -> Harmless:
    return Harmless(
        size,
        lines,
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
    )


def _held[T: (str, bytes)](line: int, result: Anonymized[T], output: bytes) -> Held:
    reasons = tuple(each.value for each in result.quarantine)
    return Held(line, reasons, result.remainders, output)
