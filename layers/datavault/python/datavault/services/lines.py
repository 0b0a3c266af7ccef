"""Lines: the records of a batch of NDJSON lines as columns.

A batch is read in two phases (``domain.records``): ``read_columns`` finds lines, ids and digests,
``validate_rows`` then looks closely at the records that are to be stored, and ``check_rows`` holds
them against their dataset's schema. All say which lines are no records that may be stored, and
where those are in the batch; what becomes of them is the caller's business.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from datavault.domain.digests import IdKeys, record_digests, record_etags
from datavault.domain.errors import VaultError
from datavault.domain.records import LineScan, scan_ids, validate
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
class Columns:
    """The records of one batch as they came: row ``i`` is ``batch[starts[i]:ends[i]]``.

    ``bad`` are the lines that have no acceptable id, and are no rows.
    """

    batch: bytes
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
        return Columns(
            self.batch,
            self.ids[kept],
            self.digests[kept],
            self.starts[kept],
            self.ends[kept],
            self.bad,
        )


def read_columns(batch: bytes, record_key: str | None, keys: IdKeys) -> Columns:
    """Phase one for a batch: its lines, their ids and digests, and the lines that have no id."""
    scans = tuple(_scan_pieces(batch, record_key))
    starts = np.concatenate([scan.starts + start for start, scan in scans])
    ends = np.concatenate([scan.ends + start for start, scan in scans])
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    view = memoryview(batch)
    digests = record_digests((view[start:end] for start, end in spans), keys.record)
    values = np.frombuffer(digests, DIGEST)
    if record_key is None:
        etags = record_etags(values.tolist(), keys.etag)
        ids = np.array(etags, _KEYLESS_ID)
    else:
        ids = np.concatenate([_ids_of(scan) for _, scan in scans])
    problems = (
        (start + problem.offset, problem.error)
        for start, scan in scans
        for problem in scan.problems
    )
    return Columns(batch, ids, values, starts, ends, tuple(_bad_lines(batch, problems)))


def _scan_pieces(batch: bytes, record_key: str | None) -> Iterator[tuple[int, LineScan]]:
    """Where each piece of a batch begins, and what the scanner found in it; one at least."""
    view = memoryview(batch)
    start = 0
    while True:
        end = batch.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = batch.find(b"\n", start + PIECE_BYTES) + 1 or len(batch)
        yield start, scan_ids(view[start:end], record_key=record_key)
        if end == len(batch):
            return
        start = end


def validate_rows(columns: Columns, rows: npt.NDArray[np.intp]) -> dict[int, BadLine]:
    """Phase two, for the rows that are to be stored: those that are no records, by row."""
    view = memoryview(columns.batch)
    bad: dict[int, VaultError] = {}
    for some in _portions(columns, rows):
        start = int(columns.starts[some[0]])
        starts, ends = columns.starts[some] - start, columns.ends[some] - start
        # Of a problem the line is then the row.
        scan = LineScan(some, starts, ends, None, ())
        problems = validate(view[start : start + int(ends[-1])], scan)
        bad |= {problem.line: problem.error for problem in problems}
    return _bad_rows(columns, bad)


def check_rows(
    columns: Columns, rows: npt.NDArray[np.intp], checker: RecordChecker
) -> dict[int, BadLine]:
    """The rows, which are valid records, that do not match a schema."""
    bad: dict[int, VaultError] = {}
    for some in _portions(columns, rows):
        mismatches = checker.mismatches(columns.bodies(some))
        bad |= {int(some[at]): mismatch.error("record") for at, mismatch in mismatches.items()}
    return _bad_rows(columns, bad)


def _portions(columns: Columns, rows: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    """The rows in order, as many at a time as have about ``PIECE_BYTES``.

    A piece of the batch may have few of them, if most are stored already.
    """
    rows = np.sort(rows)
    ends = np.cumsum(columns.ends[rows] - columns.starts[rows])
    first = before = 0
    while first < len(rows):
        last = max(first + 1, int(ends.searchsorted(before + PIECE_BYTES, side="right")))
        yield rows[first:last]
        first, before = last, int(ends[last - 1])


def _bad_rows(columns: Columns, bad: dict[int, VaultError]) -> dict[int, BadLine]:
    rows = sorted(bad)
    problems = ((int(columns.starts[row]), bad[row]) for row in rows)
    return dict(zip(rows, _bad_lines(columns.batch, problems), strict=True))


def _bad_lines(batch: bytes, problems: Iterable[tuple[int, VaultError]]) -> Iterator[BadLine]:
    """The lines of problems, of which each has its place in the batch, in ascending order."""
    line = counted = 0
    for start, error in problems:
        line += batch.count(b"\n", counted, start)
        counted = start
        end = batch.find(b"\n", start)
        yield BadLine(line, start, len(batch) if end < 0 else end, error)


def _ids_of(scan: LineScan) -> Ids:
    assert scan.ids is not None, "a scan with a record key has ids"
    return scan.ids
