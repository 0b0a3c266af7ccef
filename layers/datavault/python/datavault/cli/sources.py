"""What ``datavault put`` reads: a file, a folder of files, or a pipe, as one stream of lines."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import click

from datavault.cli.exits import CommandFailed, Exit

SUFFIXES = (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a source, and what tells that it has not changed since."""

    path: Path
    size: int
    mtime_ns: int


class JoinedFiles:
    """Files as one stream: a line ends where its file ends."""

    def __init__(self, parts: tuple[Part, ...], *, skipped: int = 0) -> None:
        """Begin ``skipped`` bytes behind the beginning of the first file."""
        self._rest = list(parts)
        self._open: BinaryIO | None = None
        while self._rest and skipped >= self._rest[0].size:
            skipped -= self._rest.pop(0).size
        if skipped:
            self._next_file().seek(skipped)

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, or so much of it; nothing at the end."""
        while self._open is not None or self._rest:
            line = (self._open or self._next_file()).readline(size)
            if line:
                return line
            self.close()
        return b""

    def __iter__(self) -> "JoinedFiles":
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def close(self) -> None:
        """Close the file that is being read."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _next_file(self) -> BinaryIO:
        self._open = self._rest.pop(0).path.open("rb")
        return self._open


def parts_of(paths: tuple[Path, ...]) -> tuple[Part, ...]:
    """The files named, and those in folders named, in the order of their names.

    Raises:
        CommandFailed: a folder has none.
    """
    return tuple(_part(file) for path in paths for file in _files(path))


def unchanged_before(offset: int, before: tuple[Part, ...], now: tuple[Part, ...]) -> bool:
    """Whether ``now`` is, as far as files tell without being read, as ``before`` up to ``offset``.

    Files that end before it are the same, and in the one it falls into a line begins there.
    """
    for old, new in zip(before, now, strict=False):
        if offset >= old.size:
            if old != new:
                return False
            offset -= old.size
            continue
        if old.path != new.path or new.size < offset:
            return False
        with new.path.open("rb") as file:
            file.seek(max(0, offset - 1))
            return offset == 0 or file.read(1) == b"\n"
    return offset == 0


def place_of(parts: tuple[Part, ...], line: int) -> str:
    """``file, line n`` for line ``line`` (from 1) of the stream."""
    for part in parts:
        with part.path.open("rb") as file:
            count = sum(1 for _ in file)
        if line <= count:
            return f"{click.format_filename(part.path)}, line {line}"
        line -= count
    return f"line {line}"


def stdin_lines() -> BinaryIO:
    """What is piped in.

    Raises:
        UsageError: it is a terminal.
    """
    if sys.stdin.isatty():
        raise click.UsageError("name a file or a folder, or pipe lines in")
    return cast(BinaryIO, sys.stdin.buffer)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.endswith(SUFFIXES) and not name.startswith(".")
    ]
    if not found:
        raise CommandFailed(
            Exit.USAGE,
            f"no files {' or '.join(f'*{suffix}' for suffix in SUFFIXES)} in"
            f" {click.format_filename(path)}",
        )
    return sorted(found, key=os.fsencode)


def _part(path: Path) -> Part:
    status = path.stat()
    return Part(path.resolve(), status.st_size, status.st_mtime_ns)
