"""What every format is turned into: batches of NDJSON lines that know where they are from.

A batch has about ``BATCH_BYTES`` and ``BATCH_LINES_MAX`` lines at the most, so that memory is
bounded whatever the file. A record that cannot be made a line is *refused*: it is left out, and
said where it is and why; refusing is the caller's business, who may count, keep or give up. A
batch does not promise records: a line may be blank, or no JSON, as it was in the file.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import TooLarge, VaultError
from datavault.domain.records import RECORD_BYTES_MAX

BATCH_BYTES = 24 * 1024 * 1024
BATCH_LINES_MAX = 128 * 1024
# Of a refused record so much is kept, to be looked at and mended; a longer one was no record.
KEPT_BYTES_MAX = RECORD_BYTES_MAX + 64 * 1024

type Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins in its file, after decompression.

    ``line`` counts from 1, ``offset`` is in bytes from 0; of a text that is not UTF-8, in bytes
    of the same text as UTF-8. In a table of columns, which has neither, ``line`` is the row and
    ``offset`` is 0.
    """

    line: int
    offset: int


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
    """The same lines in batches as large as they may be."""
    held: list[Written] = []
    size = count = 0
    for part in parts:
        if held and (
            size + len(part.text) > BATCH_BYTES or count + len(part.lines) > BATCH_LINES_MAX
        ):
            yield _one(held)
            held, size, count = [], 0, 0
        held.append(part)
        size += len(part.text)
        count += len(part.lines)
    if count:
        yield _one(held)


def refuse_long(refuse: Refuse, place: Place, raw: bytes, size: int) -> None:
    """Refuse a record for its size."""
    problem = TooLarge(f"a record has at most {RECORD_BYTES_MAX} bytes; this has {size}")
    refuse(Refused(place, problem, raw[:KEPT_BYTES_MAX], size))


def _one(parts: list[Written]) -> Batch:
    lines = np.concatenate([part.lines for part in parts])
    offsets = np.concatenate([part.offsets for part in parts])
    text = b"".join([part.text for part in parts])
    parts.clear()
    return Batch(text, len(lines), Listed(lines, offsets))
