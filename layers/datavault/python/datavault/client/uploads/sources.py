"""What is uploaded: files on disk, one behind the other, or a pipe, cut into parts.

A part of files is read from disk twice, once for its checksum and once to be sent, and never held;
a part of a pipe is held until it has arrived.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol

READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine, and what it is called in the vault."""

    name: str
    path: Path
    size: int

    @classmethod
    def at(cls, path: Path, *, name: str | None = None) -> "LocalFile":
        """The file at ``path``, as large as it is now; called as there without ``name``."""
        return cls(path.name if name is None else name, path, path.stat().st_size)


class Content(Protocol):
    """The bytes of a part, as often as they are asked for."""

    @property
    def size(self) -> int:
        """How many."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """All of them, about 1 MiB at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One part to be sent; ``number`` counts from 1."""

    number: int
    content: Content
    sha256: bytes


class Source(Protocol):
    """What is uploaded."""

    @property
    def size(self) -> int | None:
        """Its bytes; ``None`` if nobody knows yet."""
        ...

    @property
    def files(self) -> Sequence[LocalFile]:
        """The files that it is; none for a pipe."""
        ...

    @property
    def ahead_max(self) -> int:
        """So many parts may be made ready for each that is on its way."""
        ...

    def part(self, number: int, part_bytes: int) -> Part | None:
        """A part; ``None`` behind the last. Those of a pipe are asked for in order, once each."""
        ...


class Files:
    """Files as one: their bytes one behind the other."""

    # They are read twice and not held: asking for many URLs at once costs nothing.
    ahead_max = 4

    def __init__(self, files: Sequence[LocalFile]) -> None:
        if not files:
            raise ValueError("there are no files to upload")
        self.files = tuple(files)
        self._starts = [0, *accumulate(file.size for file in self.files)]
        self.size: int | None = self._starts[-1]

    def part(self, number: int, part_bytes: int) -> Part | None:
        start, size = (number - 1) * part_bytes, self._starts[-1]
        if start >= size and number > 1:
            return None
        content = _Range(self, start, min(part_bytes, size - start))
        return Part(number, content, _sha256(content))

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """A range of the whole.

        Raises:
            OSError: a file is gone, or has fewer bytes than it had.
        """
        at = bisect_right(self._starts, start) - 1
        while start < end:
            file, begin = self.files[at], start - self._starts[at]
            left = min(end - start, file.size - begin)
            if left:
                yield from _read(file, begin, left)
            start += left
            at += 1


class Pipe:
    """A stream of which nobody knows how long it is, behind ``head``, which was read of it."""

    files: Sequence[LocalFile] = ()
    size: int | None = None
    ahead_max = 1

    def __init__(self, stream: BinaryIO, *, head: bytes = b"") -> None:
        self._stream = stream
        self._head = head

    def part(self, number: int, part_bytes: int) -> Part | None:
        pieces, wanted = [self._head[:part_bytes]], part_bytes
        self._head = self._head[part_bytes:]
        wanted -= len(pieces[0])
        while wanted and (piece := self._stream.read(min(wanted, READ_BYTES))):
            pieces.append(piece)
            wanted -= len(piece)
        content = _Held(b"".join(pieces))
        if not content.size and number > 1:
            return None
        return Part(number, content, _sha256(content))


@dataclass(frozen=True, slots=True)
class _Held:
    held: bytes

    @property
    def size(self) -> int:
        return len(self.held)

    def chunks(self) -> Iterator[bytes]:
        yield self.held


@dataclass(frozen=True, slots=True)
class _Range:
    files: Files
    start: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        return self.files.read(self.start, self.start + self.size)


def _read(file: LocalFile, start: int, length: int) -> Iterator[bytes]:
    with file.path.open("rb", buffering=0) as opened:
        opened.seek(start)
        while length:
            piece = opened.read(min(length, READ_BYTES))
            if not piece:
                raise OSError(
                    f"{file.path} had {file.size} bytes when the upload began, and is shorter now"
                )
            length -= len(piece)
            yield piece


def _sha256(content: Content) -> bytes:
    digest = hashlib.sha256()
    for piece in content.chunks():
        digest.update(piece)
    return digest.digest()
