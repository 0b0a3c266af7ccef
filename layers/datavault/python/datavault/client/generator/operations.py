"""A row of the operations table as the methods that it becomes."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from annotated_types import Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from datavault.client.generator.annotations import Imports, spelled, spelled_default
from datavault.contracts.operations import JSON, NDJSON, Operation

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A keyword of a method. ``wire`` is its name in the request; no default, no choice."""

    name: str
    wire: str
    field: FieldInfo

    @property
    def required(self) -> bool:
        return self.field.is_required()

    @property
    def most(self) -> int | None:
        """The greatest value that the field takes, if it says so."""
        found = [each.le for each in self.field.metadata if isinstance(each, Le)]
        return found[0] if found and isinstance(found[0], int) else None

    def declared(self, imports: Imports) -> str:
        """``name: type`` or ``name: type = default``."""
        annotation = spelled(self.field.annotation, imports)
        if self.required:
            return f"{self.name}: {annotation}"
        default = spelled_default(self.field.default)
        if default == "None" and "None" not in annotation.split(" | "):
            annotation += " | None"
        return f"{self.name}: {annotation} = {default}"


@dataclass(frozen=True, slots=True)
class Described:
    """A row and its parts. ``item`` is what a list's pages hold, if it is a list."""

    row: Operation
    path: tuple[str, ...]
    query: tuple[Parameter, ...]
    body: tuple[Parameter, ...]
    item: object | None

    @property
    def constant(self) -> str:
        """The name of its route."""
        return self.row.name.upper()

    @property
    def sends_lines(self) -> bool:
        return self.row.body is not None and NDJSON in self.row.accepts

    @property
    def returns_lines(self) -> bool:
        return NDJSON in self.row.returns

    @property
    def returns_json(self) -> bool:
        return JSON in self.row.returns

    @property
    def iterator(self) -> str:
        """``iter_`` and what is listed."""
        return f"iter_{self.row.name.removeprefix('list_')}"

    @property
    def states_version(self) -> bool:
        """Whether the caller has to say, with ``If-Match``, which version it means."""
        return self.row.precondition

    @property
    def line_query(self) -> tuple[Parameter, ...]:
        """The query of a call whose body is lines."""
        return self.query

    @property
    def json_query(self) -> tuple[Parameter, ...]:
        """The query of a call with a JSON body, which says itself what it can say."""
        named = {parameter.wire for parameter in self.body}
        return tuple(parameter for parameter in self.query if parameter.wire not in named)


def described(row: Operation) -> Described:
    """The parts of a row."""
    query, body = tuple(_parameters(row.query)), tuple(_parameters(row.body))
    path = tuple(_PLACEHOLDER.findall(row.path))
    _check_names(row, path, query, body)
    return Described(row, path, query, body, _item(row, (*query, *body)))


def _parameters(model: type[BaseModel] | None) -> Iterator[Parameter]:
    """A model's fields, the required ones first."""
    if model is None:
        return
    fields = sorted(model.model_fields.items(), key=lambda each: not each[1].is_required())
    for name, field in fields:
        wire = field.alias or name
        yield Parameter(f"{wire}_" if keyword.iskeyword(wire) else wire, wire, field)


def _item(row: Operation, parameters: tuple[Parameter, ...]) -> object | None:
    """What a list gives: an operation that takes a cursor and answers ``pagination``.

    The items of its pages' ``data``; where pages have none, as of a count, the pages.
    """
    if row.reply is None or "cursor" not in {parameter.wire for parameter in parameters}:
        return None
    fields = row.reply.model_fields
    if "pagination" not in fields:
        raise TypeError(f"{row.name} takes a cursor and answers no pagination")
    if "data" not in fields:
        return row.reply
    item: object = get_args(fields["data"].annotation)[0]
    return item


def _check_names(
    row: Operation,
    path: tuple[str, ...],
    query: tuple[Parameter, ...],
    body: tuple[Parameter, ...],
) -> None:
    reserved = {"self", "lines", "options", "page_size", "if_match"}
    names = {parameter.name for parameter in (*query, *body)}
    if clash := names & ({*path} | reserved):
        raise ValueError(f"{row.name}: {sorted(clash)} would stand twice in its signature")
