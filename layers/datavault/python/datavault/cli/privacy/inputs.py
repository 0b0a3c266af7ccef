"""What a scan reads: files, all files of folders, or a pipe; and as what each is read.

Nothing in a file decides how it is looked at but its first byte in a pipe: a file is read as its
name says or as the caller says, so that no content can hide itself by looking like another form.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import click

from datavault.cli.sources import stdin_lines
from datavault.cli.tables import shown
from datavault.domain.formats.decoding import COMPRESSED_ENDINGS, content_ending

PIPE = Path("-")
# What versions are kept in, which holds every file again, compressed.
REPOSITORIES = frozenset({".git", ".hg", ".svn"})
_BY_ENDING = {
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".json", ".geojson", ".har", ".ipynb"), "json"),
}


class Form(StrEnum):
    """As what an input is read."""

    TEXT = "text"
    """A text: all of it, line breaks included."""
    RECORDS = "jsonl"
    """A JSON text a line, leaf by leaf."""
    ROWS = "csv"
    """Rows of cells, each a text."""
    CORPUS = "corpus"
    """Lines of ``{"id", "text"}``, each answered by a line."""
    PASSAGES = "passages"
    """A text in passages, none of which needs those around it."""
    TABLE = "table"
    """Rows cut where they end, or refused."""
    LEAVES = "json"
    """One JSON text, over several lines or not, leaf by leaf; held whole."""
    DOCUMENT = "document"
    """The same, or refused."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to read. What is of a ``guessed`` form and does not keep to it is read as text.

    ``path`` is ``None`` for the pipe; ``size`` is 0 where nobody knows how much there is to read.
    """

    path: Path | None
    form: Form
    guessed: bool
    size: int

    @property
    def name(self) -> str:
        """For people."""
        return "stdin" if self.path is None else _shown(self.path)

    def open(self) -> BinaryIO:
        """The bytes, from the beginning."""
        return stdin_lines() if self.path is None else self.path.open("rb")


# Asked for with each thing that is found there.
@lru_cache(maxsize=1)
def _shown(path: Path) -> str:
    return shown(click.format_filename(path))


type Skipped = Callable[[Path, str], None]
type Missed = Callable[[Path, str], None]


def chosen_inputs(
    paths: tuple[Path, ...],
    form: Form | None,
    *,
    missed: Missed,
    skipped: Skipped = lambda _, __: None,
) -> Iterator[Input]:
    """The files named and those below the folders named, in the order of their names.

    Below folders, what is no regular file is left out, and so are links, which may lead anywhere,
    and the folders in which versions are kept; ``skipped`` is told of each and why, and ``missed``
    of folders that cannot be listed and files that are gone meanwhile. ``form`` is ``None`` if it
    is to be guessed.
    """
    for path in paths or (PIPE,):
        if path.is_dir():
            for each in _files_below(path, skipped, missed):
                yield chosen_input(each, form)
        else:
            yield chosen_input(path, form)


def chosen_input(path: Path, form: Form | None) -> Input:
    """A file, or the pipe; ``form`` is ``None`` if it is to be guessed."""
    if path == PIPE:
        return Input(None, form or Form.TEXT, form is None, 0)
    guess = Form(_BY_ENDING.get(content_ending(path.name), "text"))
    is_sized = path.is_file() and not path.name.lower().endswith(COMPRESSED_ENDINGS)
    return Input(path, form or guess, form is None, path.stat().st_size if is_sized else 0)


def _files_below(folder: Path, skipped: Skipped, missed: Missed) -> Iterator[Path]:
    def miss(error: OSError) -> None:
        missed(Path(error.filename or folder), error.strerror or type(error).__name__)

    for base, folders, names in os.walk(folder, onerror=miss):
        for name in sorted(folders):
            if name in REPOSITORIES:
                skipped(Path(base, name), "versions are kept there")
            elif os.path.islink(Path(base, name)):  # Which has no errors of its own.
                skipped(Path(base, name), "a link")
        folders[:] = sorted(each for each in folders if each not in REPOSITORIES)
        for name in sorted(names):
            path = Path(base, name)
            try:
                mode = path.lstat().st_mode
            except OSError as error:
                miss(error)
                continue
            if stat.S_ISREG(mode):
                yield path
            else:
                skipped(path, "a link" if stat.S_ISLNK(mode) else "no regular file")
