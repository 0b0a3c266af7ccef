"""Ingest: a stream of NDJSON becomes one commit.

The stream is cut into runs of up to 24 MiB, which worker threads take one each: find the ids,
digest every record, look the ids up in the parent's tree, validate and store what is new, sorted
by id, one pack a run. The runs' indexes are merged into the tree, and one transaction moves the
branch. Memory is bounded by the runs in hand, whatever the length of the stream.

What holds: until the transaction nothing is visible, and what was stored is garbage if it never
comes. A record equal to the parent's is neither validated nor stored again. Staged changes stay
staged, on top of the new commit. A bad line refuses the whole ingest, naming the line.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from datavault.domain import ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import still_active
from datavault.domain.errors import Invalid, VaultError
from datavault.domain.history import Commit, Kept
from datavault.domain.ids import BranchName, CommitId, DatasetId
from datavault.domain.reflog import Why
from datavault.domain.requests import Request
from datavault.domain.store.columns import Entries, Ids, Values, same_values, stable_order
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.bodies import store_bodies
from datavault.services.datasets import find_writable_dataset
from datavault.services.history import (
    Authorship,
    build_tree,
    commit_row,
    read_commit,
    write_commit,
)
from datavault.services.lines import Columns, cut_lines, read_columns, validate_rows
from datavault.services.nodes import open_tree
from datavault.services.refs import finish, open_work
from datavault.services.repeats import Sighting, StoredBodies, distinct
from datavault.services.staging import Work, read_head

WORKERS = 2


class Mode(StrEnum):
    """What becomes of the branch's records that the stream does not have."""

    UPSERT = "upsert"
    """They stay."""
    REPLACE = "replace"
    """They go: the new version is the stream."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of an ingest: its commit, the records read, and those whose bodies were stored."""

    commit: Commit
    records: int
    stored: int


