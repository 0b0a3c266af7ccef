"""Which of several findings about the same characters stands, by one rule for all detectors.

The longest span wins, then the higher score, then the entity that is named first in ``ORDER``,
then the one that begins first. Longest first, because what is masked too widely is a nuisance and
what is masked too narrowly is a leak: a URL that holds an e-mail address goes as a whole. For the
same reason what sticks out of the winner is not dropped: it stays, cut to what is still uncovered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.hits import Hit
from datavault.domain.privacy.spans import Span

# At equal length and score, what says more about the value goes first: a checksum says more than
# digits in groups do, a secret harms more than the address that it stands in.
ORDER = (
    Entity.SECRET,
    Entity.CREDIT_CARD,
    Entity.IBAN_CODE,
    Entity.CRYPTO,
    Entity.US_SSN,
    Entity.US_ITIN,
    Entity.NATIONAL_ID,
    Entity.EMAIL_ADDRESS,
    Entity.IP_ADDRESS,
    Entity.MAC_ADDRESS,
    Entity.VIN,
    Entity.PASSPORT,
    Entity.DRIVER_LICENSE,
    Entity.HEALTH_INSURANCE,
    Entity.MEDICAL_RECORD,
    Entity.ROUTING_NUMBER,
    Entity.US_BANK_NUMBER,
    Entity.PHONE_NUMBER,
    Entity.LICENSE_PLATE,
    Entity.DATE_OF_BIRTH,
    Entity.AGE,
    Entity.COORDINATES,
    Entity.URL,
    Entity.STREET_ADDRESS,
    Entity.PERSON,
    Entity.LOCATION,
    Entity.ORGANIZATION,
    Entity.DATE_TIME,
)
_ORDER_IN_TEXT = attrgetter("start", "end", "entity", "score", "reason")
# By name: a hit may be of an entity of somebody else's, which is named after all of ours.
_RANK: dict[str, int] = {entity: rank for rank, entity in enumerate(ORDER)}


def resolve[T: (Span, Hit)](spans: Iterable[T]) -> tuple[T, ...]:
    """The spans that stand, by start, none of which shares a character with another.

    Every character that any of ``spans`` covered is still covered. Work is linear in the summed
    lengths of the spans, after one sort.
    """
    ordered = sorted(spans, key=_ORDER_IN_TEXT)
    if len(ordered) < 2:
        return tuple(ordered)
    kept: list[T] = []
    for cluster in _clusters(ordered):
        kept += cluster if len(cluster) == 1 else _winners(cluster)
    return tuple(kept)


def _clusters[T: (Span, Hit)](ordered: list[T]) -> Iterator[list[T]]:
    """Runs of spans each of which begins before some earlier one of the run ends."""
    cluster = [ordered[0]]
    end = ordered[0].end
    for span in ordered[1:]:
        if span.start < end:
            cluster.append(span)
        else:
            yield cluster
            cluster = [span]
        end = max(end, span.end)
    yield cluster


def _winners[T: (Span, Hit)](cluster: list[T]) -> list[T]:
    origin = cluster[0].start
    covered = bytearray(max(span.end for span in cluster) - origin)
    kept: list[T] = []
    for span in sorted(cluster, key=_precedence):
        position, end = span.start - origin, span.end - origin
        while (start := covered.find(0, position, end)) >= 0:
            taken = covered.find(1, start, end)
            position = end if taken < 0 else taken
            covered[start:position] = b"\1" * (position - start)
            kept.append(replace(span, start=start + origin, end=position + origin))
    return sorted(kept, key=_ORDER_IN_TEXT)


def _precedence(span: Span | Hit) -> tuple[int, float, int, int]:
    return span.start - span.end, -span.score, _RANK.get(span.entity, len(ORDER)), span.start
