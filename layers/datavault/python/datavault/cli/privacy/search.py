"""What a scan looks for: carried to every process, where it becomes a detector."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from datavault.domain.privacy.entities import Entity

if TYPE_CHECKING:
    from datavault.domain.privacy.lists import Lists
    from datavault.domain.privacy.policy import Allowed
    from datavault.domain.privacy.spans import Span
    from datavault.privacy import Detector

# Only a model finds them, so nobody is let believe that they were looked for.
NAMES = frozenset({Entity.PERSON, Entity.LOCATION, Entity.ORGANIZATION, Entity.STREET_ADDRESS})
ENTITIES = frozenset(Entity) - NAMES


@dataclass(frozen=True, slots=True)
class Search:
    """The entities to find and from which score on; ``None`` for the scanner's own threshold.

    Of what is found, ``allowed`` values stay unmentioned ``on`` a day. Values are carried in
    results only if ``shows_values``.
    """

    entities: frozenset[Entity]
    threshold: float | None
    on: date
    allowed: "tuple[Allowed, ...]" = ()
    explains: bool = False
    shows_values: bool = False

    @property
    def not_looked_for(self) -> list[str]:
        """The entities that are not found, whatever is there."""
        return sorted(frozenset(Entity) - self.entities)

    def find(self, texts: Sequence[str]) -> "list[tuple[Span, ...]]":
        """What is in each text and not allowed."""
        found = _detector(self.entities, self.threshold).detect(texts)
        if not self.allowed:
            return found
        lists = _lists(self.allowed, self.on)
        return [
            tuple(
                span for span in spans if not lists.allows(span.entity, text[span.start : span.end])
            )
            for text, spans in zip(texts, found, strict=True)
        ]


@lru_cache(maxsize=1)
def _detector(entities: frozenset[Entity], threshold: float | None) -> "Detector":
    """The one place to set a detector of names beside the scanner, in a ``Combined``."""
    from datavault.privacy import THRESHOLD, Scanner

    # All of them are structured: the command's choices are.
    return Scanner(entities=entities, threshold=THRESHOLD if threshold is None else threshold)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _lists(allowed: "tuple[Allowed, ...]", on: date) -> "Lists":
    from datavault.domain.privacy.lists import Lists
    from datavault.domain.privacy.policy import Policy

    return Lists(Policy("allow-list", allowed=allowed), on)
