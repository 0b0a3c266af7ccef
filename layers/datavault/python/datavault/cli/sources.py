"""What ``datavault put`` reads: files, also of folders, or a pipe.

Of a folder it is the files that have data, in the order of their shards; see
``domain.formats.sources``. Text counts there only if nothing else does: a licence that lies beside
the data is no record. Several splits are not mixed unless somebody says so: what was kept apart to
test a model must not get into what trains it because both lay in one folder.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import click

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.tables import shown

SUFFIXES = (".ndjson", ".jsonl")
TEXTS = (".txt", ".text", ".txt.gz", ".text.gz", ".txt.zst", ".text.zst")
ALL_SPLITS = "all"
# What is looked at to tell what a file is, as in ``domain.formats.detect``.
HEAD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a source, and what tells that it has not changed since."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file that is to be put; ``name`` is what the vault is told of it, ``split`` its own."""

    name: str
    split: str | None
    part: Part

    @property
    def is_ndjson(self) -> bool:
        """Whether it is lines that can go in batches: by its name, or else by its content."""
        if self.name.endswith(SUFFIXES) or not self.part.size:
            return True
        with self.part.path.open("rb") as file:
            return is_ndjson(file.read(HEAD_BYTES), self.name)


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


def chosen_files(paths: tuple[Path, ...], *, split: str | None) -> tuple[Chosen, ...]:
    """The files named, and those of data in folders named; only those of ``split``, if it is given.

    Raises:
        CommandFailed: a folder has none, or more splits than one and nobody said which.
        Invalid: of numbered shards one is missing.
    """
    several = len(paths) > 1
    found: list[Chosen] = []
    for path in paths:
        if path.is_dir():
            found += _in_folder(path, f"{path.resolve().name}/" if several else "", split)
        else:
            found.append(Chosen(path.name, None, _part(path)))
    return tuple(found)


def is_ndjson(head: bytes, name: str = "") -> bool:
    """Whether bytes are the beginning of lines that can go in batches.

    What is like nothing in particular counts as such, so that a torn line is told and is not text.
    """
    from datavault.domain.errors import VaultError
    from datavault.domain.formats.detect import Shape, detect

    try:
        found = detect(head, name)
    except VaultError:
        return False
    is_text = found.shape is Shape.TEXT_LINES and not name.lower().endswith(TEXTS)
    return found.splits and (found.shape is Shape.NDJSON or is_text)


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


def _in_folder(folder: Path, prefix: str, split: str | None) -> list[Chosen]:
    from datavault.domain.formats.sources import sources_in

    names = (
        Path(base, name).relative_to(folder).as_posix()
        for base, _, files in os.walk(folder)
        for name in files
    )
    sources = sources_in(names)
    data = [each for each in sources if not each.name.lower().endswith(TEXTS)] or sources
    splits = sorted({each.split for each in data if each.split is not None})
    if split not in {None, ALL_SPLITS}:
        data = [each for each in data if each.split == split]
    elif split is None and len(splits) > 1:
        raise CommandFailed(
            Exit.USAGE,
            f"{click.format_filename(folder)} has {len(splits)} splits:"
            f" {', '.join(map(shown, splits))}",
            hint=f"--split takes one of them, --split {ALL_SPLITS} puts them together.",
        )
    if not data:
        of = "" if split in {None, ALL_SPLITS} else f" of split {shown(split or '')}"
        raise CommandFailed(
            Exit.USAGE,
            f"no files of data{of} in {click.format_filename(folder)}: NDJSON, JSON, CSV, TSV, text"
            " or Parquet, known by their names",
        )
    return [Chosen(prefix + each.name, each.split, _part(folder / each.name)) for each in data]


def _part(path: Path) -> Part:
    status = path.stat()
    return Part(path.resolve(), status.st_size, status.st_mtime_ns)
