"""A page of a list."""

from dataclasses import dataclass

LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Some items in order, and how to go on: ``next_cursor`` is ``None`` at the end."""

    items: tuple[T, ...]
    next_cursor: str | None
