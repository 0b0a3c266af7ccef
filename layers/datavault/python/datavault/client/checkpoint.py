"""Where a stream can be taken up again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place between two batches, before which everything is in the vault.

    ``lines`` and ``size_bytes`` count what was read of the source: to go on from here, seek a
    file to ``size_bytes``, or leave out so many lines.
    """

    batches: int = 0
    lines: int = 0
    size_bytes: int = 0
