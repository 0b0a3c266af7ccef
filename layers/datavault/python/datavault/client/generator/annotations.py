"""Annotations of the contracts' fields as text, and what that text has to import."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin


@dataclass(slots=True)
class Imports:
    """Names that a module needs, by the module they come from."""

    names: dict[str, set[str]] = field(default_factory=dict)

    def take(self, module: str, name: str) -> str:
        """``name``, imported from ``module``."""
        self.names.setdefault(module, set()).add(name)
        return name

    def lines(self) -> list[str]:
        """The import statements."""
        return [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(self.names.items())
        ]


def spelled(annotation: Any, imports: Imports) -> str:  # noqa: ANN401
    """An annotation as a caller may fulfil it: any sequence for a list, any mapping for a dict."""
    if isinstance(annotation, TypeAliasType):
        return spelled(annotation.__value__, imports)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return spelled(arguments[0], imports)
    if isinstance(origin, TypeAliasType):
        raise TypeError(f"a generic alias has no spelling here: {annotation}")
    if origin in {Union, types.UnionType}:
        return " | ".join(dict.fromkeys(spelled(each, imports) for each in arguments))
    if origin is Literal:
        return f"{imports.take('typing', 'Literal')}[{', '.join(map(repr, arguments))}]"
    if origin in {list, tuple, Sequence, set, frozenset}:
        sequence = imports.take("collections.abc", "Sequence")
        return f"{sequence}[{spelled(arguments[0], imports)}]"
    if origin in {dict, Mapping}:
        mapping = imports.take("collections.abc", "Mapping")
        return f"{mapping}[{', '.join(spelled(each, imports) for each in arguments)}]"
    return _plain(annotation, imports)


def spelled_default(value: object) -> str:
    """A default as a signature shows it; what has no spelling is not sent, and so ``None``."""
    if isinstance(value, Enum):
        value = value.value
    if value == ():
        return "()"
    return repr(value) if isinstance(value, str | int | float | bool) else "None"


def _plain(annotation: Any, imports: Imports) -> str:  # noqa: ANN401
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Any:
        return "object"
    if not isinstance(annotation, type):
        raise TypeError(f"an annotation without a spelling: {annotation!r}")
    if annotation.__module__ == "builtins":
        return annotation.__name__
    return imports.take(annotation.__module__, annotation.__qualname__)
