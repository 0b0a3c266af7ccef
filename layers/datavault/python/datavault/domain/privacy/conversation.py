"""The numbers that a conversation gives to those who occur in it."""

from datavault.domain.privacy.values import canonical

# A conversation that runs for years is bounded too: what comes later is redacted.
INSTANCES_MAX = 100_000


class Conversation:
    """Numbers values from 1, for each entity, in the order in which they come.

    Two spellings that differ in case or white space are one value; "Ada" and "Ada Lovelace" are
    two. It holds values, so it lives in memory and is shown nowhere.
    """

    __slots__ = ("_counts", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Conversation of {len(self._numbers)} values>"

    def label(self, entity: str, value: str) -> str | None:
        """``PERSON_1``; ``None`` for a new value beyond ``INSTANCES_MAX``."""
        known = entity, canonical(entity, value)
        number = self._numbers.get(known)
        if number is None:
            if len(self._numbers) >= INSTANCES_MAX:
                return None
            number = self._counts[entity] = self._counts.get(entity, 0) + 1
            self._numbers[known] = number
        return f"{entity}_{number}"
