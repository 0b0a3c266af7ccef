"""Finds personal data and secrets in texts, offline: the door for programs that hold the library.

    >>> from datavault.privacy import Tier, detector
    >>> for span in detector(Tier.FAST).find("Katarina Holmgren, katarina@example.org"):
    ...     print(span.entity, span.start, span.end)
    PERSON 0 17
    EMAIL_ADDRESS 19 39

``Tier.PATTERNS`` is a ``Scanner``, which decides by form, checksum and label. It knows no names of
people, places or organizations and no street addresses: ``Scanner.entities`` says what it knows,
and a type checker refuses the rest. ``Tier.FAST`` is one with a detector of names beside it, in a
``Combined``, in which detectors of one's own may stand too.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import cast, get_args

from datavault.adapters.scanner.scanning import RuleDetector, Selection
from datavault.domain.errors import Corrupt, Invalid
from datavault.domain.privacy.addresses import with_addresses
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.no_names import without_no_names
from datavault.domain.privacy.overlaps import resolve
from datavault.domain.privacy.recognizers import phone
from datavault.domain.privacy.recognizers.registry import ENTITIES, StructuredEntity, rules_for
from datavault.domain.privacy.recognizers.rules import Rule
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.tiers import NAMES, Tier
from datavault.privacy_ports import Detector, OverlappingDetector

__all__ = [
    "NAMES",
    "Combined",
    "Detector",
    "Entity",
    "OverlappingDetector",
    "Scanner",
    "Span",
    "StructuredEntity",
    "Tier",
    "detector",
]

THRESHOLD = 0.5


def detector(
    tier: Tier = Tier.FAST,
    *,
    entities: Iterable[Entity] | None = None,
    threshold: float | None = None,
) -> "Combined":
    """What finds ``entities``, all of the tier's by default. Threads may share it.

    The model of names is loaded once in a process, and not if no name is looked for. A span is
    reported if its score reaches ``threshold``; by default ``THRESHOLD``, and for names what the
    model's manifest says of each.

    Raises:
        Invalid: an entity that the tier does not look for, none at all, or a threshold outside 0
            to 1.
        Corrupt: the model is missing, or not what was published. Nothing finds less instead.
    """
    wanted = tier.entities if entities is None else frozenset(entities)
    if not wanted:
        raise Invalid("a detector looks for one entity at least", field="entities")
    if unknown := sorted(wanted - tier.entities):
        raise Invalid(f"the tier {tier} does not find {', '.join(unknown)}", field="entities")
    detectors: list[Detector] = []
    if structured := wanted - NAMES:
        least = THRESHOLD if threshold is None else threshold
        detectors.append(
            Scanner(entities=cast("frozenset[StructuredEntity]", structured), threshold=least)
        )
    if names := wanted & NAMES:
        detectors.append(_names(tier, names, threshold))
    return Combined(detectors)


class Scanner:
    """Finds structured values and secrets. Threads may share one; rules are compiled once.

    ``entities`` are those to look for, all by default; one that is not looked for stands in
    nobody's way. A span is reported if its score reaches ``threshold``, or its entity's own in
    ``thresholds``. ``allow`` holds values that are never reported, in any case of letters.
    ``regions``, ISO 3166 codes, are those whose telephone numbers are expected without a prefix.

    Raises:
        Invalid: an entity that needs a model of names, a threshold outside 0 to 1, or a region
            that is not a code of two capitals.
    """

    def __init__(
        self,
        *,
        entities: Iterable[StructuredEntity] = get_args(StructuredEntity.__value__),
        threshold: float = THRESHOLD,
        thresholds: Mapping[StructuredEntity, float] | None = None,
        allow: Iterable[str] = (),
        regions: Iterable[str] = phone.REGIONS,
    ) -> None:
        self.entities = frozenset[Entity](entities)
        own = dict(thresholds or {})
        _require(self.entities, (threshold, *own.values()), codes := tuple(regions))
        selection = Selection(
            {
                entity: own.get(cast("StructuredEntity", entity), threshold)
                for entity in self.entities
            },
            frozenset(value.casefold().strip() for value in allow),
        )
        self._detector = RuleDetector(_rules(self.entities, codes), selection)

    def find(self, text: str) -> tuple[Span, ...]:
        """What is in the text, sorted, without overlaps, in code points."""
        return self._detector.detect([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """What is in each text, in order; many short texts at once are cheaper than one by one."""
        return self._detector.detect(texts)

    detect = find_all

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """As ``find_all``, with all that is found, also about the same characters."""
        return self._detector.detect_overlapping(texts)


class Combined:
    """Several detectors as one: a character found by any is found, and overlaps are resolved."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)

    def find(self, text: str) -> tuple[Span, ...]:
        """As of a ``Scanner``."""
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """As of a ``Scanner``."""
        return [resolve(spans) for spans in self.detect_overlapping(texts)]

    detect = find_all

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """All that any of them finds, also about the same characters.

        Of one that resolves overlaps by itself, what it let stand.
        """
        found = [
            each.detect_overlapping(texts)
            if isinstance(each, OverlappingDetector)
            else each.detect(texts)
            for each in self._detectors
        ]
        return [tuple(chain.from_iterable(each)) for each in zip(*found, strict=True)]


def _require(
    entities: frozenset[Entity], thresholds: Iterable[float], regions: tuple[str, ...]
) -> None:
    if unknown := sorted(entities - ENTITIES):
        raise Invalid(f"a scanner does not find {', '.join(unknown)}", field="entities")
    _require_shares(thresholds)
    if not all(len(code) == 2 and code.isascii() and code.isupper() for code in regions):
        raise Invalid("a region is an ISO 3166 code of two capitals", field="regions")


def _require_shares(thresholds: Iterable[float]) -> None:
    for threshold in thresholds:
        if not 0 <= threshold <= 1:
            raise Invalid("a threshold is from 0 to 1", field="threshold")


def _names(tier: Tier, entities: frozenset[Entity], threshold: float | None) -> Detector:
    """The detector of names; its packages are imported for nobody who looks for none."""
    if threshold is not None:
        _require_shares([threshold])
    try:
        from datavault.adapters.ner.detector import NamesDetector
        from datavault.adapters.ner.model import names_model
    except ImportError as error:
        raise Corrupt(f"names take the package {error.name}, which is not installed") from error
    names = NamesDetector(names_model(tier).looking_for(entities, threshold=threshold))
    return _Named(names, entities)


class _Named:
    """What a model takes for names and rules do not exclude, with the addresses they form."""

    def __init__(self, names: Detector, entities: frozenset[Entity]) -> None:
        self._names = names
        self._has_addresses = Entity.STREET_ADDRESS in entities

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [resolve(spans) for spans in self.detect_overlapping(texts)]

    def detect_overlapping(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            self._checked(text, spans) if spans else spans
            for text, spans in zip(texts, self._names.detect(texts), strict=True)
        ]

    def _checked(self, text: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        names = without_no_names(text, spans)
        return with_addresses(text, names) if self._has_addresses else names


@lru_cache(maxsize=16)
def _rules(entities: frozenset[Entity], regions: tuple[str, ...]) -> tuple[Rule, ...]:
    return rules_for(entities, regions)
