"""Networks of a names model: of each piece of some texts, the probability of each tag.

What a network says of a text depends on that text alone, to the last bit: texts are computed in
one row, whose products are of whole numbers at fixed scales, or each by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from datavault.adapters.ner.pieces import Pieces

# Rows of this many pieces keep a layer's values within a core's cache: 4 times as fast a piece as
# rows of 2,048 where other work runs beside it.
ROW_PIECES = 512
# With what is looked at beside it, a part fills a row.
PART_PIECES = 448
# Attention looks from each piece at each other, so that longer parts cost more a piece.
ATTENDED_PIECES = 192


class Network(Protocol):
    """May be used by several threads at once; each call computes on the thread that makes it."""

    def probabilities(self, pieces: Pieces) -> NDArray[np.float32]:
        """A row for each piece. Tag 0 is outside, ``2e + 1`` where entity ``e`` begins, ``2e + 2``
        within."""
        ...


@dataclass(frozen=True, slots=True)
class InRows:
    """Texts right behind one another in a row, none of which sees into the next.

    ``reach`` pieces to each side of one decide on it, so long texts are computed in parts, each
    beside as much of its neighbours as that.
    """

    session: onnxruntime.InferenceSession
    reach: int
    temperature: float

    def probabilities(self, pieces: Pieces) -> NDArray[np.float32]:
        whole = np.empty((len(pieces), tags_of(self.session)), dtype=np.float32)
        row: list[tuple[slice, slice]] = []
        size = 0
        for core, part in _parts(pieces, PART_PIECES, self.reach):
            length = part.stop - part.start
            if row and size + length > ROW_PIECES:
                self._compute(pieces, row, whole)
                row, size = [], 0
            row.append((core, part))
            size += length
        if row:
            self._compute(pieces, row, whole)
        return whole

    def _compute(
        self, pieces: Pieces, row: Sequence[tuple[slice, slice]], whole: NDArray[np.float32]
    ) -> None:
        lengths = [part.stop - part.start for _, part in row]
        given = {
            "ids": np.concatenate([pieces.ids[part] for _, part in row]),
            "shapes": np.concatenate([pieces.shapes[part] for _, part in row]),
            "texts": np.repeat(np.arange(len(row), dtype=np.int32), lengths),
        }
        logits: NDArray[np.float32] = self.session.run(["logits"], given)[0]
        computed = _softmax(logits / self.temperature)
        at = 0
        for (core, part), length in zip(row, lengths, strict=True):
            first = at + core.start - part.start
            whole[core] = computed[first : first + core.stop - core.start]
            at += length


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Each text by itself, a long one in parts that are read with ``reach`` pieces to each side."""

    session: onnxruntime.InferenceSession
    reach: int
    temperature: float

    def probabilities(self, pieces: Pieces) -> NDArray[np.float32]:
        whole = np.empty((len(pieces), tags_of(self.session)), dtype=np.float32)
        for core, part in _parts(pieces, ATTENDED_PIECES, self.reach):
            given = {"ids": pieces.ids[part], "shapes": pieces.shapes[part]}
            logits: NDArray[np.float32] = self.session.run(["logits"], given)[0]
            own = logits[core.start - part.start : core.stop - part.start]
            whole[core] = _softmax(own / self.temperature)
        return whole


@dataclass(frozen=True, slots=True)
class Together:
    """The geometric mean of what networks say: what one of them doubts has to be sure to others."""

    networks: tuple[Network, ...]

    def probabilities(self, pieces: Pieces) -> NDArray[np.float32]:
        logs = [np.log(each.probabilities(pieces) + 1e-7) for each in self.networks]
        return _softmax(np.mean(logs, axis=0, dtype=np.float32))


def tags_of(session: onnxruntime.InferenceSession) -> int:
    """How many tags a graph tells apart."""
    count: int = session.get_outputs()[0].shape[1]
    return count


def _parts(pieces: Pieces, size: int, reach: int) -> Iterator[tuple[slice, slice]]:
    """Which pieces to decide on together, and which to look at for that."""
    for begin, end in pairwise(pieces.bounds.tolist()):
        for start in range(begin, end, size):
            stop = min(start + size, end)
            yield slice(start, stop), slice(max(begin, start - reach), min(end, stop + reach))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers
