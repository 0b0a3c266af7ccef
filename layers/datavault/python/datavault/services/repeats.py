"""Repeats: bodies that one job has stored already, found again by digest."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from datavault.domain.store.columns import Entries, Values, same_values, stable_order

# Half a million digests and locators are 20 MB.
REMEMBERED_MAX = 500_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where some digests were seen: rows of the query, and rows of ``entries`` with the same."""

    rows: npt.NDArray[np.intp]
    entries: Entries


class StoredBodies:
    """The digests and locators of the last half million bodies that a worker stored.

    Safe in several threads. Two that store the same body at once both store it.
    """

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()
        self._size = 0
        self._lock = Lock()

    def find(self, digests: Values) -> list[Sighting]:
        """Which of ``digests`` were stored before; a row is in one sighting at most."""
        with self._lock:
            known = list(self._runs)
        heads = _heads(digests)
        # Looked up in their order they are found twice as fast.
        left = np.argsort(heads)
        sightings = []
        for run in known:
            at = run.heads.searchsorted(heads.take(left))
            hit = run.heads.take(at, mode="clip") == heads.take(left)
            # Another digest with the same head is none seen: its body is stored once more.
            rows, at = left[hit], at[hit]
            same = same_values(run.entries.values.take(at), digests.take(rows))
            if same.any():
                sightings.append(Sighting(rows[same], run.entries.take(at[same])))
                hit[hit] = same
                left = left[~hit]
        return sightings

    def remember(self, stored: Entries) -> None:
        """Add bodies just stored."""
        if not len(stored):
            return
        # Ids are not looked at here: dropping them saves most of the memory.
        ids = np.zeros(len(stored), "S1")
        run = _Run.of(Entries(ids, stored.values, stored.locators, stored.packs))
        with self._lock:
            # Neighbours of like size are joined, so that a search looks at a few runs and not at
            # all; none grows past a quarter of the whole, which is what is forgotten at a time.
            while self._runs and len(run) * 2 > len(self._runs[-1]):
                if len(run) + len(self._runs[-1]) > REMEMBERED_MAX // 4:
                    break
                last = self._runs.pop()
                self._size -= len(last)
                run = _Run.of(Entries.concat([last.entries, run.entries]))
            self._runs.append(run)
            self._size += len(run)
            while self._size > REMEMBERED_MAX and len(self._runs) > 1:
                self._size -= len(self._runs.popleft())


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Bodies in the order of the first 8 bytes of their digests, which are ``heads``."""

    heads: npt.NDArray[np.uint64]
    entries: Entries

    def __len__(self) -> int:
        return len(self.heads)

    @classmethod
    def of(cls, entries: Entries) -> "_Run":
        heads = _heads(entries.values)
        order = np.argsort(heads)
        return cls(heads.take(order), entries.take(order))


def distinct(digests: Values) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first row of each distinct digest, ascending, and for every row its place in those."""
    heads = np.sort(_heads(digests))
    if (heads[1:] != heads[:-1]).all():
        every = np.arange(len(digests))
        return every, every
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


def _heads(digests: Values) -> npt.NDArray[np.uint64]:
    words = np.ascontiguousarray(digests).view(np.uint64).reshape(len(digests), 2)
    return np.ascontiguousarray(words[:, 0])


def _text(digests: Values) -> npt.NDArray[np.bytes_]:
    # Numpy sorts S16 natively, V16 not. All have 16 bytes, so padding is no issue.
    return np.ascontiguousarray(digests).view("S16")
