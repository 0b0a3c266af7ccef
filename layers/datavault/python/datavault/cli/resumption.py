"""How far a ``put`` of files has come, so that the same command goes on after a crash.

A note for each pair of source and target is kept in ``~/.local/state/datavault/puts`` (or below
``XDG_STATE_HOME``) from the first acknowledged batch until the end. It names the run, the files
and the checkpoint; no content. It is replaced whole after each batch: a crash in between repeats
that batch under its own key, which the vault carries out once in 24 hours.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datavault.cli.exits import CommandFailed, Exit
from datavault.cli.sources import Part

# So long the vault knows a batch by its key.
KEYS_LIVE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Reached:
    """A run, when it began, and the checkpoint before which everything is in the vault."""

    run: str
    parts: tuple[Part, ...]
    batches: int = 0
    lines: int = 0
    size_bytes: int = 0
    began_s: float = field(default_factory=time.time)

    @property
    def keys_live(self) -> bool:
        """Whether the vault still knows the batches of this run that it may have taken."""
        return time.time() - self.began_s < KEYS_LIVE_S


class Note:
    """The note of one source and target; there is one process at a time that has it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Reached | None:
        """What it says; ``None`` without one, or when it cannot be understood."""
        try:
            found = json.loads(self.path.read_bytes())
            parts = tuple(Part(Path(path), size, time_ns) for path, size, time_ns in found["parts"])
            return Reached(
                run=str(found["run"]),
                parts=parts,
                batches=int(found["batches"]),
                lines=int(found["lines"]),
                size_bytes=int(found["size_bytes"]),
                began_s=float(found["began_s"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, reached: Reached) -> None:
        """Replace it."""
        document = {
            "run": reached.run,
            "parts": [(str(part.path), part.size, part.mtime_ns) for part in reached.parts],
            "batches": reached.batches,
            "lines": reached.lines,
            "size_bytes": reached.size_bytes,
            "began_s": reached.began_s,
        }
        temporary = self.path.with_suffix(".new")
        # It tells what was put where: nobody else's business.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
        temporary.replace(self.path)

    def remove(self) -> None:
        """The put is done."""
        self.path.unlink(missing_ok=True)


@contextmanager
def note_of(endpoint: str, dataset_id: str, branch: str, paths: tuple[Path, ...]) -> Iterator[Note]:
    """The note of these paths into this branch.

    Raises:
        CommandFailed: another process is putting the same.
    """
    import fcntl

    named = json.dumps([endpoint, dataset_id, branch, [str(path.resolve()) for path in paths]])
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.json"
    # The lock ends with the process, however that ends; its file stays, and is empty.
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(
                Exit.CONFLICT, "conflict: another process is putting the same files there"
            ) from None
        yield Note(path)


def _folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "datavault" / "puts"
