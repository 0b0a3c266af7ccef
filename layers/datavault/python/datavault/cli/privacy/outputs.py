"""Files that appear whole under their names, or not at all."""

import itertools
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from datavault.cli.output import write_bytes

# Two names in one folder differ by process and number, and no name gets longer by it.
_NUMBERS = itertools.count()
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Aside:
    """A file that is written beside its place and takes it with ``keep``; else it is gone.

    Whoever is not its owner cannot read it. Without a path it is stdout, and what is written is
    written. A machine that dies leaves a file that ends in ``.part`` and never one of the name.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._aside: Path | None = None

    def __enter__(self) -> Self:
        while self._path is not None and self._aside is None:
            aside = self._path.with_name(f".{os.getpid()}-{next(_NUMBERS)}.part")
            # What a process of this number left, which in a container is the same in each run.
            with suppress(FileExistsError):
                self._file = os.fdopen(os.open(aside, _FLAGS, 0o600), "wb")
                self._aside = aside
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._aside is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                self._aside.unlink()

    def write(self, content: bytes) -> None:
        """Behind what was written."""
        if self._path is None:
            write_bytes(content)
        else:
            self._file.write(content)

    def keep(self) -> None:
        """Have it under its name, on the disk, in place of what was there."""
        if self._aside is not None and self._path is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._aside.replace(self._path)


def require_apart(*paths: Path | None) -> None:
    """Refuse (``UsageError``) paths of one file, and of what is there and no regular file."""
    named = [each for each in paths if each is not None]
    for at, path in enumerate(named):
        if any(path.resolve() == other.resolve() or _same(path, other) for other in named[:at]):
            raise click.UsageError("input, --output-file and --quarantine-file are three files")
    for path in named[1:] if paths[0] is not None else named:
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise click.UsageError(f"{click.format_filename(path)} is there and no regular file")


def require_folder(path: Path | None, option: str) -> None:
    """Refuse (``UsageError``) a file whose folder is not there."""
    if path is not None and not path.parent.is_dir():
        folder = click.format_filename(path.parent)
        raise click.UsageError(f"{option}: there is no folder {folder}")


def require_unused(quarantine: Path | None) -> None:
    """Refuse (``UsageError``) a file in which something is: records that nobody looked at yet."""
    if quarantine is not None and quarantine.is_file() and quarantine.stat().st_size:
        raise click.UsageError(
            f"--quarantine-file {click.format_filename(quarantine)} is not empty"
        )


def _same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)
