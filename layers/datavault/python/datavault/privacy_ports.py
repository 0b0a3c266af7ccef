"""What finds personal data, in the vault's words; a contract suite holds every detector to it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from datavault.domain.privacy.spans import Span


class Detector(Protocol):
    """Finds values of some entities in texts. Threads may share one.

    It reads the texts alone: no network, no file, no clock, no chance. The same texts give the
    same spans, and what is found in a text does not depend on the others it comes with. Time and
    memory are linear in the length of the texts, whatever they hold.
    """

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """What is found in each text, in the order of the texts.

        Offsets count the code points of the text as it was given. The spans of a text are sorted
        and no two share a character: of those that would, ``domain.privacy.overlaps`` chose.
        """
        ...


@runtime_checkable
class OverlappingDetector(Detector, Protocol):
    """One that can tell all that it finds, for whoever decides by more than length and score."""

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """As ``detect``, before anything was chosen: in any order, and spans may share characters.

        ``domain.privacy.overlaps`` makes of each what ``detect`` gives.
        """
        ...
