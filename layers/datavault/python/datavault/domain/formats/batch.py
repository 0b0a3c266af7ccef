"""What every format is turned into: batches of NDJSON lines that know where they are from.

A batch has about ``BATCH_BYTES`` and ``BATCH_LINES_MAX`` lines at the most, so that memory is
bounded whatever the file. A record that cannot be made a line is *refused*: it is left out, and
said where it is and why; refusing is the caller's business, who may count, keep or give up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datavault.domain.errors import VaultError

BATCH_BYTES = 24 * 1024 * 1024
BATCH_LINES_MAX = 128 * 1024
# Of a refused record so much is kept, to be looked at and mended; a longer one was no record.
KEPT_BYTES_MAX = 4 * 1024 * 1024 + 64 * 1024

type Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins in its file, after decompression.

    ``line`` counts from 1, ``offset`` is in bytes of the text as UTF-8, from 0. In a table of
    columns, which has neither, ``line`` is the row and ``offset`` is 0.
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
    """Whole lines, each a record to be checked, and their origin."""

    text: bytes
    lines: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Refused:
    """A record left out. ``raw`` are its bytes as they stand in the file, or their beginning."""

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
