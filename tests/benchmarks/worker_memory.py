"""The peak resident memory of a worker that reads one part of a file, in a process of its own.

    uv run python -m tests.benchmarks.worker_memory [--mb 230] [--only parquet]

For records of 190 bytes and of 2.4 kB, as lines and as Parquet with one row group. The vault is in
memory, but what it stores and what has landed are files, so that they count for nobody; the
process has imported what the function imports, but its clients of AWS, and has the same settings of
its allocator. A part has 256 MB at the most.
"""

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from datavault.adapters.memory.landing import MemoryLanding
from datavault.adapters.memory.objects import MemoryObjects
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.drops import Dropped, drop_prefix
from datavault.domain.landing import Landed
from datavault.ports import Clock
from datavault.services.ingest.drops import open_drop
from functions.ingest import ingest_part, plan_ingest
from tests.support.builders import MAIN, Shelf

RECORD_BYTES = {"small": 190, "large": 2_400}
FORMATS = ("jsonl", "parquet")
BAR_MB = 300


class FileObjects(MemoryObjects):
    """Objects whose contents are files of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def put(self, key: str, parts: Sequence[bytes]) -> None:
        super().put(key, [b""])
        with self._path(key).open("wb") as file:
            file.writelines(parts)

    def get(self, key: str) -> bytes:
        super().get(key)
        return self._path(key).read_bytes()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self.get(key)[start : start + length]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        content = self.get(key)
        return [content[start : start + length] for start, length in ranges]

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "+")


class OneFile(MemoryLanding):
    """A landing in which a file of this machine has landed."""

    def __init__(self, clock: Clock, key: str, path: Path) -> None:
        super().__init__(clock)
        self._file = path.open("rb")
        self._landed = Landed(key, "tag", path.stat().st_size)

    def head(self, key: str) -> Landed:
        return self._landed

    def read(self, landed: Landed, start: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, start)


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=230, help="size of the records as lines")
    parser.add_argument("--only", choices=FORMATS)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read is not None:
        read(options.read)
        return
    # Not for the process that reads, which would have all of the CDK in its memory.
    from infra.function import WORKER_MEMORY

    with tempfile.TemporaryDirectory(prefix="datavault-worker-") as folder:
        for size in RECORD_BYTES:
            for form in FORMATS:
                if options.only in {None, form}:
                    path = Path(folder, f"{size}.{form}")
                    write(path, RECORD_BYTES[size], options.mb * 1_000_000)
                    command = [sys.executable, "-m", __spec__.name, "--read", str(path)]
                    subprocess.run(command, check=True, env={**os.environ, **WORKER_MEMORY})
                    path.unlink()


def records(record_bytes: int, size: int) -> Iterator[dict[str, object]]:
    """Records of about that many bytes, ``size`` together."""
    chance = random.Random(1)
    words = [f"{chance.getrandbits(40):010x}" for _ in range(5000)]
    for at in range(size // record_bytes):
        text = " ".join(chance.choices(words, k=(record_bytes - 60) // 11))
        yield {"id": f"record-{at:012}", "text": text, "number": at}


def write(path: Path, record_bytes: int, size: int) -> None:
    """The records in a file of the format that its name says."""
    rows = records(record_bytes, size)
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        return
    # Imported here, so that the process that reads has what the function has.
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([*rows]), path, row_group_size=10**7)


def read(path: Path) -> None:
    """Take in the first part of a file, and print what that took."""
    logging.disable(logging.CRITICAL)
    vault = MemoryVault()
    vault.objects = FileObjects(path.parent)
    shelf = Shelf.make(vault, record_key="id")
    key = drop_prefix(shelf.caller.workspace, shelf.dataset.id, MAIN) + path.name
    vault.landing = OneFile(vault.clock, key, path)
    dropped = Dropped("landing", key, "tag", "", "1", "1", vault.clock.now_ms(), "c")
    job = open_drop(vault, dropped=dropped).job
    step = {"workspace": shelf.caller.workspace, "job": job, "correlation_id": "c", "part": 0}
    output, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  # The metrics' lines.
    plan_ingest.handler.run(vault, step)
    before_mb = memory_mb("VmRSS")
    began_s = time.process_time()
    ingest_part.handler.run(vault, step)
    spent_s = time.process_time() - began_s
    sys.stdout = output
    peak_mb = memory_mb("VmHWM")
    verdict = "" if peak_mb <= BAR_MB else f", over the bar of {BAR_MB}"
    print(f"{path.name:14} {before_mb:.0f} MB before, {peak_mb:.0f} at its peak{verdict};", end=" ")
    print(f"{spent_s:.1f} s of CPU", flush=True)


def memory_mb(name: str) -> float:
    """A line of this process's status, in millions of bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(name)) * 1024 / 1e6


if __name__ == "__main__":
    main()
