"""One measurement of ``tests.benchmarks.storage``, in a process of its own; prints JSON."""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datavault import wiring
from datavault.domain.access import Caller, Role
from datavault.domain.datasets import DEFAULT_BRANCH, Dataset
from datavault.domain.errors import Conflict
from datavault.domain.ids import DatasetName, RecordId, WorkspaceId
from datavault.domain.papers import Mode
from datavault.ports import Objects
from datavault.services.datasets import create_dataset
from datavault.services.datasets.search import list_datasets
from datavault.services.exports import export_lines
from datavault.services.ingest.stream import ingest_lines
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.records.reading import get_record
from datavault.services.versions.commits import list_commits

CHUNK_BYTES = 4 * 1024 * 1024
RECORDS_READ = 300


class CountingObjects:
    """Counts the calls to objects, the bytes put, and the time spent in them."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.gets = 0
        self.put_bytes = 0
        self.seconds = 0.0

    def put(self, key: str, parts: Sequence[bytes]) -> None:
        self.put_bytes += sum(map(len, parts))
        self._objects.put(key, parts)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self.gets += 1
        started = time.perf_counter()
        found = self._objects.get_range(key, start, length)
        self.seconds += time.perf_counter() - started
        return found

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.gets += 1
        started = time.perf_counter()
        found = self._objects.get_ranges(key, ranges)
        self.seconds += time.perf_counter() - started
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)


def main() -> None:
    """Do the job that the argument describes."""
    given = json.loads(sys.argv[1])
    caller = Caller(
        "benchmark", WorkspaceId(given["workspace"]), frozenset({Role.ADMIN}), "benchmark"
    )
    vault = wiring.vault()
    counting = CountingObjects(vault.objects)
    vault.objects = counting
    dataset = _dataset(vault, caller, given["dataset"])
    started, cpu = time.perf_counter(), time.process_time()
    if given["job"] == "ingest":
        ingest_lines(
            vault,
            caller=caller,
            dataset_id=dataset.id,
            branch=DEFAULT_BRANCH,
            chunks=_chunks(Path(given["file"])),
            message="benchmark",
            mode=Mode.REPLACE,
        )
        result: dict[str, Any] = {"stored": counting.put_bytes}
    elif given["job"] == "export":
        commits = list_commits(
            vault, caller=caller, dataset_id=dataset.id, ref="main", limit=1000, cursor=None
        )
        first = commits.items[-2].id  # The oldest is the empty one.
        with open(given["file"], "wb") as file:
            for piece in export_lines(vault, caller=caller, dataset_id=dataset.id, ref=first):
                file.write(piece)
        result = {}
    else:
        result = _read_records(vault, counting, caller, dataset)
    result["seconds"] = time.perf_counter() - started
    result["cpu"] = time.process_time() - cpu
    result["rss"] = _peak_rss_mb()
    print(json.dumps(result))


def _read_records(
    vault: Any, counting: CountingObjects, caller: Caller, dataset: Dataset
) -> dict[str, Any]:
    """Reads one record at a time by commit: cold, then with its leaf in memory."""
    commit = list_commits(
        vault, caller=caller, dataset_id=dataset.id, ref="main", limit=1, cursor=None
    ).items[0]
    version = commit.id
    tree = open_tree(vault, open_store(vault, dataset))
    leaves = tree.scan(commit.root)
    ids = [RecordId(bytes(leaf.ids[len(leaf) // 2]).decode()) for leaf in leaves][:RECORDS_READ]
    figures: dict[str, list[float]] = {"cold": [], "warm": [], "engine": []}
    gets = {"cold": 0, "warm": 0}
    vault.nodes.clear()
    for record_id in ids:
        for state in ("cold", "warm"):
            if state == "cold":
                vault.nodes.clear()
            counting.gets, counting.seconds = 0, 0.0
            catalog = _CountingCatalog(vault.catalog)
            started = time.perf_counter()
            get_record(
                _With(vault, catalog),
                caller=caller,
                dataset_id=dataset.id,
                ref=version,
                record_id=record_id,
            )
            took = time.perf_counter() - started
            figures[state].append(took)
            gets[state] += counting.gets
            if state == "warm":
                figures["engine"].append(took - counting.seconds - catalog.seconds)
    return {
        "cold_ms": statistics.median(figures["cold"]) * 1e3,
        "warm_ms": statistics.median(figures["warm"]) * 1e3,
        "engine_us": statistics.median(figures["engine"]) * 1e6,
        "cold_gets": gets["cold"] / len(ids),
        "warm_gets": gets["warm"] / len(ids),
    }


class _CountingCatalog:
    """Takes the time of what goes through it."""

    def __init__(self, catalog: Any) -> None:
        self._catalog = catalog
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._catalog, name)

        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - started

        return call


class _With:
    """A vault with another catalog."""

    def __init__(self, vault: Any, catalog: Any) -> None:
        self._vault = vault
        self.catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)


def _peak_rss_mb() -> float:
    """The peak of this program; ``ru_maxrss`` would begin with that of the one that started it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if "VmHWM" in line)


def _dataset(vault: Any, caller: Caller, name: str) -> Dataset:
    try:
        return create_dataset(
            vault,
            caller=caller,
            name=DatasetName(name),
            description="",
            labels=(),
            record_key="id",
            request=None,
        )
    except Conflict:
        page = list_datasets(vault, caller=caller, limit=1000, cursor=None)
        return next(dataset for dataset in page.items if dataset.name == name)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


if __name__ == "__main__":
    main()
