"""How far a ``put`` of files has come, so that the same command goes on after a crash.

A note for each pair of source and target is kept in ``~/.local/state/datavault/puts`` (or below
``XDG_STATE_HOME``) from the first acknowledged batch until the end. It names the run, the files
and the checkpoint; no content. It is replaced whole after each batch: a crash in between repeats
that batch under its own key, which the vault carries out once in 24 hours.

Of an upload a note beside it has only the id: which parts have arrived, the vault knows.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload, of which files, with which wishes (a digest of them), and when it began."""

    upload: str
    parts: tuple[Part, ...]
    wishes: str
    began_s: float = field(default_factory=time.time)

    @property
    def lives(self) -> bool:
        """Whether what has arrived is there still."""
        return time.time() - self.began_s < KEYS_LIVE_S


class Note:
    """The note of one source and target; there is one process at a time that has it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Reached | None:
        """What it says; ``None`` without one, or when it cannot be understood."""
        try:
            found = json.loads(self.path.read_bytes())
            return Reached(
                run=str(found["run"]),
                parts=_parts_in(found),
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
            "parts": _as_json(reached.parts),
            "batches": reached.batches,
            "lines": reached.lines,
            "size_bytes": reached.size_bytes,
            "began_s": reached.began_s,
        }
        _replace(self.path, document)

    def read_upload(self) -> Begun | None:
        """The upload that was begun and not completed; ``None`` without one."""
        try:
            found = json.loads(self._upload.read_bytes())
            return Begun(
                upload=str(found["upload"]),
                parts=_parts_in(found),
                wishes=str(found["wishes"]),
                began_s=float(found["began_s"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write_upload(self, begun: Begun) -> None:
        """Remember an upload."""
        document = {
            "upload": begun.upload,
            "parts": _as_json(begun.parts),
            "wishes": begun.wishes,
            "began_s": begun.began_s,
        }
        _replace(self._upload, document)

    def remove_upload(self) -> None:
        """The upload has become a job, or nothing."""
        self._upload.unlink(missing_ok=True)

    @property
    def _upload(self) -> Path:
        return self.path.with_suffix(".upload")

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


def _parts_in(found: dict[str, Any]) -> tuple[Part, ...]:
    return tuple(Part(Path(path), size, time_ns) for path, size, time_ns in found["parts"])


def _as_json(parts: tuple[Part, ...]) -> list[tuple[str, int, int]]:
    return [(str(part.path), part.size, part.mtime_ns) for part in parts]


def _replace(path: Path, document: dict[str, object]) -> None:
    """Write ``path`` whole. It tells what was put where: nobody else's business."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    temporary.replace(path)


def _folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "datavault" / "puts"