def ingest_lines(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    chunks: Iterable[bytes],
    message: str,
    mode: Mode = Mode.UPSERT,
    request: Request | None = None,
    workers: int = WORKERS,
) -> Ingested:
    """Put every record of an NDJSON stream on a branch, as one commit.

    ``chunks`` is the stream in pieces of any size. Of lines with the same id the last counts.
    Without a ``record_key``, a record's id comes of its content and a number among equals, so
    that the same stream again changes nothing. What changes nothing makes no commit: the answer
    is then the commit that the branch is at.

    Raises:
        Malformed, Invalid, TooLarge: a line, named by its number from 1, is no record.
        Invalid: an empty stream would replace everything.
        Conflict: the branch is protected.
        Throttled: other changes to the branch keep coming first.
    """
    require(caller, Action.COMMIT)
    require(caller, Action.APPEND_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    work = open_work(vault, dataset, branch)
    before = earlier_outcome(vault, caller, request)
    if before is not None:
        return _remembered(work, before)
    said = Authorship(caller.subject, message, vault.clock.now_ms())
    start = _settled(work, caller)
    reading = _Reading(work, start.parent.commit.root, dataset.record_key)
    try:
        _read_all(reading, chunks, workers)
        if mode is Mode.REPLACE and not reading.records:
            raise Invalid("an empty stream would remove every record of the branch")
        return _publish(reading, start, said, mode, caller, request)
    finally:
        # What cannot be deleted now is garbage like any other; it must not hide what happened.
        with suppress(VaultError):
            runs.discard(vault, work.keys, reading.runs)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a branch is, nothing being pending on it."""

    head: refs.Head
    parent: Kept


def _settled(work: Work, caller: Caller) -> _Start:
    """Where the branch is, once no commit job is pending on it."""
    for _ in attempts(work.vault, "the branch"):
        head = read_head(work)
        if head.pending is None:
            refs.require_unprotected(head)
            return _Start(head, read_commit(work.vault, work.keys, work.dataset, head.commit))
        finish(work, head.pending, caller)
    raise AssertionError("attempts ends by raising")


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """A run's index, how many records it had, and how many bodies were stored for it."""

    entries: Entries
    records: int
    stored: int


class _Reading:
    """The runs of one ingest: taken by several threads, kept in the order of the stream."""

    def __init__(self, work: Work, root: Pointer, record_key: str | None) -> None:
        self.work = work
        self.root = root
        self.record_key = record_key
        self.runs: list[runs.Run] = []
        self.records = 0
        self.stored = 0
        self._held_bytes = 0
        self._repeats = StoredBodies()

    def take(self, batch: bytes, first_line: int) -> _Taken:
        """Find the records of one run and store what is new; any thread, a run each."""
        columns = read_columns(batch, first_line, self.record_key, self.work.keys.ids)
        order = stable_order(columns.ids)
        if self.record_key is not None:
            order = order[_is_last(columns.ids.take(order))]
        ids, digests = columns.ids.take(order), columns.digests.take(order)
        if not len(ids):
            return _Taken(Entries.empty(), 0, 0)
        old = self._in_parent(ids, digests)
        fresh = _all_but(len(ids), old.rows)
        validate_rows(columns, order[fresh])
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
        return _Taken(entries, len(columns.ids), len(new))

    def keep(self, taken: _Taken) -> None:
        """Add a run, in the order of the stream; one thread."""
        self.records += taken.records
        self.stored += taken.stored
        if self._held_bytes + taken.entries.nbytes <= runs.HELD_BYTES_MAX:
            self._held_bytes += taken.entries.nbytes
            self.runs.append(runs.hold(taken.entries))
        else:
            self.runs.append(runs.store(self.work.vault, self.work.keys, taken.entries))

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

    def _store(self, columns: Columns, rows: npt.NDArray[np.intp]) -> Entries:
        """Store the bodies of some rows, in that order."""
        lengths = (columns.ends[rows] - columns.starts[rows]).astype(np.uint32)
        locators, packs = store_bodies(
            self.work.vault,
            self.work.keys,
            lengths,
            lambda first, last: columns.bodies(rows[first:last]),
        )
        return Entries(columns.ids[rows], columns.digests[rows], locators, packs)


def _read_all(reading: _Reading, chunks: Iterable[bytes], workers: int) -> None:
    """Take every run of the stream, ``workers`` at a time, and keep them in order."""
    waiting: deque[Future[_Taken]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ingest") as pool:
        try:
            first_line = 1
            for batch, breaks in cut_lines(chunks):
                if len(waiting) == workers:
                    reading.keep(waiting.popleft().result())
                waiting.append(pool.submit(reading.take, batch, first_line))
                first_line += breaks
            while waiting:
                reading.keep(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()


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


def _publish(
    reading: _Reading,
    start: _Start,
    said: Authorship,
    mode: Mode,
    caller: Caller,
    request: Request | None,
) -> Ingested:
    """Make the commit on the branch's head, and move the branch; again if it was moved."""
    work = reading.work
    vault, keys, dataset = work.vault, work.keys, work.dataset
    for token in attempts(vault, "the branch"):
        parent = start.parent
        changes = runs.merged(vault, keys, reading.runs, keyless=reading.record_key is None)
        if mode is Mode.REPLACE:
            before = open_tree(vault, keys).scan(parent.commit.root)
            changes = runs.replacing(before, changes)
        built = build_tree(vault, keys, parent.commit, changes)
        now_ms = vault.clock.now_ms()
        if built.root.address == parent.commit.root.address:
            if _remember_nothing_changed(reading, start, caller, request, token):
                return Ingested(parent.commit, reading.records, reading.stored)
            start = _settled(work, caller)
            continue
        commit = write_commit(vault, keys, parent.commit, built, said)
        why = Why("ingest_lines", caller.subject, now_ms)
        entry = ledger.entry(
            caller,
            Action.COMMIT,
            why.operation,
            dataset.id,
            now_ms,
            branch=work.branch,
            commit=commit.id,
            records=reading.records,
        )
        moved = [
            still_active(dataset, token),
            *refs.move(work.named, start.head, commit.id, why),
            commit_row(keys, dataset, commit, trail=parent.trail_of_child()),
            *remember(vault, caller, request, _outcome(reading, commit), now_ms),
            entry,
        ]
        if attempt(vault, moved, token):
            return Ingested(commit, reading.records, reading.stored)
        done = earlier_outcome(vault, caller, request)
        if done is not None:
            return _remembered(work, done)
        start = _settled(work, caller)
    raise AssertionError("attempts ends by raising")


def _remember_nothing_changed(
    reading: _Reading, start: _Start, caller: Caller, request: Request | None, token: str
) -> bool:
    """Let a repeated request find that it changed nothing; whether the branch is still there."""
    if request is None:
        return True
    vault = reading.work.vault
    outcome = _outcome(reading, start.parent.commit)
    remembered = remember(vault, caller, request, outcome, vault.clock.now_ms())
    held = [
        still_active(reading.work.dataset, token),
        *refs.still(reading.work.branch, start.head),
    ]
    return attempt(vault, [*held, *remembered], token)


def _outcome(reading: _Reading, commit: Commit) -> str:
    return f"{commit.id} {reading.records} {reading.stored}"


def _remembered(work: Work, outcome: str) -> Ingested:
    commit, records, stored = outcome.split()
    kept = read_commit(work.vault, work.keys, work.dataset, CommitId(commit))
    return Ingested(kept.commit, int(records), int(stored))
