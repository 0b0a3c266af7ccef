"""The port ``Detector`` by a names model."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from datavault.adapters.ner.decoding import spans_of
from datavault.adapters.ner.model import NamesModel, names_model
from datavault.adapters.ner.pieces import Pieces
from datavault.domain.privacy.spans import Span
from datavault.domain.privacy.tiers import Tier

# Rows of this many pieces keep a layer's values within a core's cache: 4 times as fast a piece as
# rows of 2,048 where other work runs beside it.
ROW_PIECES = 512
# With what is looked at beside it, a part fills a row.
PART_PIECES = 448
BATCH_CHARACTERS = 16_384


class NamesDetector:
    """Finds persons, places, organisations and street addresses.

    The spans of a text depend on that text alone. Memory grows with the longest text, by some
    hundred bytes a character, and not with their number. Safe to be used by several threads.
    """

    def __init__(self, model: NamesModel | None = None) -> None:
        """With the model given, or with the tier ``fast`` of the one that is installed.

        Raises:
            Corrupt: it is missing, or not what was published.
        """
        self._model = model or names_model(Tier.FAST)

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans of each text, in order."""
        found: list[tuple[Span, ...]] = []
        for some in _batches(texts):
            pieces = self._model.reader.pieces(some)
            found += spans_of(
                some,
                pieces,
                self._probabilities(pieces),
                entities=self._model.entities,
                thresholds=self._model.thresholds,
            )
        return found

    def _probabilities(self, pieces: Pieces) -> NDArray[np.float32]:
        """Long texts are computed in parts, each beside as much of its neighbours as reaches it."""
        whole = np.empty((len(pieces), 1 + 2 * len(self._model.entities)), dtype=np.float32)
        row: list[tuple[slice, slice]] = []
        size = 0
        for core, part in _parts(pieces, self._model.reach):
            length = part.stop - part.start + self._model.gap
            if row and size + length > ROW_PIECES:
                self._compute(pieces, row, whole)
                row, size = [], 0
            row.append((core, part))
            size += length
        if row:
            self._compute(pieces, row, whole)
        return whole

    def _compute(
        self, pieces: Pieces, row: list[tuple[slice, slice]], whole: NDArray[np.float32]
    ) -> None:
        computed = self._model.probabilities(pieces, [part for _, part in row])
        at = 0
        for core, part in row:
            first = at + core.start - part.start
            whole[core] = computed[first : first + core.stop - core.start]
            at += part.stop - part.start


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts that are read together, so that what a batch costs is shared by its texts."""
    start, size = 0, 0
    for end, text in enumerate(texts, 1):
        size += len(text)
        if size >= BATCH_CHARACTERS or end == len(texts):
            yield texts[start:end]
            start, size = end, 0


def _parts(pieces: Pieces, reach: int) -> Iterator[tuple[slice, slice]]:
    """Which pieces to decide on together, and which to look at for that."""
    for begin, end in pairwise(pieces.bounds.tolist()):
        for start in range(begin, end, PART_PIECES):
            stop = min(start + PART_PIECES, end)
            yield slice(start, stop), slice(max(begin, start - reach), min(end, stop + reach))
