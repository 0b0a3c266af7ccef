"""Lines: the records of a batch of NDJSON lines as columns.

A batch is read in two phases (``domain.records``): ``read_columns`` finds lines, ids and digests,
``validate_rows`` then looks closely at the records that are to be stored, and ``check_rows`` holds
them against their dataset's schema. All say which lines are no records that may be stored, and
where those are in the batch; what becomes of them is the caller's business.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from datavault.domain.digests import IdKeys, record_digests, record_etags
from datavault.domain.errors import VaultError
from datavault.domain.records import LineProblem, LineScan, scan_ids, validate
from datavault.domain.store.columns import DIGEST, Ids, Values
from datavault.schema_ports import RecordChecker
from datavault.services.runs import KEYLESS_ID_BYTES

# What the scanner takes at a time: few enough calls, and not much memory for what is made of it.
PIECE_BYTES = 2 * 1024 * 1024
_KEYLESS_ID = f"S{KEYLESS_ID_BYTES}"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a batch, counted from 0, that is no record; its bytes from ``start`` to ``end``."""

    line: int
    start: int
    end: int
    error: VaultError


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """About 2 MiB of a batch: where it is, and what the scanner found."""

    start: int
    end: int
    scan: LineScan


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The records of one batch as they came: row ``i`` is ``batch[starts[i]:ends[i]]``.

    ``bad`` are the lines that have no acceptable id, and are no rows.
    """

    batch: bytes
    pieces: tuple[_Piece, ...]
    ids: Ids
    digests: Values
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    bad: tuple[BadLine, ...]

    def bodies(self, rows: npt.NDArray[np.intp]) -> list[bytes]:
        """The bodies of some rows."""
        batch = self.batch
        starts, ends = self.starts[rows].tolist(), self.ends[rows].tolist()
        return [batch[start:end] for start, end in zip(starts, ends, strict=True)]

    def views(self, rows: npt.NDArray[np.intp]) -> Callable[[int, int], list[memoryview]]:
        """What gives the bodies of some of these rows, from the first to before the last asked
        for, without a copy."""
        view = memoryview(self.batch)
        starts, ends = self.starts[rows].tolist(), self.ends[rows].tolist()

        def some(first: int, last: int) -> list[memoryview]:
            spans = zip(starts[first:last], ends[first:last], strict=True)
            return [view[start:end] for start, end in spans]

        return some

    def without(self, rows: Collection[int]) -> "Columns":
        """The same without some rows."""
        kept = np.ones(len(self.starts), np.bool_)
        kept[list(rows)] = False
        pieces = []
        first = 0
        for piece in self.pieces:
            scan = piece.scan
            mine = kept[first : first + len(scan.starts)]
            first += len(scan.starts)
            less = replace(
                scan,
                lines=scan.lines[mine],
                starts=scan.starts[mine],
                ends=scan.ends[mine],
                ids=None if scan.ids is None else scan.ids[mine],
            )
            pieces.append(replace(piece, scan=less))
        return Columns(
            self.batch,
            tuple(pieces),
            self.ids[kept],
            self.digests[kept],
            self.starts[kept],
            self.ends[kept],
            self.bad,
        )


def read_columns(batch: bytes, record_key: str | None, keys: IdKeys) -> Columns:
    """Phase one for a batch: its lines, their ids and digests, and the lines that have no id."""
    pieces = tuple(_scan_pieces(batch, record_key))
    starts = np.concatenate([piece.scan.starts + piece.start for piece in pieces])
    ends = np.concatenate([piece.scan.ends + piece.start for piece in pieces])
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    view = memoryview(batch)
    digests = record_digests((view[start:end] for start, end in spans), keys.record)
    values = np.frombuffer(digests, DIGEST)
    if record_key is None:
        etags = record_etags(values.tolist(), keys.etag)
        ids = np.array(etags, _KEYLESS_ID)
    else:
        ids = np.concatenate([_ids_of(piece.scan) for piece in pieces])
    bad = tuple(
        _bad_line(batch, piece.start, problem)
        for piece in pieces
        for problem in piece.scan.problems
    )
    return Columns(batch, pieces, ids, values, starts, ends, bad)


def _scan_pieces(batch: bytes, record_key: str | None) -> Iterator[_Piece]:
    view = memoryview(batch)
    start = 0
    while start < len(batch) or not start:
        end = batch.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = batch.find(b"\n", start + PIECE_BYTES) + 1 or len(batch)
        yield _Piece(start, end, scan_ids(view[start:end], record_key=record_key))
        start = end


def validate_rows(columns: Columns, rows: npt.NDArray[np.intp]) -> dict[int, BadLine]:
    """Phase two, for the rows that are to be stored: those that are no records, by row."""
    view = memoryview(columns.batch)
    bad: dict[int, BadLine] = {}
    for first, piece, mine in _wanted(columns, rows):
        scan = piece.scan
        for problem in validate(view[piece.start : piece.end], scan, wanted=mine):
            row = first + int(np.searchsorted(scan.lines, problem.line))
            bad[row] = _bad_line(columns.batch, piece.start, problem)
    return bad


def check_rows(
    columns: Columns, rows: npt.NDArray[np.intp], checker: RecordChecker
) -> dict[int, BadLine]:
    """The rows, which are valid records, that do not match a schema."""
    bad: dict[int, BadLine] = {}
    for first, piece, mine in _wanted(columns, rows):
        scan, within = piece.scan, np.flatnonzero(mine)
        for index, mismatch in checker.mismatches(columns.bodies(first + within)).items():
            at = int(within[index])
            error = mismatch.error("record")
            problem = LineProblem(int(scan.lines[at]), int(scan.starts[at]), error)
            bad[first + at] = _bad_line(columns.batch, piece.start, problem)
    return bad


def _wanted(
    columns: Columns, rows: npt.NDArray[np.intp]
) -> Iterator[tuple[int, _Piece, npt.NDArray[np.bool_]]]:
    """The pieces that have some of the rows: the first row of each, and which of its are wanted."""
    wanted = np.zeros(len(columns.starts), np.bool_)
    wanted[rows] = True
    first = 0
    for piece in columns.pieces:
        mine = wanted[first : first + len(piece.scan.starts)]
        if mine.any():
            yield first, piece, mine
        first += len(piece.scan.starts)


def _bad_line(batch: bytes, start: int, problem: LineProblem) -> BadLine:
    """The problem of a piece that begins at ``start``, with its line's number in the batch."""
    first = start + problem.offset
    line = batch.count(b"\n", 0, start) + problem.line
    end = batch.find(b"\n", first)
    return BadLine(line, first, len(batch) if end < 0 else end, problem.error)


def _ids_of(scan: LineScan) -> Ids:
    assert scan.ids is not None, "a scan with a record key has ids"
    return scan.ids
