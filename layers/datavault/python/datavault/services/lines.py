"""Lines: a stream of NDJSON cut into runs, and the records of a run as columns.

A run is read in two phases (``domain.records``): ``read_columns`` finds lines, ids and digests,
``validate_rows`` then looks closely at the records that are to be stored. The first bad line of a
run is an error that names its number in the whole stream.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from datavault.domain.digests import IdKeys, record_digests, record_etag
from datavault.domain.errors import TooLarge, VaultError
from datavault.domain.records import (
    RECORD_BYTES_MAX,
    LineProblem,
    LineScan,
    scan_ids,
    validate,
)
from datavault.domain.store.columns import DIGEST, Ids, Values
from datavault.services.runs import KEYLESS_ID_BYTES

# Three of them are in memory at a time, and what is made of them; a pack of one has 8 MB or more.
RUN_BYTES = 24 * 1024 * 1024
# A column of ids is as wide as its widest: 128 Ki of them are 64 MiB at the most.
RUN_LINES_MAX = 128 * 1024
# What the scanner takes at a time: in a core's cache, and few enough calls.
PIECE_BYTES = 1024 * 1024
# A line may have white space around its record, within reason.
_LINE_SLACK_BYTES = 1024 * 1024
_KEYLESS_ID = f"S{KEYLESS_ID_BYTES}"


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """About 1 MiB of a run: where it is, and what the scanner found."""

    start: int
    end: int
    scan: LineScan


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
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


def cut_lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Runs of whole lines from a stream in pieces of any size, each with its line feeds.

    A run has about ``RUN_BYTES`` at the most, and about ``RUN_LINES_MAX`` lines.
    """
    return chain.from_iterable(map(_halved, cut_runs(chunks)))


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
            # Of bytes alone, join copies without the interpreter's lock.
            yield b"".join((*held, chunk[start:end]))
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
    breaks = _line_feeds(batch)
    middle = batch.find(b"\n", len(batch) // 2) + 1
    if breaks <= RUN_LINES_MAX or not middle:
        yield batch, breaks
        return
    yield from _halved(batch[:middle])
    yield from _halved(batch[middle:])


def _line_feeds(batch: bytes) -> int:
    # Numpy counts three times as fast as ``bytes.count``, and without the interpreter's lock.
    text = np.frombuffer(batch, np.uint8)
    parts = (text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES))
    return sum(int(np.count_nonzero(part == ord("\n"))) for part in parts)


def read_columns(batch: bytes, first_line: int, record_key: str | None, keys: IdKeys) -> Columns:
    """Phase one for a run: its lines, their ids and digests."""
    pieces = tuple(_scan_pieces(batch, first_line, record_key))
    starts = np.concatenate([piece.scan.starts + piece.start for piece in pieces])
    ends = np.concatenate([piece.scan.ends + piece.start for piece in pieces])
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    view = memoryview(batch)
    digests = record_digests((view[start:end] for start, end in spans), keys.record)
    values = np.frombuffer(digests, DIGEST)
    if record_key is None:
        etags = [record_etag(digest, keys.etag) for digest in values.tolist()]
        ids = np.array(etags, _KEYLESS_ID)
    else:
        ids = np.concatenate([_ids_of(piece.scan) for piece in pieces])
    return Columns(batch, first_line, pieces, ids, values, starts, ends)


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


def validate_rows(columns: Columns, rows: npt.NDArray[np.intp]) -> None:
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
