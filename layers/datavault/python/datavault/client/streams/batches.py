"""A stream of lines cut into batches, always in the same places.

A batch ends before the line that would make it too long, too large, or give it an id that it has
already. So the same lines after the same ``Checkpoint`` give the same batches, which is what lets
a repeated run name them alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from datavault.client.checkpoint import Checkpoint

# What one append takes (README, Limits); a test compares.
BATCH_RECORDS_MAX = 1000
BATCH_BYTES_MAX = 4 * 2**20

_BLANK = b" \t\r\n"


class UnfitLine(ValueError):
    """A line that no batch can carry: ``line`` counts from 1 in the stream."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line


@dataclass(frozen=True, slots=True)
class Batch:
    """Records for one append. ``lines`` are their numbers in the stream, ``end`` what follows."""

    index: int
    lines: tuple[int, ...]
    content: bytes
    ids: frozenset[str]
    end: Checkpoint

    def line_of(self, number: int) -> int:
        """The line of the stream that is line ``number`` (from 1) of the batch."""
        return self.lines[min(number, len(self.lines)) - 1]


class Cutter:
    """Takes lines one by one and gives batches.

    ``record_key`` is the dataset's: with it lines are read for their ids, as far as that goes;
    whether they are records, the vault says.
    """

    def __init__(self, record_key: str | None, start: Checkpoint) -> None:
        self._decoder = None if record_key is None else _id_decoder(record_key)
        self._at = start
        self._begin()

    def add(self, line: bytes) -> Iterator[Batch]:
        """Take a line as it was read; the batch that ended before it, if one did.

        Raises:
            UnfitLine: it is larger than a batch, or holds more than one line.
        """
        text = line.rstrip(b"\r\n")
        number = self._at.lines + 1
        if text.strip(_BLANK):
            _check(text, number)
            record_id = self._id_of(text)
            if (
                len(self._texts) == BATCH_RECORDS_MAX
                or self._size + len(text) > BATCH_BYTES_MAX
                or record_id in self._ids
            ):
                yield from self.rest()
            self._texts.append(text)
            self._lines.append(number)
            self._size += len(text)
            if record_id is not None:
                self._ids.add(record_id)
        self._at = Checkpoint(self._at.batches, number, self._at.size_bytes + len(line))

    def rest(self) -> Iterator[Batch]:
        """The batch that is not full yet, if it has records."""
        if not self._texts:
            return
        index = self._at.batches
        self._at = Checkpoint(index + 1, self._at.lines, self._at.size_bytes)
        content = b"\n".join(self._texts)
        yield Batch(index, tuple(self._lines), content, frozenset(self._ids), self._at)
        self._begin()

    def _begin(self) -> None:
        self._texts: list[bytes] = []
        self._lines: list[int] = []
        self._ids: set[str] = set()
        self._size = 0

    def _id_of(self, text: bytes) -> str | None:
        if self._decoder is None:
            return None
        try:
            (found,) = msgspec.structs.astuple(self._decoder.decode(text))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        return None if found is None else str(found)


def _check(text: bytes, number: int) -> None:
    if len(text) > BATCH_BYTES_MAX:
        raise UnfitLine(number, f"a record has at most {BATCH_BYTES_MAX} bytes, this has more")
    if b"\n" in text:
        raise UnfitLine(number, "a line end within it; give one record at a time")


def _id_decoder(record_key: str) -> msgspec.json.Decoder[msgspec.Struct]:
    """Reads the one field and skips the others, without making objects of them."""
    # The field's name may be no identifier, so it is a renamed one.
    keyed = msgspec.defstruct(
        "Keyed", [("key", str | int | None, None)], rename={"key": record_key}
    )
    return msgspec.json.Decoder(keyed)
