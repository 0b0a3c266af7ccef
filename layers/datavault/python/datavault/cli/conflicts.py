"""What merging cannot decide: conflicts shown for people and machines, and how they are settled."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from datavault.cli.changes import INDENT, one_line, parsed, value_text
from datavault.cli.diff import held_document, text_of
from datavault.cli.output import Document
from datavault.cli.tables import shown

if TYPE_CHECKING:
    from datavault.contracts.versions.diff import HeldReply
    from datavault.contracts.versions.merges import ConflictReply, ResolutionIn

type Version = Literal["ours", "theirs", "base", "delete"]
VERSIONS: tuple[Version, ...] = get_args(Version.__value__)
_KINDS = {
    "edit_edit": "both changed it",
    "edit_delete": "one changed it, the other removed it",
    "add_add": "both added it",
}
_SIDES = ("base", "ours", "theirs")


class Resolve(click.ParamType["tuple[str, Version | bytes]"]):
    """``ID=ours|theirs|base|delete`` or ``ID=@FILE``, as an id and a version or a text."""

    name = "resolution"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Version | bytes]:
        """An id may have ``=`` in it: the last one counts, or the first before an ``@``."""
        assert isinstance(value, str), "what a shell gives"
        record_id, _, word = value.rpartition("=")
        for version in VERSIONS:
            if record_id and word == version:
                return record_id, version
        record_id, marked, path = value.partition("=@")
        if not record_id or not marked:
            self.fail("is ID=ours, ID=theirs, ID=base, ID=delete or ID=@FILE", param, ctx)
        try:
            return record_id, Path(path).read_bytes().strip()
        except OSError as error:
            self.fail(f"{click.format_filename(path)}: {error.strerror}", param, ctx)


resolve_option = click.option(
    "--resolve",
    "resolved",
    type=Resolve(),
    multiple=True,
    metavar="ID=HOW",
    help="Settle one record, all its fields: ours, theirs, base, delete, or @FILE with its text.",
)


def resolutions_of(resolved: Sequence[tuple[str, Version | bytes]]) -> "list[ResolutionIn]":
    """The same for the vault."""
    from datavault.contracts.versions.merges import ResolutionIn

    return [
        ResolutionIn(id=record_id, data=how)
        if isinstance(how, bytes)
        else ResolutionIn(id=record_id, take=how)
        for record_id, how in resolved
    ]


def conflict_document(conflict: "ConflictReply") -> Document:
    """A conflict for machines, the records' texts verbatim."""
    return {
        "id": conflict.id,
        "kind": conflict.kind,
        "fields": conflict.fields,
        **{side: held_document(held) for side, held in _held(conflict)},
    }


def conflict_lines(conflict: "ConflictReply") -> Iterator[str]:
    """A conflict for people: what each side has where they disagree."""
    mark = click.style(f"! {shown(conflict.id)}", fg="red", bold=True)
    yield f"{mark}  {_KINDS[conflict.kind]}"
    for pointer in conflict.fields or [""]:
        margin = INDENT
        if pointer:
            yield f"{INDENT}{shown(pointer)}"
            margin = INDENT + "  "
        for side, held in _held(conflict):
            yield f"{margin}{side.ljust(6)}  {_value(held, pointer)}"


def _held(conflict: "ConflictReply") -> "Iterator[tuple[str, HeldReply | None]]":
    yield from zip(_SIDES, (conflict.base, conflict.ours, conflict.theirs), strict=True)


def _value(held: "HeldReply | None", pointer: str) -> str:
    """What one side has at a pointer, in a line."""
    if held is None:
        return "(has no such record)"
    text = text_of(held)
    if text is None:
        return '(too large to be shown here; "datavault get" has it)'
    found = _at(parsed(text), pointer)
    return "(has no such field)" if found is _ABSENT else one_line(value_text(found))


_ABSENT = object()


def _at(value: object, pointer: str) -> object:
    """What a JSON pointer (RFC 6901) leads to, through objects."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or name not in value:
            return _ABSENT
        value = value[name]
    return value
