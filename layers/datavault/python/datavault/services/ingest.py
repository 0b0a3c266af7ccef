"""Ingest: a stream of NDJSON becomes one commit.

The stream is cut into runs of up to 32 MiB, which worker threads take one each: find the ids,
digest every record, look the ids up in the parent's tree, validate and store what is new, sorted
by id, one pack a run. The runs' indexes are merged into the tree, and one transaction moves the
branch. Memory is bounded by the runs in hand, whatever the length of the stream.

What holds: until the transaction nothing is visible, and what was stored is garbage if it never
comes. A record equal to the parent's is neither validated nor stored again. Staged changes stay
staged, on top of the new commit. A bad line refuses the whole ingest, naming the line.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from datavault.domain import ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.digests import DIGEST_BYTES
from datavault.domain.errors import Invalid, TooLarge, VaultError
from datavault.domain.history import Commit, Kept
from datavault.domain.ids import BranchName, CommitId, DatasetId
from datavault.domain.records import (
    RECORD_BYTES_MAX,
    LineProblem,
    LineScan,
    scan_ids,
    validate,
)
from datavault.domain.requests import Request
from datavault.domain.store.columns import DIGEST, Entries, Ids, Values, same_values, stable_order
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.bodies import store_bodies
from datavault.services.branches import finish, open_work
from datavault.services.commits import (
    Authorship,
    build_tree,
    commit_row,
    read_commit,
    write_commit,
)
from datavault.services.datasets import find_dataset
from datavault.services.nodes import open_tree
from datavault.services.repeats import Sighting, StoredBodies, distinct
from datavault.services.staging import Work, read_head

RUN_BYTES = 32 * 1024 * 1024
# A column of ids is as wide as its widest: 128 Ki of them are 64 MiB at the most.
RUN_LINES_MAX = 128 * 1024
# What the scanner takes at a time: in a core's cache, and few enough calls.
PIECE_BYTES = 1024 * 1024
WORKERS = 2
# A line may have white space around its record, within reason.
_LINE_SLACK_BYTES = 1024 * 1024
_KEYLESS_ID = f"S{runs.KEYLESS_ID_BYTES}"


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
        Throttled: other changes to the branch keep coming first.
    """
    require(caller, Action.COMMIT)
    require(caller, Action.APPEND_RECORDS)
    dataset = find_dataset(vault, caller, dataset_id)
    work = open_work(vault, dataset, branch)
    before = earlier_outcome(vault, caller, request)
    if before is not None:
        return _remembered(work, before)
    said = Authorship(caller.subject, message, vault.clock.now_ms())
    parent = _settled_parent(work, caller)
    reading = _Reading(work, parent.commit.root, dataset.record_key)
    try:
        _read_all(reading, chunks, workers)
        if mode is Mode.REPLACE and not reading.records:
            raise Invalid("an empty stream would remove every record of the branch")
        return _publish(reading, parent, said, mode, caller, request)
    finally:
        # What cannot be deleted now is garbage like any other; it must not hide what happened.
        with suppress(VaultError):
            runs.discard(vault, work.keys, reading.runs)


