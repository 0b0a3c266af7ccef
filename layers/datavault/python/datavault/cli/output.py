"""What a command writes: results to stdout in the form asked for, messages to stderr.

``table`` is for people; on a terminal it is the default. ``jsonl`` is a JSON object for each thing,
one a line; elsewhere it is the default, so that a script needs no option. ``json`` is one JSON
text: an array for a list. The members of the objects are the API's, without ``_links``; a record's
own text stands in them byte for byte.
"""

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

import click

from datavault.cli.tables import Column, fields_lines, table_lines

if TYPE_CHECKING:
    from pydantic import BaseModel

WIDTH_ELSEWHERE = 100

type Document = Mapping[str, object]


class Form(StrEnum):
    """A form of output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


class Output:
    """Writes results in one form."""

    def __init__(self, form: Form | None) -> None:
        self.form = form or (Form.TABLE if sys.stdout.isatty() else Form.JSONL)

    @property
    def is_table(self) -> bool:
        """Whether people read it."""
        return self.form is Form.TABLE

    def one(self, document: Document, text: Iterable[str]) -> None:
        """One result: the lines of ``text`` for people."""
        if self.is_table:
            _write_lines(text)
        else:
            _write_json(document)

    def fields(self, document: Document, fields: Iterable[tuple[str, object]]) -> None:
        """One result, for people as names and values."""
        self.one(document, fields_lines(fields))

    def many[T](
        self,
        items: Iterable[T],
        columns: tuple[Column[T], ...],
        *,
        document: Callable[[T], Document],
        none: str,
    ) -> None:
        """Results one by one as they come; ``none`` is the message when there are none."""
        if self.is_table:
            any_line = _write_lines(table_lines(items, columns, width=terminal_width()))
            if not any_line:
                say(none)
            return
        self.documents(map(document, items))

    def documents(self, documents: Iterable[Document]) -> None:
        """Results for machines."""
        if self.form is Form.JSONL:
            for each in documents:
                _write_json(each)
            return
        start = b"["
        for each in documents:
            _write(start + b"\n" + _json(each))
            start = b","
        _write(b"[]\n" if start == b"[" else b"\n]\n")


def say(message: str) -> None:
    """A message for people, to stderr."""
    click.echo(message, err=True)


def document_of(model: "BaseModel", **more: object) -> Document:
    """A reply as the API has it, without its links."""
    return {**model.model_dump(mode="json", by_alias=True, exclude={"links"}), **more}


def terminal_width() -> int:
    """Columns to fill."""
    return shutil.get_terminal_size((WIDTH_ELSEWHERE, 24)).columns


def write_bytes(content: bytes) -> None:
    """Write to stdout as it is."""
    _write(content)


def _write_lines(lines: Iterable[str]) -> bool:
    written = False
    for line in lines:
        click.echo(line)
        written = True
    return written


def _write_json(document: Document) -> None:
    _write(_json(document) + b"\n")


def _json(document: Document) -> bytes:
    from datavault.client.encoding import json_text

    return json_text(document)


def _write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
