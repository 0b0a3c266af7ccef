"""Reading: batches of lines become stored bodies and sorted runs of entries.

For each batch, in any thread: find the ids, digest every record, look the ids up in the parent's
tree, validate and store what is new, sorted by id, one pack a batch. A record equal to the
parent's is neither validated nor stored again, nor held against a schema. A line that is no record,
or does not match the schema, is refused, and the others are taken as if it were not there; also a
line of which a later one has the id, so that what is refused does not depend on where a batch ends.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from datavault.domain.errors import Conflict, VaultError
from datavault.domain.formats.batch import KEPT_BYTES_MAX, Batch, Refuse, Refused
from datavault.domain.papers import Mode
from datavault.domain.store.columns import Entries, Ids, Values, same_values, stable_order
from datavault.domain.store.node import Pointer
from datavault.schema_ports import RecordChecker
from datavault.services import runs
from datavault.services.bodies import store_bodies
from datavault.services.lines import BadLine, Columns, check_rows, read_columns, validate_rows
from datavault.services.nodes import open_tree
from datavault.services.repeats import Sighting, StoredBodies, distinct
from datavault.services.staging import Work

WORKERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A batch's index, how many records it had, how many bodies were stored for it, and what of it
    is refused."""

    entries: Entries
    records: int
    stored: int
    refused: "_BadLines"


class Reading:
    """The runs of one ingest: taken by several threads, kept in the order of the stream."""

    def __init__(self, work: Work, root: Pointer, checker: RecordChecker | None) -> None:
        """``root`` is the parent's tree; bodies that it has are not stored again. With a
        ``checker`` those that are must match."""
        self.work = work
        self.root = root
        self.record_key = work.dataset.record_key
        self.checker = checker
        self.runs: list[runs.Run] = []
        self.records = 0
        self.stored = 0
        self._held_bytes = 0
        self._repeats = StoredBodies()

    def read(self, batches: Iterable[Batch], refuse: Refuse, *, workers: int = WORKERS) -> None:
        """Take every batch, ``workers`` at a time, and keep their runs in order.

        ``refuse`` is called here, batch by batch and in each by line, so that whoever reads the
        same again refuses in the same order; what it raises ends the reading.
        """
        waiting: deque[Future[Taken]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="ingest") as pool:
            try:
                for batch in batches:
                    if len(waiting) == workers:
                        self._keep(waiting.popleft().result(), refuse)
                    waiting.append(pool.submit(self._take, batch))
                while waiting:
                    self._keep(waiting.popleft().result(), refuse)
            finally:
                for future in waiting:
                    future.cancel()

    def discard(self) -> None:
        """Delete the stored runs, when the tree has them or nobody wants them."""
        runs.discard(self.work.vault, self.work.keys, self.runs)

    def _take(self, batch: Batch) -> Taken:
        columns = read_columns(batch.text, self.record_key, self.work.keys.ids)
        all_bad = [*columns.bad]
        while True:
            order = stable_order(columns.ids)
            superseded = order[:0]
            if self.record_key is not None:
                last = _is_last(columns.ids.take(order))
                order, superseded = order[last], order[~last]
            ids, digests = columns.ids.take(order), columns.digests.take(order)
            if not len(ids):
                return Taken(Entries.empty(), 0, 0, _BadLines.of(batch, all_bad))
            old = self._in_parent(ids, digests)
            fresh = _all_but(len(ids), old.rows)
            bad_rows = self._bad_rows(columns, np.concatenate([order[fresh], superseded]))
            if not bad_rows:
                break
            all_bad += bad_rows.values()
            # Without them, an earlier record may be the last of its id.
            columns = columns.without(list(bad_rows))
        first, place = distinct(digests.take(fresh))
        seen = self._repeats.find(digests.take(fresh[first]))
        new = _all_but(len(first), *(known.rows for known in seen))
        stored = self._store(columns, order[fresh[first[new]]])
        self._repeats.remember(stored)
        # Locators of the distinct fresh bodies, then of every fresh record, then of all.
        bodies = _woven([*seen, Sighting(new, stored)])
        placed = _woven([old, Sighting(fresh, bodies.take(place))])
        entries = Entries(ids, digests, placed.locators, placed.packs)
        if self.record_key is None:
            entries = runs.numbered(entries)
        bad = _BadLines.of(batch, all_bad)
        return Taken(entries, len(columns.ids), len(new), bad)

    def _keep(self, taken: Taken, refuse: Refuse) -> None:
        taken.refused.pass_to(refuse)
        self.records += taken.records
        self.stored += taken.stored
        if self._held_bytes + taken.entries.nbytes <= runs.HELD_BYTES_MAX:
            self._held_bytes += taken.entries.nbytes
            self.runs.append(runs.hold(taken.entries))
        else:
            self.runs.append(runs.store(self.work.vault, self.work.keys, [taken.entries]))

    def _in_parent(self, ids: Ids, digests: Values) -> Sighting:
        """The rows whose id and digest the parent has: they are not stored again."""
        tree = open_tree(self.work.vault, self.work.keys)
        first = np.ones(len(ids), np.bool_)
        first[1:] = ids[1:] != ids[:-1]
        # Keyless records that are equal share an id until the merge numbers them.
        which = np.cumsum(first) - 1
        before = tree.get_many(self.root, ids[first])
        same = before.found[which] & same_values(before.digests.take(which), digests)
        rows = np.flatnonzero(same)
        locators = before.locators.take(which[rows])
        return Sighting(rows, Entries(ids[rows], digests[rows], locators, before.packs))

    def _bad_rows(self, columns: Columns, rows: npt.NDArray[np.intp]) -> dict[int, BadLine]:
        """Rows that are no records or, where all are, do not match the schema."""
        bad = validate_rows(columns, rows)
        return check_rows(columns, rows, self.checker) if self.checker and not bad else bad

    def _store(self, columns: Columns, rows: npt.NDArray[np.intp]) -> Entries:
        """Store the bodies of some rows, in that order."""
        lengths = (columns.ends[rows] - columns.starts[rows]).astype(np.uint32)
        locators, packs = store_bodies(
            self.work.vault, self.work.keys, lengths, columns.views(rows)
        )
        return Entries(columns.ids[rows], columns.digests[rows], locators, packs)


