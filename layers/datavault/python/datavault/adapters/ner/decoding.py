"""From the probabilities of pieces to spans of a text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datavault.adapters.ner.pieces import Pieces
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span

# A text that is one value in lower case and no more, such as a key or a cell, gives a model nothing
# to go by: of 2,000 identifiers it takes 20 % for names at 0.4 and 1.5 % at 0.85, of 200 forenames
# in lower case 100 % and 95 %.
BARE_SCORE_MIN = 0.85
BARE_CHARACTERS_MAX = 80

# What a name neither begins nor ends with, though the model may think so.
_EDGES = " \t\r\n,;:!?\"'`()[]{}<>|*_=/\\«»“”„‘’…-–—"


def spans_of(
    texts: Sequence[str],
    pieces: Pieces,
    probabilities: NDArray[np.float32],
    *,
    entities: tuple[Entity, ...],
    thresholds: NDArray[np.float32],
) -> list[tuple[Span, ...]]:
    """The names in each text, in order and apart from one another.

    A word's probabilities are the means of its pieces'. It is a name if the probability that it is
    one of any kind reaches the threshold of the likeliest kind, and goes on with the word before it
    if that is of the same kind and its tag is rather one within than one that begins. The score of
    a span is the mean, over its words, of the probability of being a name.
    """
    found: list[list[Span]] = [[] for _ in texts]
    heads = np.flatnonzero(pieces.heads)
    if not len(heads):
        return [()] * len(texts)
    tails = np.append(heads[1:], len(pieces))
    words = np.add.reduceat(probabilities, heads, axis=0) / (tails - heads)[:, None]
    kinds = (words[:, 1::2] + words[:, 2::2]).argmax(axis=1)
    named = 1 - words[:, 0]
    chosen = np.flatnonzero(named >= thresholds[kinds])
    if not len(chosen):
        return [()] * len(texts)
    kind, first = kinds[chosen], heads[chosen]
    owner = np.searchsorted(pieces.bounds, first, side="right") - 1
    within = probabilities[first, 2 * kind + 2] > probabilities[first, 2 * kind + 1]
    opens = np.ones(len(chosen), dtype=np.bool_)
    opens[1:] = ~(
        within[1:]
        & (chosen[1:] == chosen[:-1] + 1)
        & (kind[1:] == kind[:-1])
        & (owner[1:] == owner[:-1])
    )
    begin = np.flatnonzero(opens)
    end = np.append(begin[1:], len(chosen))
    scores = np.add.reduceat(named[chosen], begin) / (end - begin)
    starts = pieces.starts[first[begin]] - pieces.offsets[owner[begin]]
    ends = pieces.ends[tails[chosen[end - 1]] - 1] - pieces.offsets[owner[begin]]
    columns = (owner[begin], starts, ends, kind[begin], scores)
    for text, start, stop, number, score in zip(*map(np.ndarray.tolist, columns), strict=True):
        span = _trimmed(texts[text], start, stop, entities[number], score)
        if span is not None:
            found[text].append(span)
    return [tuple(spans) for spans in found]


def _trimmed(text: str, start: int, end: int, entity: Entity, score: float) -> Span | None:
    value = text[start:end]
    start += len(value) - len(value.lstrip(_EDGES))
    end -= len(value) - len(value.rstrip(_EDGES))
    if not any(map(str.isalnum, text[start:end])):
        return None
    if score < BARE_SCORE_MIN and _is_bare(text, start, end):
        return None
    # Three digits, as the last ones of a sum of many products differ between processors.
    return Span(start, end, entity, round(min(score, 1.0), 3), f"names.{entity.lower()}")


def _is_bare(text: str, start: int, end: int) -> bool:
    """Whether there are no letters or digits but these, and none of them is a capital."""
    if len(text) > BARE_CHARACTERS_MAX or not text.islower():
        return False
    return not any(map(str.isalnum, text[:start] + text[end:]))
