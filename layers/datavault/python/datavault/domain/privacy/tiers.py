"""How much is looked for, and how much time a text may take for it."""

from enum import StrEnum

from datavault.domain.privacy.entities import Entity

# Only a model finds them, so nobody is let believe that patterns had looked for them.
NAMES = frozenset({Entity.PERSON, Entity.LOCATION, Entity.ORGANIZATION, Entity.STREET_ADDRESS})


class Tier(StrEnum):
    """A tier finds all that the one before it finds, and takes longer."""

    PATTERNS = "patterns"
    """What form, check digits or a label decide; no names."""
    FAST = "fast"
    """Names too, by a small network."""
    THOROUGH = "thorough"
    """Names by that network and a larger one together."""

    @property
    def entities(self) -> frozenset[Entity]:
        """What it looks for."""
        found = frozenset(Entity)
        return found - NAMES if self is Tier.PATTERNS else found
