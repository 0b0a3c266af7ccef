"""Repeats: bodies that one job has stored already, found again by digest."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from datavault.domain.store.columns import Entries, Values

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
        ordered = stored.take(np.argsort(_text(stored.values)))
        # Ids are not looked at here: dropping them saves most of the memory.
        slim = Entries(
            np.zeros(len(ordered), "S1"), ordered.values, ordered.locators, ordered.packs
        )
        with self._lock:
            self._runs.append(slim)
            self._size += len(slim)
            while self._size > REMEMBERED_MAX and len(self._runs) > 1:
                self._size -= len(self._runs.popleft())


def distinct(digests: Values) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first row of each distinct digest, ascending, and for every row its place in those."""
    _, first, inverse = np.unique(_text(digests), return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return first[order], place[inverse]


def _text(digests: Values) -> npt.NDArray[np.bytes_]:
    # Numpy sorts and searches S16 natively, V16 not. All have 16 bytes, so padding is no issue.
    return np.ascontiguousarray(digests).view("S16")
