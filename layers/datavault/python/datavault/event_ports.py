"""Where events go, with the same promises as ``ports``: what is made may be repeated.

``Bus`` tells others what happened; ``DeadLetters`` keeps what it could not be told; an
``EventArchive``, which operators use, sends it again.
"""

from collections.abc import Sequence
from typing import Protocol

from datavault.domain.deliveries import Delivery, Letter, Notice, Taken


class Bus(Protocol):
    """Where events go. What was taken is given to every subscriber at least once."""

    def put(self, notices: Sequence[Notice]) -> list[Delivery]:
        """Send any number, in order; what became of each.

        A few go at a time. After one that is ``LATER``, at most the few that went with it are
        taken. If this raises, some may have been taken.
        """
        ...


class DeadLetters(Protocol):
    """Entries of the ledger that could not be published, until somebody has seen to them."""

    def put(self, letters: Sequence[Letter]) -> None:
        """Keep any number; if this raises, some may have been kept."""
        ...

    def take(self, limit: int) -> list[Taken]:
        """Up to ``limit`` letters (at most 10), in no order, hidden from others for five minutes;
        none, if there seem to be none. One may be taken twice.
        """
        ...

    def remove(self, taken: Taken) -> None:
        """Be done with a letter; one that is gone is no error."""
        ...


class EventArchive(Protocol):
    """All events of the past days, to be sent again. For operators."""

    def replay(self, name: str, start_ms: int, end_ms: int, rules: Sequence[str]) -> None:
        """Begin to send the events of a time (by when the bus took them) to some rules again.

        ``name`` (1-64 of ``A-Z a-z 0-9 . _ -``) is the replay's; ``rules`` are their ARNs.

        Raises:
            Conflict: there has been a replay of that name.
            NotFound: there is no archive.
        """
        ...

    def state(self, name: str) -> str:
        """How the replay of that name stands, in the archive's word; or ``NotFound``."""
        ...


class Publishing(Protocol):
    """What a vault has of these."""

    @property
    def bus(self) -> Bus: ...

    @property
    def dead_letters(self) -> DeadLetters: ...
