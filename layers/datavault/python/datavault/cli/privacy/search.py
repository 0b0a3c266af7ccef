"""What a scan looks for: carried to every process, where it becomes a detector."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from datavault.cli.exits import BY_CODE, CommandFailed
from datavault.domain.errors import VaultError
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import NAMES, Tier

if TYPE_CHECKING:
    from datavault.domain.privacy.lists import Lists
    from datavault.domain.privacy.policy import Allowed
    from datavault.domain.privacy.spans import Span
    from datavault.privacy import Combined


@dataclass(frozen=True, slots=True)
class Search:
    """The entities to find and from which score on; ``None`` for the detectors' own thresholds.

    The entities are of the tier's. Of what is found, ``allowed`` values stay unmentioned ``on`` a
    day. Values are carried in results only if ``shows_values``.
    """

    tier: Tier
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

    @property
    def is_slow(self) -> bool:
        """Whether it takes the model of names, some ten times as long as all else together."""
        return bool(self.entities & NAMES)

    def get_ready(self) -> None:
        """Load what it takes, so that nothing is read that could not be looked through.

        Raises:
            CommandFailed: the model of names is missing, or not what was published.
        """
        try:
            _detector(self.tier, self.entities, self.threshold)
            return
        except VaultError as error:
            code, told = BY_CODE[error.code], f"{error.code}: {error}"
        raise CommandFailed(
            code, told, hint=f"--tier {Tier.PATTERNS} needs no model, and finds no names."
        )

    def find(self, texts: Sequence[str]) -> "list[tuple[Span, ...]]":
        """What is in each text and not allowed, without overlaps."""
        return self._not_allowed(texts, self._detector.detect(texts))

    def find_overlapping(self, texts: Sequence[str]) -> "list[tuple[Span, ...]]":
        """What is in each text and not allowed, also where something else is."""
        return self._not_allowed(texts, self._detector.detect_overlapping(texts))

    @property
    def _detector(self) -> "Combined":
        return _detector(self.tier, self.entities, self.threshold)

    def _not_allowed(
        self, texts: Sequence[str], found: "list[tuple[Span, ...]]"
    ) -> "list[tuple[Span, ...]]":
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
def _detector(tier: Tier, entities: frozenset[Entity], threshold: float | None) -> "Combined":
    """Made once in a process, and with it the model loaded."""
    from datavault.privacy import detector

    return detector(tier, entities=entities, threshold=threshold)


@lru_cache(maxsize=1)
def _lists(allowed: "tuple[Allowed, ...]", on: date) -> "Lists":
    from datavault.domain.privacy.lists import Lists
    from datavault.domain.privacy.policy import Policy

    return Lists(Policy("allow-list", allowed=allowed), on)
