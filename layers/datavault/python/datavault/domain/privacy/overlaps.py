"""Which of several findings about the same characters stands, by one rule for all detectors.

The longest span wins, then the higher score, then the entity that is named first in ``ORDER``,
then the one that begins first. Longest first, because what is masked too widely is a nuisance and
what is masked too narrowly is a leak. For the same reason what sticks out of the winner is not
dropped: it stays, cut to what is still uncovered.

One exception, where something is told and not masked (``resolve``): a value that harms whoever
finds it is not hidden by what it merely stands in. ``CARRIED`` says what is cut out of what.
Where all is masked (``covering``) there is none: a URL that holds an address goes as a whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType

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
# What is told by itself within which entity, however much longer that is. A secret in everything
# that has no check digits of its own; in a locator, also what is what it is wherever it stands:
# most of it is checked by digits or has a form that nothing else has. Telephone numbers, names and
# dates are not among them: numbers of orders and words of a path look like them.
_CHECKED = frozenset({Entity.SECRET, Entity.CREDIT_CARD, Entity.IBAN_CODE, Entity.CRYPTO})
_CERTAIN = _CHECKED | {Entity.US_SSN, Entity.US_ITIN, Entity.NATIONAL_ID, Entity.EMAIL_ADDRESS}
CARRIED: Mapping[str, frozenset[Entity]] = MappingProxyType(
    {
        **{each: frozenset({Entity.SECRET}) for each in Entity if each not in _CHECKED},
        Entity.URL: _CERTAIN,
    }
)
_NOTHING: frozenset[Entity] = frozenset()
_ORDER_IN_TEXT = attrgetter("start", "end", "entity", "score", "reason")
# By name: a hit may be of an entity of somebody else's, which is named after all of ours.
_RANK: dict[str, int] = {entity: rank for rank, entity in enumerate(ORDER)}


def resolve(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans to tell of, by start, none of which shares a character with another.

    Every character that any of ``spans`` covered is still covered. Work is linear in the summed
    lengths of the spans, after one sort.
    """
    return _resolved(spans, _told)


def covering[T: (Span, Hit)](spans: Iterable[T]) -> tuple[T, ...]:
    """The spans to mask, as ``resolve``: the longest, whatever stands in it."""
    return _resolved(spans, _winners)


def _resolved[T: (Span, Hit)](
    spans: Iterable[T], winners: Callable[[list[T]], list[T]]
) -> tuple[T, ...]:
    found = tuple(spans)
    if len(found) < 2:
        return found
    ordered = sorted(found, key=_ORDER_IN_TEXT)
    kept: list[T] = []
    for cluster in _clusters(ordered):
        kept += cluster if len(cluster) == 1 else winners(cluster)
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


def _told(cluster: list[Span]) -> list[Span]:
    """Of the spans without what they carry."""
    entities = {span.entity for span in cluster}
    if not any(CARRIED.get(entity, _NOTHING) & (entities - {entity}) for entity in entities):
        return _winners(cluster)
    origin, size = cluster[0].start, max(span.end for span in cluster) - cluster[0].start
    carried: dict[frozenset[Entity], bytearray] = {}
    cut: list[Span] = []
    for span in cluster:
        wanted = CARRIED.get(span.entity, _NOTHING)
        if wanted not in carried:
            covered = carried[wanted] = bytearray(size)
            for each in cluster:
                if each.entity in wanted:
                    start, end = each.start - origin, each.end - origin
                    covered[start:end] = b"\1" * (end - start)
        cut += _uncovered(span, carried[wanted], origin)
    return _winners(sorted(cut, key=_ORDER_IN_TEXT))


def _winners[T: (Span, Hit)](cluster: list[T]) -> list[T]:
    ranked = sorted(cluster, key=_precedence)
    origin, end = cluster[0].start, max(span.end for span in cluster)
    if ranked[0].start == origin and ranked[0].end == end:
        return ranked[:1]
    covered = bytearray(end - origin)
    kept: list[T] = []
    for span in ranked:
        kept += _uncovered(span, covered, origin)
        start, end = span.start - origin, span.end - origin
        covered[start:end] = b"\1" * (end - start)
    return sorted(kept, key=_ORDER_IN_TEXT)


def _uncovered[T: (Span, Hit)](span: T, covered: bytearray, origin: int) -> Iterator[T]:
    """The runs of a span that are not covered; ``covered`` begins at ``origin``."""
    position, end = span.start - origin, span.end - origin
    while (start := covered.find(0, position, end)) >= 0:
        taken = covered.find(1, start, end)
        position = end if taken < 0 else taken
        yield replace(span, start=start + origin, end=position + origin)


def _precedence(span: Span | Hit) -> tuple[int, float, int, int]:
    return span.start - span.end, -span.score, _RANK.get(span.entity, len(ORDER)), span.start
