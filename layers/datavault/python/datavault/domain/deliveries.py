"""What passes between the publisher, the bus and the dead letters."""

from dataclasses import dataclass
from enum import Enum, auto

from datavault.domain.rows import Key


@dataclass(frozen=True, slots=True)
class Notice:
    """An event on its way out: the type that subscribers choose by, and its text, a JSON object."""

    type: str
    at_ms: int
    text: str


class Delivery(Enum):
    """What a bus made of one notice."""

    TAKEN = auto()
    LATER = auto()
    """Not now: the same may be taken in a while."""
    NEVER = auto()
    """Not as it is: somebody has to look at it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """That an entry of the ledger could not be published, and the code of the reason."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter in somebody's hands; whoever is done with it gives up the ``receipt``.

    ``keys`` are the entries it is about; ``None`` if that cannot be found out any more.
    """

    receipt: str
    keys: tuple[Key, ...] | None
