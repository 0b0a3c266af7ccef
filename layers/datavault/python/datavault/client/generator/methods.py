"""The text of the modules of methods: one template, blocking and awaited."""

from enum import Enum

from datavault.client.generator.annotations import Imports, spelled
from datavault.client.generator.operations import Described, Parameter
from datavault.client.generator.routes import reply_type

_ROUTES = "datavault.client.routes"
_PAGING = "datavault.client.paging"
_CALLER = "datavault.client.caller"


class Flavour(Enum):
    """A way to call, and the words by which the two differ."""

    BLOCKING = "blocking"
    AWAITING = "awaiting"

    @property
    def folder(self) -> str:
        return self.value

    @property
    def is_async(self) -> bool:
        return self is Flavour.AWAITING

    @property
    def prefix(self) -> str:
        return "Async" if self.is_async else ""

    @property
    def define(self) -> str:
        return "async def" if self.is_async else "def"

    @property
    def wait(self) -> str:
        return "await " if self.is_async else ""

    @property
    def iterator(self) -> str:
        return "AsyncIterator" if self.is_async else "Iterator"


def package_module(capabilities: tuple[str, ...], flavour: Flavour) -> str:
    """All capabilities as one class."""
    names = [f"{flavour.prefix}{_title(capability)}" for capability in capabilities]
    imports = [
        f"from datavault.client.{flavour.folder}.{capability} import {name}"
        for capability, name in zip(capabilities, names, strict=True)
    ]
    return "\n".join(
        [
            '"""Generated from the operations table: every operation as a method."""',
            *imports,
            f"class {flavour.prefix}Operations({', '.join(names)}):",
            '    """A method for each operation of the vault."""',
            "",
        ]
    )


def methods_module(capability: str, rows: list[Described], flavour: Flavour) -> str:
    """A capability's methods."""
    imports = Imports()
    methods = [text for each in rows for text in _methods(each, flavour, imports)]
    return "\n".join(
        [
            f'"""Generated from the operations table: methods of {capability}."""',
            "from __future__ import annotations",
            "from typing import TYPE_CHECKING, Unpack",
            f"from {_CALLER} import {flavour.prefix}Caller",
            "from datavault.client.paging import pages, async_pages",
            f"from {_ROUTES} import Arguments",
            f"from datavault.client.routing import {capability} as routing",
            "if TYPE_CHECKING:",
            f"    from collections.abc import {flavour.iterator}",
            *(f"    {line}" for line in imports.lines()),
            f"class {flavour.prefix}{_title(capability)}({flavour.prefix}Caller):",
            f'    """Operations of {capability}."""',
            *methods,
            "",
        ]
    )


def _methods(each: Described, flavour: Flavour, imports: Imports) -> list[str]:
    found = [_method(each, flavour, imports)]
    if each.item is not None and each.returns_json:
        found.append(_iterator(each, flavour, imports))
    if each.sends_lines:
        found.append(_lines_in(each, flavour, imports))
    if each.returns_lines:
        found.append(_lines_out(each, flavour, imports))
        if each.item is not None:
            found.append(_line_iterator(each, flavour, imports))
    return found


def _method(each: Described, flavour: Flavour, imports: Imports) -> str:
    reply = reply_type(each, imports)
    keywords = _required_first((*each.body, *each.json_query))
    call = _call(each.constant, each, each.json_query, each.body)
    doc = f"{each.row.summary}."
    return _written(
        each.row.name, each, keywords, reply, doc, f"return {flavour.wait}{call}", flavour, imports
    )


def _lines_in(each: Described, flavour: Flavour, imports: Imports) -> str:
    reply = reply_type(each, imports)
    call = _call(each.constant, each, each.line_query, (), lines=True)
    return _written(
        f"{each.row.name}_as_lines",
        each,
        each.line_query,
        reply,
        f"``{each.row.name}`` from NDJSON; each line is kept byte for byte.",
        f"return {flavour.wait}{call}",
        flavour,
        imports,
        extra="lines: bytes",
    )


def _lines_out(each: Described, flavour: Flavour, imports: Imports) -> str:
    reply = imports.take("datavault.client.messages", "Lines")
    keywords = _required_first((*each.body, *each.json_query))
    call = _call(f"{each.constant}_AS_LINES", each, each.json_query, each.body)
    doc = f"``{each.row.name}`` as NDJSON; each line is a record byte for byte."
    name = f"{each.row.name}_as_lines"
    return _written(
        name, each, keywords, reply, doc, f"return {flavour.wait}{call}", flavour, imports
    )


