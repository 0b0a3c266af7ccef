"""How records differ, for people: what was added, changed and removed of each, field by field.

Numbers are compared and shown as they are written: ``1`` and ``1.0`` are two texts, and so two
records. Lists are compared whole.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from datavault.cli.tables import clipped, shown

VALUE_COLUMNS = 120
INDENT = "    "
_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number by its own text."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field by its JSON pointer, with its JSON texts; ``None`` where there is none."""

    pointer: str
    before: str | None
    after: str | None


def head_line(kind: str, record_id: str) -> str:
    """That a record was ``added``, ``changed`` or ``removed``."""
    sign, color = _SIGNS[kind]
    return click.style(f"{sign} {shown(record_id)}", fg=color)


def added_lines(record_id: str, text: bytes | None) -> Iterator[str]:
    """A record that is only in the target."""
    yield head_line("added", record_id)
    yield from _text_lines(text)


def removed_lines(record_id: str, text: bytes | None) -> Iterator[str]:
    """A record that is only in the base."""
    yield head_line("removed", record_id)
    yield from _text_lines(text)


def changed_lines(record_id: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    """A record that is in both, and what of it differs; without a text only that it does."""
    yield head_line("changed", record_id)
    if not before or not after:
        yield f'{INDENT}(too large to be shown here; "datavault get" has both)'
        return
    found = list(field_changes(before, after))
    if not found:
        yield f"{INDENT}(the same values, written in another way)"
    for change in found:
        yield from _field_lines(change)


def field_changes(before: bytes, after: bytes) -> Iterator[FieldChange]:
    """The fields that differ, in the order of the record they were in, then of the new one."""
    yield from _differing("", parsed(before), parsed(after))


def value_text(value: object) -> str:
    """A value as compact JSON."""
    match value:
        case Number():
            return value.text
        case dict():
            members = (f"{value_text(name)}:{value_text(each)}" for name, each in value.items())
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(value_text, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def one_line(text: str) -> str:
    """A value within a line of a terminal."""
    return clipped(shown(text), VALUE_COLUMNS)


def parsed(text: bytes) -> object:
    """A record, its numbers by their own text."""
    found: object = json.loads(text, parse_int=Number, parse_float=Number)
    return found


def _field_lines(change: FieldChange) -> Iterator[str]:
    name = shown(change.pointer)
    if change.before is None:
        yield click.style(f"{INDENT}+ {name}: {one_line(change.after or '')}", fg="green")
    elif change.after is None:
        yield click.style(f"{INDENT}- {name}: {one_line(change.before)}", fg="red")
    else:
        yield f"{INDENT}~ {name}: {one_line(change.before)} -> {one_line(change.after)}"


def _text_lines(text: bytes | None) -> Iterator[str]:
    if text:
        yield f"{INDENT}{one_line(text.decode())}"


def _differing(pointer: str, before: object, after: object) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in after:
                yield FieldChange(below, value_text(before[name]), None)
            elif name not in before:
                yield FieldChange(below, None, value_text(after[name]))
            else:
                yield from _differing(below, before[name], after[name])
    elif (old := value_text(before)) != (new := value_text(after)):
        yield FieldChange(pointer, old, new)
