"""Repeats: bodies that one job has stored already, found again by digest."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from datavault.domain.store.columns import Entries, Values, stable_order

# A million digests and locators are 32 MB.
REMEMBERED_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where some digests were seen: rows of the query, and rows of ``entries`` with the same."""

    rows: npt.NDArray[np.intp]
    entries: Entries


class StoredBodies:
    """The digests and locators of the last million bodies that a job stored.

    Safe in several threads. Two that store the same body at once both store it.
    """

    def __init__(self) -> None:
        self._runs: deque[Entries] = deque()
        self._size = 0
        self._lock = Lock()

    def find(self, digests: Values) -> list[Sighting]:
        """Which of ``digests`` were stored before; a row is in one sighting at most."""
        with self._lock:
            known = list(self._runs)
        left = np.arange(len(digests))
        wanted = _text(digests)
        sightings = []
        for entries in known:
            column = _text(entries.values)
            at = column.searchsorted(wanted[left])
            hit = column.take(at, mode="clip") == wanted[left]
            if hit.any():
                sightings.append(Sighting(left[hit], entries.take(at[hit])))
                left = left[~hit]
        return sightings

    def remember(self, stored: Entries) -> None:
        """Add bodies just stored."""
        if not len(stored):
            return
        ordered = stored.take(stable_order(_text(stored.values)))
        # Ids are not looked at here: dropping them saves most of the memory.
        slim = Entries(
            np.zeros(len(ordered), "S1"), ordered.values, ordered.locators, ordered.packs
        )
        with self._lock:
            # Neighbours of like size are joined, so that a search looks at a few runs and not at
            # all; none grows past a quarter of the whole, which is what is forgotten at a time.
            while self._runs and len(slim) * 2 > len(self._runs[-1]):
                if len(slim) + len(self._runs[-1]) > REMEMBERED_MAX // 4:
                    break
                last = self._runs.pop()
                self._size -= len(last)
                joined = Entries.concat([last, slim])
                slim = joined.take(stable_order(_text(joined.values)))
            self._runs.append(slim)
            self._size += len(slim)
            while self._size > REMEMBERED_MAX and len(self._runs) > 1:
                self._size -= len(self._runs.popleft())


def distinct(digests: Values) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first row of each distinct digest, ascending, and for every row its place in those."""
    order = stable_order(_text(digests))
    ordered = _text(digests).take(order)
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    first = order[is_first]
    inverse = np.empty(len(order), np.intp)
    inverse[order] = np.cumsum(is_first) - 1
    by_row = np.argsort(first)
    place = np.empty(len(first), np.intp)
    place[by_row] = np.arange(len(first))
    return first[by_row], place[inverse]


def _text(digests: Values) -> npt.NDArray[np.bytes_]:
    # Numpy sorts and searches S16 natively, V16 not. All have 16 bytes, so padding is no issue.
    return np.ascontiguousarray(digests).view("S16")
