"""What is told of a scan: to people by numbers, to programs place by place as they are found.

Nothing here holds a value unless the search carries values. Paths are shown as they are.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import click

from datavault.cli.output import terminal_width, write_bytes
from datavault.cli.privacy.found import Counts, Examined, Found
from datavault.cli.privacy.inputs import Input
from datavault.cli.privacy.search import Search
from datavault.cli.tables import Column, counted, shown, size, table_lines
from datavault.domain.privacy.tiers import NAMES, Tier

PLACES_SHOWN = 50


class Form(StrEnum):
    """A form of report."""

    SUMMARY = "summary"
    JSON = "json"
    JSONL = "jsonl"
    SARIF = "sarif"


@dataclass(slots=True)
class Totals:
    """What a scan comes to.

    Of what was not read, ``missed`` counts what was to be: all but binary files below folders.
    """

    files: int = 0
    files_with_findings: int = 0
    unread: int = 0
    missed: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    counts: Counts = field(default_factory=dict)

    def add(self, piece: Examined) -> None:
        self.size_bytes += piece.size
        for key, count in piece.counts.items():
            self.counts[key] = self.counts.get(key, 0) + count

    @property
    def by_entity(self) -> Mapping[str, int]:
        """How often each was found, the most frequent first."""
        found: Counter[str] = Counter()
        for (entity, _), count in sorted(self.counts.items()):
            found[entity] += count
        return dict(found.most_common())

    @property
    def line(self) -> str:
        """All of it in a line."""
        speed = self.size_bytes / max(self.seconds, 0.001) / 1e6
        unread = f"; {self.unread} not read" if self.unread else ""
        return (
            f"{counted(sum(self.counts.values()), 'finding')} in {self.files_with_findings} of"
            f" {counted(self.files, 'file')}, {size(self.size_bytes)} at {speed:.1f} MB/s{unread}"
        )


class Report(Protocol):
    """Takes what is found as it is found, in order."""

    def found(self, source: Input, found: Found) -> None:
        """One value, by its place in the input."""
        ...

    def end(self, totals: Totals) -> None:
        """That was all."""
        ...


class Summary:
    """Numbers; and of ``places``, which are those that the caller fails on, the first ones."""

    def __init__(self, search: Search, places: frozenset[str]) -> None:
        self._search = search
        self._places = places
        self._shown = 0

    def found(self, source: Input, found: Found) -> None:
        if found.entity not in self._places:
            return
        self._shown += 1
        if self._shown <= PLACES_SHOWN:
            at = f" at {found.pointer}" if found.pointer else ""
            spot = f"{found.first.line}:{found.first.column}"
            click.echo(f"{source.name}:{spot}: {found.entity}{shown(at)} ({found.rule})")

    def end(self, totals: Totals) -> None:
        if self._shown > PLACES_SHOWN:
            click.echo(f"and {self._shown - PLACES_SHOWN:,} more: --output jsonl has them all")
        rows = self._rows(totals)
        if rows:
            columns: list[Column[tuple[str, str, int]]] = [Column("ENTITY", lambda row: row[0])]
            if self._search.explains:
                columns.append(Column("RULE", lambda row: row[1]))
            columns.append(Column("COUNT", lambda row: row[2], right=True))
            for line in table_lines(rows, tuple(columns), width=terminal_width()):
                click.echo(line)
        click.echo(totals.line)
        click.echo(
            f"looked for by --tier {self._search.tier}: {', '.join(sorted(self._search.entities))}"
        )
        if missing := self._search.not_looked_for:
            click.echo(f"not looked for: {', '.join(missing)}")

    def _rows(self, totals: Totals) -> list[tuple[str, str, int]]:
        if not self._search.explains:
            return [(entity, "", count) for entity, count in totals.by_entity.items()]
        ordered = sorted(totals.counts.items(), key=lambda each: (-each[1], each[0]))
        return [(entity, rule, count) for (entity, rule), count in ordered]


class Lines:
    """A JSON object a line for each value."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def found(self, source: Input, found: Found) -> None:
        write_bytes(json_text(document_of(source, found, self._search)) + b"\n")

    def end(self, totals: Totals) -> None:
        """Nothing follows."""


class Document:
    """One JSON text: ``findings`` as they come, then ``summary``."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._separator = b""
        write_bytes(b'{"findings":[')

    def found(self, source: Input, found: Found) -> None:
        text = json_text(document_of(source, found, self._search))
        write_bytes(self._separator + b"\n" + text)
        self._separator = b","

    def end(self, totals: Totals) -> None:
        summary = {
            "files": totals.files,
            "files_with_findings": totals.files_with_findings,
            "files_not_read": totals.unread,
            "bytes": totals.size_bytes,
            "entities": totals.by_entity,
            "tier": self._search.tier.value,
            "looked_for": sorted(self._search.entities),
            "not_looked_for": self._search.not_looked_for,
        }
        write_bytes(b'],\n"summary":' + json_text(summary) + b"}\n")


def document_of(source: Input, found: Found, search: Search) -> Mapping[str, object]:
    """What was found, for programs."""
    document: dict[str, object] = {
        "path": source.name,
        "line": found.first.line,
        "column": found.first.column,
    }
    if found.pointer is not None:
        document |= {"pointer": found.pointer, "part": found.part}
    document |= {
        "start": found.start,
        "end": found.end,
        "entity": found.entity,
        "score": found.score,
    }
    if search.explains:
        document["rule"] = found.rule
    if found.value is not None:
        document["value"] = found.value
    return document


def json_text(document: object) -> bytes:
    """Compact JSON in UTF-8, its members in the order given."""
    import msgspec

    return msgspec.json.encode(document)


def names_note(search: Search) -> str:
    """That the tier looks for no names, and which one does; empty if it looks for them."""
    missing = sorted(NAMES - search.tier.entities)
    if not missing:
        return ""
    return (
        f"not looked for by --tier {search.tier}, but by --tier {Tier.FAST}: {', '.join(missing)}"
    )
