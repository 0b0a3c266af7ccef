"""The text of a ``routing`` module."""

from datavault.client.generator.annotations import Imports
from datavault.client.generator.operations import Described
from datavault.contracts.operations import JSON, NDJSON


def routes_module(capability: str, rows: list[Described]) -> str:
    """The routes of a capability, one or two for each of its operations."""
    imports = Imports()
    imports.take("datavault.client.routes", "Route")
    constants = [text for each in rows for text in _routes(each, imports)]
    typed = imports.names.keys() - {"datavault.client.routes"}
    return "\n".join(
        [
            f'"""Generated from the operations table: routes of {capability}."""',
            "from __future__ import annotations",
            "from typing import TYPE_CHECKING",
            "from datavault.client.routes import Route",
            "if TYPE_CHECKING:",
            *(f"    {line}" for line in Imports({n: imports.names[n] for n in typed}).lines()),
            "    pass" if not typed else "",
            *constants,
            "",
        ]
    )


def reply_type(each: Described, imports: Imports) -> str:
    """The annotation of what the JSON (or only) form of a call gives."""
    row = each.row
    if row.reply is not None:
        return imports.take(row.reply.__module__, row.reply.__name__)
    if row.status == 204:
        return "None"
    return "dict[str, object]" if each.returns_json else "str"


def _routes(each: Described, imports: Imports) -> list[str]:
    row = each.row
    reply = reply_type(each, imports)
    model = None if row.reply is None else f"{row.reply.__module__}:{row.reply.__name__}"
    first = JSON if each.returns_json else row.returns[0]
    found = [_route(each, each.constant, reply, model, first)]
    if each.returns_lines:
        lines = imports.take("datavault.client.messages", "Lines")
        found.append(_route(each, f"{each.constant}_AS_LINES", lines, None, NDJSON))
    return found


def _route(each: Described, name: str, reply: str, model: str | None, returns: str) -> str:
    row = each.row
    parts = [repr(row.name), repr(row.method), repr(row.path)]
    parts += [] if model is None else [repr(model)]
    parts += [] if row.action is not None else ["authorized=False"]
    parts += [] if returns == JSON else [f"returns={returns!r}"]
    return f"{name}: Route[{reply}] = Route({', '.join(parts)})"
