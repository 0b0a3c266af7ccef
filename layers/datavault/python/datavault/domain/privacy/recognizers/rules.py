"""A rule: what a value looks like, as data, and the judge who decides whether it is one.

Rules are written for RE2, whose time is linear in the text, and keep to two laws on which the
scanner relies: no pattern matches a line break, and nothing is found where a rule's ``gate`` and
``clue`` match nowhere. Judges see a text whose digits, dashes and spaces are ASCII and which has
no invisible characters, and look at a bounded stretch of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.labels import Labels

# A label stands before its value, seldom behind it. 64 characters hold "her social security number,
# as far as I remember, is", and 24 hold "(work phone)".
BEFORE_CHARS = 64
AFTER_CHARS = 24

# Scores. A judge says how sure it is by one of these; a scanner's threshold is CERTAIN to FAINT.
CERTAIN = 1.0  # A checksum or an unmistakable prefix.
STRONG = 0.85  # A form that little else has, or a label next to a plausible value.
LIKELY = 0.65
FAINT = 0.4  # Plausible, but so are many other things; below the default threshold.


class Clue(Enum):
    """What a text must hold for a gate to be tried; RE2. Most texts have none of them.

    A gate without a clue is tried on every text: let it be words, or a few letters beside digits.
    """

    NONE = ""
    DIGITS = r"[0-9](?:[^0-9\n]{0,3}[0-9]){4}"
    """Five digits, at most three other characters apart."""
    RUN = "[0-9A-Za-z+/_=-]{15}"
    """Characters of which tokens are made, longer than nearly all words."""
    WORD = "[0-9A-Za-z]{16}"
    """Letters and digits alone, longer than nearly all parts of a locator. Its gates may count, as
    all begin where a word does."""


_NO_DIGITS = {code: None for code in range(128) if not chr(code).isdigit()}


# Candidates and findings are made by the million, and freezing them takes as long again; nobody
# changes them.
@dataclass(slots=True, eq=False)
class Candidate:
    """``text[start:end]`` looks like a value; ``text`` is what stands around it."""

    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        return self.text[self.start : self.end]

    def near(self, labels: Labels) -> bool:
        """Whether a label stands within BEFORE_CHARS before or AFTER_CHARS behind."""
        return self.after(labels) or self.behind(labels)

    def after(self, labels: Labels, *, chars: int = BEFORE_CHARS) -> bool:
        """Whether the candidate comes at most so many characters after a label."""
        return labels.within(self.text, max(0, self.start - chars), self.start)

    def behind(self, labels: Labels) -> bool:
        """Whether a label comes after the candidate."""
        return labels.within(self.text, self.end, self.end + AFTER_CHARS)

    def found(self, score: float) -> "Finding":
        return Finding(self.start, self.end, score)


@dataclass(slots=True, eq=False)
class Finding:
    """A judge's answer; the bounds may be narrower or wider than the candidate's."""

    start: int
    end: int
    score: float


type Judge = Callable[[Candidate], Finding | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One form that values of an entity take.

    ``gate`` and ``pattern`` are RE2. Group 1 of ``pattern``, or all of it if there is none, is the
    candidate. ``gate`` matches in every text that holds one that ``judge`` accepts and, if there is
    so much, ``BEFORE_CHARS`` before it; what stands behind is another block's. It is cheap to run
    beside a hundred others: literals and short classes, no long counted repetitions.
    """

    name: str
    entity: Entity
    gate: str
    pattern: str
    judge: Judge
    clue: Clue = field(default=Clue.NONE, kw_only=True)


def always(score: float) -> Judge:
    """Every candidate is one."""
    return lambda candidate: candidate.found(score)


def checked(accepts: Callable[[str], bool], score: float) -> Judge:
    """A candidate is one if its value passes."""
    return lambda candidate: candidate.found(score) if accepts(candidate.value) else None


def labelled(
    labels: Labels,
    accepts: Callable[[str], bool],
    *,
    score: float = STRONG,
    without: float = 0.0,
) -> Judge:
    """A candidate whose value passes is one near a label, and is worth ``without`` elsewhere."""

    def judge(candidate: Candidate) -> Finding | None:
        if not accepts(candidate.value):
            return None
        if candidate.near(labels):
            return candidate.found(score)
        return candidate.found(without) if without else None

    return judge


def digits(value: str) -> str:
    """The ASCII digits of ``value``."""
    if value.isascii():
        return value if value.isdigit() else value.translate(_NO_DIGITS)
    return "".join(filter("0123456789".__contains__, value))


def entities_of(rules: Iterable[Rule]) -> frozenset[Entity]:
    return frozenset(rule.entity for rule in rules)


def announced(label: str, value: str) -> str:
    """A pattern for a value, group 1, up to 24 characters behind a label; both RE2, any case.

    The first place that looks like ``value`` is taken, so let it require a digit early on.
    """
    return rf"(?i)(?:{label})(?:[^\n]{{0,24}}?[^0-9A-Za-z\n])??({value})\b"
