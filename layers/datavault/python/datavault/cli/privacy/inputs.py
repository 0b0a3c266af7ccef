"""What a scan reads: files, all files of folders, or a pipe; and as what each is read.

Nothing in a file decides how it is looked at but its first byte in a pipe: a file is read as its
name says or as the caller says, so that no content can hide itself by looking like another form.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import click

from datavault.cli.sources import stdin_lines
from datavault.cli.tables import shown

PIPE = Path("-")
# What versions are kept in, which holds every file again, compressed.
REPOSITORIES = frozenset({".git", ".hg", ".svn"})
_BY_ENDING = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".tab": "csv"}


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


@dataclass(frozen=True, slots=True)
class Input:
    """Something to read. What is of a ``guessed`` form and does not keep to it is read as text.

    ``path`` is ``None`` for the pipe; ``size`` is 0 where nobody knows it.
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


def chosen_inputs(paths: tuple[Path, ...], form: Form | None) -> Iterator[Input]:
    """The files named and those below the folders named, in the order of their names.

    Below folders, what is no regular file is left out, and so are links, which may lead anywhere,
    and the folders in which versions are kept. ``form`` is ``None`` if it is to be guessed.
    """
    for path in paths or (PIPE,):
        if path == PIPE:
            yield Input(None, form or Form.TEXT, form is None, 0)
        elif path.is_dir():
            for each in _files_below(path):
                yield _input(each, form)
        else:
            yield _input(path, form)


def _input(path: Path, form: Form | None) -> Input:
    guess = Form(_BY_ENDING.get(path.suffix.lower(), "text"))
    size = path.stat().st_size if path.is_file() else 0
    return Input(path, form or guess, form is None, size)


def _files_below(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in REPOSITORIES)
        for name in sorted(names):
            path = Path(base, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
