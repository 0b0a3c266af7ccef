"""One line on stderr that says how far something is; only on a terminal."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

PAUSE_S = 0.1
BAR_CHARS = 24
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Rewrites its line, at most ten times a second, and is gone at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = clock()
        self._told_s = 0.0
        self._visible = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._visible:
            click.echo(_CLEAR, err=True, nl=False)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._clock() - self._began_s

    def tell(self, text: str, *, done: int = 0, of: int | None = None) -> None:
        """Show ``text``, behind a bar when the end is known."""
        now_s = self._clock()
        if not self._visible or now_s - self._told_s < PAUSE_S:
            return
        self._told_s = now_s
        click.echo(f"{_CLEAR}{_bar(done, of) if of else ''}{text}", err=True, nl=False)


def _bar(done: int, of: int) -> str:
    share = min(1.0, done / of)
    filled = int(BAR_CHARS * share)
    return f"[{'#' * filled}{'.' * (BAR_CHARS - filled)}] {share:4.0%}  "
