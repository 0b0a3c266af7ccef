"""What anonymizing gives back: the output, and what was found and done, without any value."""

from dataclasses import dataclass, field
from enum import StrEnum

from datavault.domain.privacy.strategy import Verdict


class Part(StrEnum):
    """Where in a record something was found."""

    VALUE = "value"
    KEY = "key"


class QuarantineReason(StrEnum):
    """Why somebody has to look at a result."""

    LOW_CONFIDENCE = "low_confidence"
    """Something was found and treated that is less certain than the policy wants."""
    RESIDUAL = "residual"
    """Personal data was found in the output, also when what was found there before was treated."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found and what was done with it.

    ``start`` and ``end`` count code points of the leaf as it came in. ``pointer`` (RFC 6901) is of
    the output, where keys that were personal have another name; empty for a plain text.
    """

    entity: str
    pointer: str
    part: Part
    start: int
    end: int
    score: float
    reason: str
    strategy: str


@dataclass(frozen=True, slots=True)
class Remainder:
    """Something found in the output that we did not put there; its place is of the output."""

    entity: str
    pointer: str
    part: Part
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Anonymized[T: (str, bytes)]:
    """An output, with what is to be known of it."""

    output: T = field(repr=False)
    findings: tuple[Finding, ...]
    remainders: tuple[Remainder, ...]
    treated: Verdict
    """The worst that was done to a value; ``ANONYMISED`` if nothing was found."""
    quarantine: tuple[QuarantineReason, ...]
    policy_hash: str
    fields: frozenset[str] = frozenset()
    """The pointers of the policy's fields by which something was treated, as the policy has them;
    of those that are of one place, the one that counts."""

    @property
    def verdict(self) -> Verdict:
        """``QUARANTINE`` if there is a reason for it, else what was done."""
        return Verdict.QUARANTINE if self.quarantine else self.treated
