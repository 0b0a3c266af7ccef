"""Measures over documents with gold spans: exact and overlap, masked spans, clean documents."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

type Labelled = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its gold spans, ``(start, end, label)`` in code points."""

    text: str
    gold: tuple[Labelled, ...]


@dataclass(slots=True)
class Tally:
    """Counts for one label."""

    gold: int = 0
    predicted: int = 0
    exact: int = 0
    found: int = 0
    right: int = 0
    masked: int = 0

    @property
    def exact_precision(self) -> float:
        return self.exact / self.predicted if self.predicted else 0.0

    @property
    def exact_recall(self) -> float:
        return self.exact / self.gold if self.gold else 0.0

    @property
    def precision(self) -> float:
        """Share of predictions that touch a gold span of their label."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of gold spans that some prediction of their label touches."""
        return self.found / self.gold if self.gold else 0.0

    @property
    def masked_at_least(self) -> float:
        """Lower end of the two-sided 95 % interval for the share masked (Clopper-Pearson)."""
        return lower_bound(self.masked, self.gold)


@dataclass(slots=True)
class Result:
    """Tallies by label, and how many documents let no gold span through."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    documents: int = 0
    clean: int = 0


def f_beta(precision: float, recall: float, *, beta: float = 1.0) -> float:
    weighed = beta * beta * precision + recall
    return (1 + beta * beta) * precision * recall / weighed if weighed else 0.0


def compare(
    documents: Sequence[Document], found: Iterable[Sequence[Labelled]], labels: frozenset[str]
) -> Result:
    """Tallies for ``labels``; a span is masked if predictions of any label cover its letters."""
    result = Result({label: Tally() for label in sorted(labels)}, len(documents))
    for document, predicted in zip(documents, found, strict=True):
        gold = [each for each in document.gold if each[2] in labels]
        mine = [each for each in predicted if each[2] in labels]
        covered = {place for start, end, _ in predicted for place in range(start, end)}
        leaked = 0
        for start, end, label in gold:
            tally = result.tallies[label]
            tally.gold += 1
            letters = [place for place in range(start, end) if document.text[place].isalnum()]
            masked = all(place in covered for place in letters)
            tally.masked += masked
            leaked += not masked
            tally.exact += (start, end, label) in mine
            tally.found += any(a < end and start < b and label == c for a, b, c in mine)
        for start, end, label in mine:
            tally = result.tallies[label]
            tally.predicted += 1
            tally.right += any(a < end and start < b and label == c for a, b, c in gold)
        result.clean += not leaked
    return result


def lower_bound(successes: int, trials: int) -> float:
    """Clopper-Pearson, two-sided 95 %: the p at which as many or more are 2.5 % likely."""
    if not successes:
        return 0.0
    low, high = 0.0, successes / trials
    for _ in range(60):
        middle = (low + high) / 2
        if _tail(successes, trials, middle) > 0.025:
            high = middle
        else:
            low = middle
    return low


def _tail(successes: int, trials: int, p: float) -> float:
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    logs = (
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(p)
        + (trials - count) * math.log1p(-p)
        for count in range(successes, trials + 1)
    )
    return sum(map(math.exp, logs))
