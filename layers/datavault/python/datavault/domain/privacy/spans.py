"""Where something was found in a text."""

from dataclasses import dataclass

from datavault.domain.privacy.entities import Entity


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``text[start:end]``, in Unicode code points, is an ``entity``; ``score`` is 0 to 1.

    ``reason`` is the name of the rule that decided, for explanations; it never holds a value.
    """

    start: int
    end: int
    entity: Entity
    score: float
    reason: str
