"""Replacing a name of the emulator so that an upgrade cannot silently undo it."""

from types import ModuleType
from typing import Any


class ShimMisfit(RuntimeError):
    """The installed emulator is not the one that the shims were written for."""


def replace(module: ModuleType, name: str, replacement: object) -> Any:  # noqa: ANN401
    """Set ``module.name`` and return what it was.

    Raises:
        ShimMisfit: the module has no such name, so the replacement would do nothing.
    """
    try:
        original = getattr(module, name)
    except AttributeError as error:
        raise ShimMisfit(f"{module.__name__} has no {name}") from error
    setattr(module, name, replacement)
    return original
