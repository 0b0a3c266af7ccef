"""Findings as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for code hosts and editors."""

import os
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from datavault.cli.output import write_bytes
from datavault.cli.privacy.found import Found
from datavault.cli.privacy.inputs import Input
from datavault.cli.privacy.reports import Totals, json_text
from datavault.cli.privacy.search import Search

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


class Sarif:
    """One run. Its results are written as they come, and the rules that gave them at the end."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._entities: dict[str, str] = {}
        self._separator = b""
        head = json_text({"$schema": SCHEMA, "version": "2.1.0"}).removesuffix(b"}")
        write_bytes(head + b',"runs":[{"columnKind":"unicodeCodePoints","results":[')

    def found(self, source: Input, found: Found) -> None:
        self._entities[found.rule] = found.entity
        write_bytes(self._separator + b"\n" + json_text(_result(source, found)))
        self._separator = b","

    def end(self, totals: Totals) -> None:
        driver = {
            "name": "datavault",
            "version": version("datavault"),
            "rules": [_rule(rule, entity) for rule, entity in sorted(self._entities.items())],
        }
        properties = {
            "tier": self._search.tier.value,
            "lookedFor": sorted(self._search.entities),
            "notLookedFor": self._search.not_looked_for,
            "filesNotRead": totals.unread,
        }
        tail = json_text({"tool": {"driver": driver}, "properties": properties})
        write_bytes(b"],\n" + tail.removeprefix(b"{") + b"]}\n")


def _rule(rule: str, entity: str) -> dict[str, object]:
    return {
        "id": rule,
        "shortDescription": {"text": f"{entity}, found by the rule {rule}"},
        "properties": {"entity": entity},
    }


def _result(source: Input, found: Found) -> dict[str, object]:
    region: dict[str, object] = {"startLine": found.first.line, "startColumn": found.first.column}
    if found.last != found.first:
        region |= {"endLine": found.last.line, "endColumn": found.last.column}
    location: dict[str, object] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(source.path)}, "region": region}
    }
    if found.pointer is not None:
        location["logicalLocations"] = [
            {
                "fullyQualifiedName": found.pointer,
                "kind": "member",
                "properties": {"part": found.part},
            }
        ]
    properties: dict[str, object] = {
        "entity": found.entity,
        "score": found.score,
        "start": found.start,
        "end": found.end,
    }
    shown = "" if found.value is None else f": {found.value}"
    return {
        "ruleId": found.rule,
        "level": "error" if found.entity == "SECRET" else "warning",
        "message": {"text": f"{found.entity}, score {found.score:g}{shown}"},
        "locations": [location],
        "properties": properties,
    }


def _uri(path: Path | None) -> str:
    if path is None:
        return "stdin"
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
