"""What may be done with a value that was found: a strategy, with its parameters.

Every strategy fails closed. One that cannot do with a value what it promises (no date to
generalise, too few digits for FF1, nothing left to mask) says so, and the value is redacted.
One that can never work (its key is missing) is refused before a text is read. ``Keep`` alone gives
a value back, and only where a policy names it, with its reason.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from datavault.domain.errors import Invalid


class Verdict(StrEnum):
    """What a result is, for whoever holds it; a record's is the worst of what happened to it.

    A statement about what was found and what was done with it: not that nothing was missed, and
    no legal opinion. From the best to the worst.
    """

    ANONYMISED = "anonymised"
    """Nothing of a value is left but its kind or a range that it lies in, or it is harmless."""
    PSEUDONYMISED = "pseudonymised"
    """Reversible, or linkable to other occurrences, or in part still there: still personal data."""
    PERSONAL = "personal"
    """In clear, on the word of the policy."""
    QUARANTINE = "quarantine"
    """Somebody has to look at it: something was found that is not sure, or is still there."""


class DatePart(StrEnum):
    """How much of a date is left."""

    YEAR = "year"
    MONTH = "month"


class KeptAs(StrEnum):
    """What a policy says of what it keeps."""

    PERSONAL = "personal"
    """It is personal data, and may stay."""
    HARMLESS = "harmless"
    """It is none, whatever a detector takes it for: the verdict goes by the rest."""


class Form(StrEnum):
    """As what a value is generalised."""

    BY_ENTITY = "by_entity"
    """Ages, dates, addresses of machines and coordinates as such; everything else is redacted."""
    AGE = "age"
    COORDINATES = "coordinates"
    DATE = "date"
    NETWORK = "network"
    NUMBER = "number"
    POSTCODE = "postcode"


@dataclass(frozen=True, slots=True)
class Redact:
    """``[PERSON]``."""


@dataclass(frozen=True, slots=True)
class Mask:
    """``************1111``: a star for each character but separators and the last ``keep_last``.

    At most half of a value shows: of a shorter one, nothing. Its length and its separators always
    do, so what is masked is pseudonymised at best.
    """

    keep_last: int = 0


@dataclass(frozen=True, slots=True)
class Replace:
    """Another value of the same kind, the same one for a value throughout a scope."""


@dataclass(frozen=True, slots=True)
class Hash:
    """``[PERSON:h1:...]``: the first ``digest_bytes`` of an HMAC-SHA-256 under a given key."""

    digest_bytes: int = 16


@dataclass(frozen=True, slots=True)
class Tokenize:
    """``[PERSON:v1:...]``, which opens again under the subject's key."""


@dataclass(frozen=True, slots=True)
class PreserveFormat:
    """Other digits and letters in the same places (FF1), which can be had back with the key."""


@dataclass(frozen=True, slots=True)
class Generalize:
    """A range, a year, a network: what many have in common.

    ``age_band_years`` wide bands up to ``oldest_age`` and one above; ``number_width`` wide ranges;
    the first ``postcode_chars`` of a postcode.
    """

    form: Form = Form.BY_ENTITY
    date_part: DatePart = DatePart.YEAR
    age_band_years: int = 10
    oldest_age: int = 90
    number_width: int = 10
    postcode_chars: int = 3


@dataclass(frozen=True, slots=True)
class Truncate:
    """The first ``chars`` code points; at most half of a value."""

    chars: int


@dataclass(frozen=True, slots=True)
class Noise:
    """A date up to ``days`` away, a number up to ``percent`` away (1 at least); never the same."""

    days: int = 30
    percent: int = 10


@dataclass(frozen=True, slots=True)
class Number:
    """``PERSON_1``: which of a conversation's persons this is."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The value itself, for a ``reason`` that the policy gives."""

    reason: str
    kept_as: KeptAs = KeptAs.PERSONAL


type Strategy = (
    Redact
    | Mask
    | Replace
    | Hash
    | Tokenize
    | PreserveFormat
    | Generalize
    | Truncate
    | Noise
    | Number
    | Keep
)

# The names that policies and findings use.
STRATEGIES: dict[str, type[Strategy]] = {
    "redact": Redact,
    "mask": Mask,
    "replace": Replace,
    "hash": Hash,
    "tokenize": Tokenize,
    "preserve_format": PreserveFormat,
    "generalize": Generalize,
    "truncate": Truncate,
    "noise": Noise,
    "number": Number,
    "keep": Keep,
}
# The least and the greatest that a parameter may be.
PARAMETER_BOUNDS = {
    "keep_last": (0, 8),
    "digest_bytes": (8, 32),
    "age_band_years": (2, 50),
    "oldest_age": (18, 120),
    "number_width": (2, 10**12),
    "postcode_chars": (1, 4),
    "chars": (1, 1000),
    "days": (1, 3650),
    "percent": (1, 100),
}
_NAMES = {kind: name for name, kind in STRATEGIES.items()}


def name_of(strategy: Strategy) -> str:
    """Its name in policies and findings."""
    return _NAMES[type(strategy)]


def verdict_of(strategy: Strategy) -> Verdict:
    """What a value becomes by it."""
    match strategy:
        case Redact() | Generalize() | Keep(kept_as=KeptAs.HARMLESS):
            return Verdict.ANONYMISED
        case Keep():
            return Verdict.PERSONAL
        case _:
            return Verdict.PSEUDONYMISED


def require_within_bounds(strategy: Strategy) -> None:
    """Refuse parameters out of ``PARAMETER_BOUNDS`` (``Invalid``)."""
    for each in fields(strategy):
        if each.name not in PARAMETER_BOUNDS:
            continue
        low, high = PARAMETER_BOUNDS[each.name]
        if not low <= getattr(strategy, each.name) <= high:
            raise Invalid(f"{each.name} of {name_of(strategy)} is {low} to {high}", field=each.name)