def refuse_all(refused: Refused) -> None:
    """Refuse the whole for one record: the ``Refuse`` of who wants all or nothing."""
    where = f"line {refused.place.line}"
    error: VaultError = type(refused.error)(f"{where}: {refused.error}", field=where)
    raise error


def require_mode(mode: Mode, *, changed: int) -> None:
    """Refuse a version that changes records where the mode is to add only."""
    if mode is Mode.APPEND_ONLY and changed:
        raise Conflict(
            f"{changed} records are on the branch with other contents, and the mode is to add only"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _BadLines:
    """Lines of a batch that are no records, in order; with none, the batch is not held."""

    batch: Batch | None
    lines: list[BadLine]

    @classmethod
    def of(cls, batch: Batch, lines: list[BadLine]) -> "_BadLines":
        lines.sort(key=lambda bad: bad.line)
        return cls(batch if lines else None, lines)

    def pass_to(self, refuse: Refuse) -> None:
        if self.batch is not None:
            for bad in self.lines:
                refuse(_refused(self.batch, bad))


def _refused(batch: Batch, bad: BadLine) -> Refused:
    raw = batch.text[bad.start : bad.end]
    return Refused(batch.origin.place(bad.line), bad.error, raw[:KEPT_BYTES_MAX], len(raw))


def _is_last(ids: Ids) -> npt.NDArray[np.bool_]:
    last = np.ones(len(ids), np.bool_)
    last[:-1] = ids[1:] != ids[:-1]
    return last


def _all_but(count: int, *rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The rows from 0 to before ``count`` that are in none of ``rows``."""
    left = np.ones(count, np.bool_)
    for some in rows:
        left[some] = False
    return np.flatnonzero(left)


def _woven(sightings: Sequence[Sighting]) -> Entries:
    """The entries of all sightings in the order of their rows, which together are all rows."""
    entries = Entries.concat([known.entries for known in sightings])
    return entries.take(np.argsort(np.concatenate([known.rows for known in sightings])))
