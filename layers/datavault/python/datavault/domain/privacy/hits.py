"""What was found in a text, by a detector or by the policy, as one row without overlaps."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Hit:
    """``text[start:end]``, in code points, is an ``entity``; ``reason`` says who found it."""

    start: int
    end: int
    entity: str
    score: float
    reason: str


def without_overlaps(hits: Iterable[Hit]) -> list[Hit]:
    """The hits in the order of the text; those that overlap become one that covers them all.

    It is named by the most certain of them, then the longest, then the first. So a text never
    shows more than if there were only one of them, whoever is right.
    """
    joined: list[Hit] = []
    for hit in sorted(hits, key=attrgetter("start", "end")):
        if joined and hit.start < joined[-1].end:
            joined[-1] = _union(joined[-1], hit)
        elif hit.start < hit.end:
            joined.append(hit)
    return joined


def outside(hits: Iterable[Hit], others: Sequence[Hit]) -> Iterator[Hit]:
    """What of each hit none of ``others`` covers; both are in order and without overlaps."""
    first = 0
    for hit in hits:
        while first < len(others) and others[first].end <= hit.start:
            first += 1
        at, row = hit.start, first
        while row < len(others) and others[row].start < hit.end:
            if at < others[row].start:
                yield replace(hit, start=at, end=others[row].start)
            at, row = max(at, others[row].end), row + 1
        if at < hit.end:
            yield replace(hit, start=at)


def _union(first: Hit, second: Hit) -> Hit:
    best = max(first, second, key=lambda hit: (hit.score, hit.end - hit.start))
    end = max(first.end, second.end)
    return Hit(first.start, end, best.entity, best.score, best.reason)