def _iterator(each: Described, flavour: Flavour, imports: Imports) -> str:
    item = spelled(each.item, imports)
    if each.item is each.row.reply:
        return _paged(each, each.iterator, each.row.name, item, None, flavour, imports)
    return _paged(each, each.iterator, each.row.name, item, "page.data", flavour, imports)


def _line_iterator(each: Described, flavour: Flavour, imports: Imports) -> str:
    name = f"{each.row.name}_as_lines"
    return _paged(each, f"{each.iterator}_as_lines", name, "bytes", "page", flavour, imports)


def _paged(
    each: Described,
    name: str,
    listing: str,
    item: str,
    items: str | None,
    flavour: Flavour,
    imports: Imports,
) -> str:
    given = (*each.body, *each.json_query)
    limit = next((parameter for parameter in given if parameter.wire == "limit"), None)
    kept = [each for each in given if each.wire not in {"limit", "cursor"}]
    passed = [*each.path, *(f"{each.name}={each.name}" for each in kept)]
    declared = [each.declared(imports) for each in _required_first(tuple(kept))]
    if limit is not None:
        passed.append(f"{limit.name}=page_size")
        declared.append(f"page_size: int = {limit.most or limit.field.default}")
    walk, loop = ("async_pages", "async for") if flavour.is_async else ("pages", "for")
    call = f"{walk}(self.{listing}, {', '.join([*passed, '**options'])})"
    body = f"{loop} page in {call}:\n            for item in {items}:\n                yield item"
    if items is None:
        # An asynchronous generator cannot hand over to another one.
        whole = f"{loop} page in {call}:\n            yield page"
        body = whole if flavour.is_async else f"yield from {call}"
    elif not flavour.is_async:
        body = f"for page in {call}:\n            yield from {items}"
    doc = f"Iterate over all pages of ``{listing}``, each fetched when reached."
    return _definition(
        name,
        [*(f"{segment}: str" for segment in each.path)],
        declared,
        _options(each, imports),
        f"{flavour.iterator}[{item}]",
        doc,
        body,
        flavour,
    )


def _written(
    name: str,
    each: Described,
    keywords: tuple[Parameter, ...],
    reply: str,
    doc: str,
    body: str,
    flavour: Flavour,
    imports: Imports,
    *,
    extra: str | None = None,
) -> str:
    positional = [f"{segment}: str" for segment in each.path] + ([extra] if extra else [])
    declared = [parameter.declared(imports) for parameter in keywords]
    if each.states_version:
        declared.insert(0, "if_match: str | int")
    return _definition(
        name, positional, declared, _options(each, imports), reply, doc, body, flavour
    )


def _definition(
    name: str,
    positional: list[str],
    keywords: list[str],
    options: str,
    reply: str,
    doc: str,
    body: str,
    flavour: Flavour,
) -> str:
    parts = ["self", *positional, *(["*", *keywords] if keywords else [])]
    parts.append(f"**options: Unpack[{options}]")
    return (
        f"    {flavour.define} {name}({', '.join(parts)}) -> {reply}:\n"
        f'        """{doc}"""\n        {body}\n'
    )


def _call(
    route: str,
    each: Described,
    query: tuple[Parameter, ...],
    body: tuple[Parameter, ...],
    *,
    lines: bool = False,
) -> str:
    parts = []
    if each.path:
        # A tuple of one needs its comma; with more, the formatter would give each a line for it.
        parts.append(f"path=({', '.join(each.path)}{',' if len(each.path) == 1 else ''})")
    if query:
        parts.append(f"query={_mapping(query)}")
    if lines:
        parts.append("lines=lines")
    elif each.row.body is not None:
        parts.append(f"body={_mapping(body)}")
    if each.states_version:
        parts.append("if_match=if_match")
    return f"self.call(routing.{route}, Arguments({', '.join(parts)}), **options)"


def _mapping(parameters: tuple[Parameter, ...]) -> str:
    return f"{{{', '.join(f'{each.wire!r}: {each.name}' for each in parameters)}}}"


def _options(each: Described, imports: Imports) -> str:
    method = each.row.method
    return imports.take(_ROUTES, "CallOptions" if method == "GET" else "ChangeOptions")


def _required_first(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return tuple(sorted(parameters, key=lambda each: not each.required))


def _title(capability: str) -> str:
    return capability.title().replace("_", "")