def _settled_parent(work: Work, caller: Caller) -> Kept:
    """The branch's commit once no commit job is pending on it."""
    for _ in attempts(work.vault, "the branch"):
        head = read_head(work)
        if head.pending is None:
            return read_commit(work.vault, work.keys, work.dataset, head.commit)
        finish(work, head.pending, caller)
    raise AssertionError("attempts ends by raising")


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """About 1 MiB of a run: where it is, and what the scanner found."""

    start: int
    end: int
    scan: LineScan


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The records of one run as they came: row ``i`` is ``batch[starts[i]:ends[i]]``."""

    batch: bytes
    first_line: int
    pieces: tuple[_Piece, ...]
    ids: Ids
    digests: Values
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def bodies(self, rows: npt.NDArray[np.intp]) -> list[bytes]:
        """The bodies of some rows."""
        batch = self.batch
        starts, ends = self.starts[rows].tolist(), self.ends[rows].tolist()
        return [batch[start:end] for start, end in zip(starts, ends, strict=True)]


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
        columns = _read_columns(batch, first_line, self.record_key, self.work)
        order = stable_order(columns.ids)
        if self.record_key is not None:
            order = order[_is_last(columns.ids.take(order))]
        ids, digests = columns.ids.take(order), columns.digests.take(order)
        if not len(ids):
            return _Taken(Entries.empty(), 0, 0)
        old = self._in_parent(ids, digests)
        fresh = _all_but(len(ids), old.rows)
        _validate(columns, order[fresh])
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

    def _store(self, columns: _Columns, rows: npt.NDArray[np.intp]) -> Entries:
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
            for batch, breaks in chain.from_iterable(map(_halved, cut_runs(chunks))):
                if len(waiting) == workers:
                    reading.keep(waiting.popleft().result())
                waiting.append(pool.submit(reading.take, batch, first_line))
                first_line += breaks
            while waiting:
                reading.keep(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()


def cut_runs(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Runs of whole lines, of up to about ``RUN_BYTES``, from a stream in pieces of any size."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        start = 0
        while size + len(chunk) - start >= RUN_BYTES:
            # The run ends with the last line that ends within it.
            room = start + RUN_BYTES - size
            end = chunk.rfind(b"\n", start, room) + 1
            if not end:
                end = chunk.find(b"\n", room) + 1
            if not end:
                break
            yield b"".join((*held, memoryview(chunk)[start:end]))
            held, size, start = [], 0, end
        held.append(chunk[start:] if start else chunk)
        size += len(chunk) - start
        if size > RUN_BYTES + RECORD_BYTES_MAX + _LINE_SLACK_BYTES:
            raise TooLarge(
                f"a record has at most {RECORD_BYTES_MAX} bytes; a line has more than"
                f" {size - RUN_BYTES}",
                field="line",
            )
    if size:
        yield b"".join(held)


def _halved(batch: bytes) -> Iterator[tuple[bytes, int]]:
    """The run and its line feeds; or halves of it, and of those, until none has too many."""
    breaks = batch.count(b"\n")
    middle = batch.find(b"\n", len(batch) // 2) + 1
    if breaks <= RUN_LINES_MAX or not middle:
        yield batch, breaks
        return
    yield from _halved(batch[:middle])
    yield from _halved(batch[middle:])


def _read_columns(batch: bytes, first_line: int, record_key: str | None, work: Work) -> _Columns:
    """Phase one for a run: its lines, their ids and digests."""
    pieces = tuple(_scan_pieces(batch, first_line, record_key))
    key = work.keys.ids.record
    starts = np.concatenate([piece.scan.starts + piece.start for piece in pieces])
    ends = np.concatenate([piece.scan.ends + piece.start for piece in pieces])
    digests = [
        blake3(batch[start:end], key=key).digest(DIGEST_BYTES)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    if record_key is None:
        etag = work.keys.ids.etag
        ids = np.array([blake3(digest, key=etag).hexdigest(16) for digest in digests], _KEYLESS_ID)
    else:
        ids = np.concatenate([_ids_of(piece.scan) for piece in pieces])
    return _Columns(
        batch, first_line, pieces, ids, np.frombuffer(b"".join(digests), DIGEST), starts, ends
    )


def _scan_pieces(batch: bytes, first_line: int, record_key: str | None) -> Iterator[_Piece]:
    view = memoryview(batch)
    start = 0
    while start < len(batch) or not start:
        end = batch.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = batch.find(b"\n", start + PIECE_BYTES) + 1 or len(batch)
        scan = scan_ids(view[start:end], record_key=record_key)
        if scan.problems:
            raise _bad_line(batch, first_line, start, scan.problems[0])
        yield _Piece(start, end, scan)
        start = end


def _validate(columns: _Columns, rows: npt.NDArray[np.intp]) -> None:
    """Phase two, for the rows that are to be stored."""
    wanted = np.zeros(len(columns.starts), np.bool_)
    wanted[rows] = True
    view = memoryview(columns.batch)
    at = 0
    for piece in columns.pieces:
        mine = wanted[at : at + len(piece.scan.starts)]
        at += len(piece.scan.starts)
        if mine.any():
            problems = validate(view[piece.start : piece.end], piece.scan, wanted=mine)
            if problems:
                raise _bad_line(columns.batch, columns.first_line, piece.start, problems[0])


def _bad_line(batch: bytes, first_line: int, start: int, problem: LineProblem) -> VaultError:
    """The problem of a piece that begins at ``start``, with its line's number in the stream."""
    line = first_line + batch.count(b"\n", 0, start) + problem.line
    return type(problem.error)(f"line {line}: {problem.error}", field=f"line {line}")


def _ids_of(scan: LineScan) -> Ids:
    assert scan.ids is not None, "a scan with a record key has ids"
    return scan.ids


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
    parent: Kept,
    said: Authorship,
    mode: Mode,
    caller: Caller,
    request: Request | None,
) -> Ingested:
    """Make the commit on the branch's head, and move the branch; again if it was moved."""
    work = reading.work
    vault, keys, dataset = work.vault, work.keys, work.dataset
    for token in attempts(vault, "the branch"):
        changes = runs.merged(vault, keys, reading.runs, keyless=reading.record_key is None)
        if mode is Mode.REPLACE:
            before = open_tree(vault, keys).scan(parent.commit.root)
            changes = runs.replacing(before, changes)
        built = build_tree(vault, keys, parent.commit, changes)
        now_ms = vault.clock.now_ms()
        if built.root.address == parent.commit.root.address:
            if _remember_nothing_changed(reading, parent.commit, caller, request, token):
                return Ingested(parent.commit, reading.records, reading.stored)
            parent = _settled_parent(work, caller)
            continue
        commit = write_commit(vault, keys, parent.commit, built, said)
        entry = ledger.entry(
            caller,
            Action.COMMIT,
            "ingest_lines",
            dataset.id,
            now_ms,
            branch=work.branch,
            commit=commit.id,
            records=reading.records,
        )
        moved = [
            *refs.move(work.branch, source=parent.commit.id, target=commit.id, pending=None),
            commit_row(keys, dataset, commit, trail=parent.trail_of_child()),
            *remember(vault, caller, request, _outcome(reading, commit), now_ms),
            entry,
        ]
        if attempt(vault, moved, token):
            return Ingested(commit, reading.records, reading.stored)
        done = earlier_outcome(vault, caller, request)
        if done is not None:
            return _remembered(work, done)
        parent = _settled_parent(work, caller)
    raise AssertionError("attempts ends by raising")


def _remember_nothing_changed(
    reading: _Reading, commit: Commit, caller: Caller, request: Request | None, token: str
) -> bool:
    """Let a repeated request find that it changed nothing; whether the branch is still there."""
    if request is None:
        return True
    vault = reading.work.vault
    remembered = remember(vault, caller, request, _outcome(reading, commit), vault.clock.now_ms())
    return attempt(vault, [*refs.still(reading.work.branch, commit.id), *remembered], token)


def _outcome(reading: _Reading, commit: Commit) -> str:
    return f"{commit.id} {reading.records} {reading.stored}"


def _remembered(work: Work, outcome: str) -> Ingested:
    commit, records, stored = outcome.split()
    kept = read_commit(work.vault, work.keys, work.dataset, CommitId(commit))
    return Ingested(kept.commit, int(records), int(stored))
