"""From the probabilities of pieces to spans of a text.

The constants were chosen on the dev sets; ``layers/privacy/README.md`` says what each changed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
# A name that is said to be a person with less than this share of what it is said to be in all goes
# as what it most likely is else: shops called after their owners, places nobody has heard of.
PERSON_SHARE_MIN = 0.5
# Who is named once in a text is named again by the same word, if the model thinks so from here on.
REPEATED_FROM = 0.2
# A single word in capitals, where others are not, is more often an abbreviation than a person.
CAPITALS_SCORE_MIN = 0.8
# In a text with capitals, what is written without any is a name only if the model is as sure as
# this: from 0.4 to 0.7, one in twenty was on web text (dev), and one in three in tweets.
SMALL_SCORE_MIN = 0.75
# A text that is one value in lower case and no more, such as a key or a cell, gives a model nothing
# to go by: of 2,000 identifiers it takes 10 % for names at 0.4 and 3 % here, of 200 forenames 97
# and 76 %. A word with a capital that stands alone gives little more: of 1,500 that name nobody
# 40 % at 0.55 and a seventh here, of 600 forenames 99 and 95 %.
BARE_SCORE_MIN = 0.75
ALONE_SCORE_MIN = 0.68
BARE_CHARACTERS_MAX = 80

# What a name neither begins nor ends with, though the model may think so.
_EDGES = " \t\r\n,;:!?\"'`()[]{}<>|*_=/\\«»“”„‘’…-–—"
# Shorter words are initials and particles, of which everybody has some.
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class _Words:
    """The words that may name something, in order.

    ``number`` counts all words; ``text``, ``start`` and ``end`` say where one stands. ``by_kind``
    has for each kind the probability that the word is part of such a name, ``named`` that of any.
    A word ``goes_on`` if it is rather within a name than at the beginning of one.
    """

    number: NDArray[np.int64]
    text: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    by_kind: NDArray[np.float64]
    named: NDArray[np.float64]
    goes_on: NDArray[np.bool_]


def spans_of(
    texts: Sequence[str],
    pieces: Pieces,
    probabilities: NDArray[np.float32],
    *,
    entities: tuple[Entity, ...],
    thresholds: NDArray[np.float32],
) -> list[tuple[Span, ...]]:
    """The names in each text, in order and apart from one another.

    A word's probabilities are the means of its pieces'. Words that may be names go on with the word
    before them if they are rather within a name than at the beginning of one. A name is of the kind
    that most of its words are (but see ``PERSON_SHARE_MIN``); its score is the probability that its
    surest word is a name of whatever kind, and has to reach the threshold of its kind. A kind of
    which no score can reach the threshold is not looked for. Nothing is a name that
    ``never_names``.
    """
    if not len(pieces):
        return [()] * len(texts)
    words = _words(pieces, probabilities, min(float(thresholds.min()), REPEATED_FROM))
    if not len(words.number):
        return [()] * len(texts)
    found: list[list[Span]] = [[] for _ in texts]
    person = entities.index(Entity.PERSON)
    kind = words.by_kind.argmax(axis=1)
    least = np.where(thresholds > 1, thresholds, np.minimum(thresholds, JOINED_FROM))
    free = np.ones(len(kind), dtype=np.bool_)
    small: dict[int, bool] = {}
    likely = np.flatnonzero(words.named >= least[kind])
    for first, last, number, score in _names(words, likely, thresholds, person=person):
        text = int(words.text[first])
        span = _trimmed(texts[text], words, first, last, entities[number], score)
        if span is None:
            continue
        if score < BARE_SCORE_MIN:
            if text not in small:
                small[text] = texts[text].islower()
            if score < _least_of(texts[text], span, is_small=small[text]):
                continue
        found[text].append(span)
        free[first : last + 1] = False
    if thresholds[person] <= 1:
        _repeat(texts, words, np.flatnonzero(free & (kind == person)), found)
    return [tuple(spans) for spans in found]


def _words(pieces: Pieces, probabilities: NDArray[np.float32], least: float) -> _Words:
    """Those of which the model thinks at least so much that they name something."""
    heads = np.flatnonzero(pieces.heads)
    tails = np.append(heads[1:], len(pieces))
    means = np.add.reduceat(probabilities, heads, axis=0) / (tails - heads)[:, None]
    number = np.flatnonzero(1 - means[:, 0] >= least)
    means, heads, tails = means[number], heads[number], tails[number]
    text = np.searchsorted(pieces.bounds, heads, side="right") - 1
    return _Words(
        number,
        text,
        pieces.starts[heads] - pieces.offsets[text],
        pieces.ends[tails - 1] - pieces.offsets[text],
        means[:, 1::2] + means[:, 2::2],
        1 - means[:, 0],
        probabilities[heads, 2::2].sum(axis=1) > probabilities[heads, 1::2].sum(axis=1),
    )


def _names(
    words: _Words, chosen: NDArray[np.int64], thresholds: NDArray[np.float32], *, person: int
) -> Iterator[tuple[int, int, int, float]]:
    """The first and the last word, the kind and the score of what reaches its threshold."""
    if not len(chosen):
        return
    opens = np.ones(len(chosen), dtype=np.bool_)
    opens[1:] = ~(
        words.goes_on[chosen[1:]]
        & (words.number[chosen[1:]] == words.number[chosen[:-1]] + 1)
        & (words.text[chosen[1:]] == words.text[chosen[:-1]])
    )
    begin = np.flatnonzero(opens)
    end = np.append(begin[1:], len(chosen))
    kind = _kinds(np.add.reduceat(words.by_kind[chosen], begin, axis=0), thresholds, person=person)
    score = np.maximum.reduceat(words.named[chosen], begin)
    sure = score >= thresholds[kind]
    columns = (chosen[begin], chosen[end - 1], kind, score)
    yield from zip(*(column[sure].tolist() for column in columns), strict=True)


def _kinds(
    by_kind: NDArray[np.float64], thresholds: NDArray[np.float32], *, person: int
) -> NDArray[np.int64]:
    """What each name is; a doubtful person is something else, if that is looked for."""
    kind: NDArray[np.int64] = by_kind.argmax(axis=1)
    others = by_kind.copy()
    others[:, person] = -1
    other = others.argmax(axis=1)
    doubtful = by_kind[:, person] < PERSON_SHARE_MIN * by_kind.sum(axis=1)
    changed = (kind == person) & doubtful & (thresholds[other] <= 1)
    kind[changed] = other[changed]
    return kind


def _trimmed(
    text: str, words: _Words, first: int, last: int, entity: Entity, score: float
) -> Span | None:
    start, end = int(words.start[first]), int(words.end[last])
    value = text[start:end]
    start += len(value) - len(value.lstrip(_EDGES))
    end -= len(value) - len(value.rstrip(_EDGES))
    if not any(map(str.isalnum, text[start:end])) or never_names(text[start:end]):
        return None
    # Three digits, as the last ones of a sum of many products differ between processors.
    return Span(start, end, entity, round(min(score, 1.0), 3), f"names.{entity.lower()}")


def _least_of(text: str, span: Span, *, is_small: bool) -> float:
    """What the score of a span has to reach for how it is written; no letter of the text is a
    capital if ``is_small``."""
    if span.entity is Entity.STREET_ADDRESS and not is_small:
        return 0.0
    value = text[span.start : span.end]
    is_bare = len(text) <= BARE_CHARACTERS_MAX and not any(
        map(str.isalnum, text[: span.start] + text[span.end :])
    )
    if value.islower():
        return (BARE_SCORE_MIN if is_bare else 0.0) if is_small else SMALL_SCORE_MIN
    if is_bare and value.isalpha():
        return ALONE_SCORE_MIN
    is_capitals = value.isupper() and value.isalnum() and len(value) > 1
    if is_capitals and span.entity is Entity.PERSON and not text.isupper():
        return CAPITALS_SCORE_MIN
    return 0.0


def _repeat(
    texts: Sequence[str], words: _Words, doubtful: NDArray[np.int64], found: list[list[Span]]
) -> None:
    """Add the doubtful words of which a person's name in the same text consists, if of several."""
    bounds = np.flatnonzero(np.diff(words.text[doubtful], prepend=-1)).tolist()
    for begin, end in pairwise([*bounds, len(doubtful)]):
        text = int(words.text[doubtful[begin]])
        known = {
            word[0]: span.score
            for span in found[text]
            if span.entity is Entity.PERSON and " " in texts[text][span.start : span.end]
            for word in _WORD.finditer(texts[text], span.start, span.end)
            if word[0][0].isupper()
        }
        if not known:
            continue
        for place in doubtful[begin:end].tolist():
            value = texts[text][words.start[place] : words.end[place]]
            if value in known:
                span = _trimmed(texts[text], words, place, place, Entity.PERSON, known[value])
                found[text] += [span] if span else []
        found[text].sort(key=lambda span: span.start)
