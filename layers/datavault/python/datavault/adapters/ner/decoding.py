"""From the probabilities of pieces to spans of a text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datavault.adapters.ner.pieces import Pieces
from datavault.adapters.ner.scripts import never_names
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.spans import Span

# A word goes along with a surer one beside it from this probability on, so that a name which is
# found is found whole: on the dev sets, at equal precision, a point more of web persons is masked
# than where each word has to reach the threshold by itself.
JOINED_FROM = 0.3
# In a text with capitals, what is written without any is a name only if the model is as sure as
# this: from 0.4 to 0.7, one in twenty was on web text (dev), and one in three in tweets.
SMALL_SCORE_MIN = 0.75
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

    A word's probabilities are the means of its pieces'. Words that may be names, by the probability
    of being one of any kind, go on with the word before them if that is of the same kind and their
    tag is rather one within than one that begins. The score of a span is that of its surest word,
    and it is a name if that reaches the threshold of its kind. A kind of which no score can reach
    the threshold is not looked for. Nothing is a name that ``never_names``.
    """
    found: list[list[Span]] = [[] for _ in texts]
    heads = np.flatnonzero(pieces.heads)
    if not len(heads):
        return [()] * len(texts)
    tails = np.append(heads[1:], len(pieces))
    words = np.add.reduceat(probabilities, heads, axis=0) / (tails - heads)[:, None]
    kinds = (words[:, 1::2] + words[:, 2::2]).argmax(axis=1)
    named = 1 - words[:, 0]
    least = np.where(thresholds > 1, thresholds, np.minimum(thresholds, JOINED_FROM))
    chosen = np.flatnonzero(named >= least[kinds])
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
    scores = np.maximum.reduceat(named[chosen], begin)
    sure = scores >= thresholds[kind[begin]]
    begin, end, scores = begin[sure], end[sure], scores[sure]
    starts = pieces.starts[first[begin]] - pieces.offsets[owner[begin]]
    ends = pieces.ends[tails[chosen[end - 1]] - 1] - pieces.offsets[owner[begin]]
    columns = (owner[begin], starts, ends, kind[begin], scores)
    small: dict[int, bool] = {}
    for text, start, stop, number, score in zip(*map(np.ndarray.tolist, columns), strict=True):
        span = _trimmed(texts[text], start, stop, entities[number], score)
        if span is None or never_names(texts[text][span.start : span.end]):
            continue
        if score < BARE_SCORE_MIN and texts[text][span.start : span.end].islower():
            if text not in small:
                small[text] = texts[text].islower()
            if score < _least_of_small(texts[text], span, is_small=small[text]):
                continue
        found[text].append(span)
    return [tuple(spans) for spans in found]


def _trimmed(text: str, start: int, end: int, entity: Entity, score: float) -> Span | None:
    value = text[start:end]
    start += len(value) - len(value.lstrip(_EDGES))
    end -= len(value) - len(value.rstrip(_EDGES))
    if not any(map(str.isalnum, text[start:end])):
        return None
    # Three digits, as the last ones of a sum of many products differ between processors.
    return Span(start, end, entity, round(min(score, 1.0), 3), f"names.{entity.lower()}")


def _least_of_small(text: str, span: Span, *, is_small: bool) -> float:
    """What the score of a span without capitals has to reach; the text has none if ``is_small``."""
    if not is_small:
        return 0.0 if span.entity is Entity.STREET_ADDRESS else SMALL_SCORE_MIN
    if len(text) > BARE_CHARACTERS_MAX:
        return 0.0
    is_bare = not any(map(str.isalnum, text[: span.start] + text[span.end :]))
    return BARE_SCORE_MIN if is_bare else 0.0
