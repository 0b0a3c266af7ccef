"""What every format is turned into: batches of NDJSON lines that know where they are from.

A batch has about ``BATCH_BYTES`` and ``BATCH_LINES_MAX`` lines at the most, so that memory is
bounded whatever the file. A record that cannot be made a line is *refused*: it is left out, and
said where it is and why; refusing is the caller's business, who may count, keep or give up. A
batch does not promise records: a line may be blank, or no JSON, as it was in the file.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import TooLarge, VaultError
from datavault.domain.records import RECORD_BYTES_MAX

BATCH_BYTES = 24 * 1024 * 1024
# Of short records a batch is smaller: what is known of each takes as much memory as its text.
BATCH_LINES_MAX = 32 * 1024
# Of a refused record so much is kept, to be looked at and mended; a longer one was no record.
KEPT_BYTES_MAX = RECORD_BYTES_MAX + 64 * 1024

type Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins in its file, after decompression.

    ``line`` counts from 1, ``offset`` is in bytes from 0; of a text that is not UTF-8, in bytes
    of the same text as UTF-8. In a table of columns, which has neither, ``line`` is the row and
    ``offset`` is 0. ``file`` is its number, where a batch has lines of several.
    """

    line: int
    offset: int
    file: int = 0


START = Place(1, 0)


class Origin(Protocol):
    """Where the lines of a batch are from."""

    def place(self, line: int) -> Place:
        """The place of a line of the batch, counted from 0, blank ones included."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Whole lines, each a record to be checked, and their origin.

    ``lines`` counts them, whether the last one ends with a line feed or not.
    """

    text: bytes
    lines: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Refused:
    """A record left out. ``raw`` are its bytes as they stand in the file, or their beginning:
    ``KEPT_BYTES_MAX`` at the most, of ``size``."""

    place: Place
    error: VaultError
    raw: bytes
    size: int


type Refuse = Callable[[Refused], None]
type Batches = Iterator[Batch]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """The origin of lines that were written anew, each with its place written down."""

    lines: Int64s
    offsets: Int64s

    def place(self, line: int) -> Place:
        return Place(int(self.lines[line]), int(self.offsets[line]))


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Lines written anew, each with its line feed, and where each is from."""

    text: bytes
    lines: Int64s
    offsets: Int64s


def gathered(parts: Iterable[Written]) -> Batches:
    """The same lines in batches as large as they may be.

    Parts are written behind each other as they come, so that a batch is not there twice.
    """
    text = BytesIO()
    lines: list[Int64s] = []
    offsets: list[Int64s] = []
    size = count = 0
    for part in parts:
        if count and (
            size + len(part.text) > BATCH_BYTES or count + len(part.lines) > BATCH_LINES_MAX
        ):
            yield Batch(text.getvalue(), count, _listed(lines, offsets))
            text = BytesIO()
            size = count = 0
        text.write(part.text)
        lines.append(part.lines)
        offsets.append(part.offsets)
        size += len(part.text)
        count += len(part.lines)
    if count:
        yield Batch(text.getvalue(), count, _listed(lines, offsets))


def _listed(lines: list[Int64s], offsets: list[Int64s]) -> Listed:
    """The places that were written down; the lists are empty then."""
    listed = Listed(np.concatenate(lines), np.concatenate(offsets))
    lines.clear()
    offsets.clear()
    return listed


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The origin of lines that stand one batch behind the other."""

    firsts: list[int]
    origins: list[Origin]

    def place(self, line: int) -> Place:
        at = bisect_right(self.firsts, line) - 1
        return self.origins[at].place(line - self.firsts[at])


def joined(batches: Iterable[Batch]) -> Batches:
    """The same lines, batches that are small put together: each costs a pack and a run."""
    held: list[Batch] = []
    size = count = 0
    for batch in batches:
        if held and (size + len(batch.text) > BATCH_BYTES or count + batch.lines > BATCH_LINES_MAX):
            yield _behind_each_other(held)
            held, size, count = [], 0, 0
        held.append(batch)
        size += len(batch.text)
        count += batch.lines
        # A large one goes on as it is, and before the next is read.
        if size >= BATCH_BYTES // 2 or count >= BATCH_LINES_MAX // 2:
            yield _behind_each_other(held)
            held, size, count = [], 0, 0
    if held:
        yield _behind_each_other(held)


def _behind_each_other(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    firsts = [0, *accumulate(batch.lines for batch in batches)]
    texts = [end for batch in batches for end in (batch.text, b"" if _is_ended(batch) else b"\n")]
    origin = Joined(firsts[:-1], [batch.origin for batch in batches])
    return Batch(b"".join(texts), firsts[-1], origin)


def _is_ended(batch: Batch) -> bool:
    return batch.text.endswith(b"\n")


def refuse_long(refuse: Refuse, place: Place, raw: bytes, size: int) -> None:
    """Refuse a record for its size."""
    problem = TooLarge(f"a record has at most {RECORD_BYTES_MAX} bytes; this has {size}")
    refuse(Refused(place, problem, raw[:KEPT_BYTES_MAX], size))
