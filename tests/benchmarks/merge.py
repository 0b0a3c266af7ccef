"""Diff and merge of a million records, against loading the versions and joining them in Polars.

Run ``uv run python -m tests.benchmarks.merge``. Two branches come from one version; each changes
1 % of the records, scattered over all ids or all in one place, one of them a member of the object
and the other another member. Our vault is in memory with caches that are empty each time; Polars
reads files that the page cache holds, as NDJSON and as Parquet, which is its own best form. Polars
verifies and seals nothing, and what it merges is not stored.

- diff: the id and kind of every change between the base and one branch.
- merge: the base and two branches, and what the merge of them is.
"""

import argparse
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.ids import BranchName
from datavault.domain.merging import Outcome
from datavault.services.ingest.stream import ingest_lines
from tests.benchmarks.storage import Table
from tests.support.builders import MAIN, Process, Shelf
from tests.support.merging import DEV, merge

RATIO_GOALS = {"scattered": 3, "clustered": 20}
_WORDS = "the quick vault keeps every record of what was asked and answered in its own place"


@dataclass(frozen=True)
class Edits:
    """Which records one branch changes."""

    first: int
    step: int
    count: int

    def __contains__(self, number: int) -> bool:
        offset = number - self.first
        return 0 <= offset < self.step * self.count and offset % self.step == 0

    def numbers(self) -> range:
        return range(self.first, self.first + self.step * self.count, self.step)


def line(number: int, *, score: int = 0, label: str = "none") -> bytes:
    """A record of some 300 bytes."""
    turned = number * 2654435761 % 2**32
    return (
        f'{{"id":"{number:012d}","prompt":"{turned} {_WORDS}","response":"{_WORDS} {turned:x}'
        f' {_WORDS}","score":{score},"label":"{label}"}}\n'
    ).encode()


def lines(records: int) -> Iterator[bytes]:
    for start in range(0, records, 10_000):
        yield b"".join(map(line, range(start, min(records, start + 10_000))))


@dataclass(frozen=True)
class Took:
    """Seconds of one thing: by the clock, and of all threads' CPU, which a busy machine moves
    less."""

    wall: float
    cpu: float


def median_of(repeat: int, do: Callable[[], object]) -> Took:
    """The medians of several runs, after one that does not count."""
    do()
    walls, cpus = [], []
    for _ in range(repeat):
        started, worked = time.perf_counter(), time.process_time()
        do()
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - worked)
    return Took(statistics.median(walls), statistics.median(cpus))


class Versions:
    """The base and two branches, in a vault and in files."""

    def __init__(self, folder: Path, records: int, ours: Edits, theirs: Edits) -> None:
        self.shelf = Shelf.make(MemoryVault(), record_key="id")
        self.folder = folder
        self.both = len({*ours.numbers()} & {*theirs.numbers()})
        self._ingest(MAIN, lines(records))
        self.base = self.shelf.history()[0].id
        self.shelf.create_branch("dev")
        labelled = [line(number, label="edited") for number in ours.numbers()]
        scored = [line(number, score=1) for number in theirs.numbers()]
        self._ingest(MAIN, iter([b"".join(labelled)]))
        self._ingest(DEV, iter([b"".join(scored)]))
        self.made = 0
        self._write("base", records, lambda number: line(number))
        self._write(
            "ours",
            records,
            lambda number: line(number, label="edited" if number in ours else "none"),
        )
        self._write(
            "theirs", records, lambda number: line(number, score=1 if number in theirs else 0)
        )

    def diff(self) -> int:
        """Every change between the base and dev, by pages, in a process that has nothing yet."""
        shelf = self.shelf.on(Process(self.shelf.vault))
        found = 0
        cursor = None
        while True:
            page = shelf.diff_page(self.base, DEV, cursor=cursor)
            found += len(page.changes)
            cursor = page.next_cursor
            if cursor is None:
                return found

    def merge(self) -> int:
        """dev into a branch that is where main is."""
        self.made += 1
        target = BranchName(f"target-{self.made}")
        self.shelf.create_branch(target)
        landed = merge(self.shelf.on(Process(self.shelf.vault)), DEV, target)
        assert landed.outcome is Outcome.COMMITTED
        return landed.commit.counts.changed

    def polars_diff(self, form: str) -> int:
        old, new = self._scan("base", form), self._scan("theirs", form)
        joined = old.join(new, on="id", how="full", coalesce=True, suffix="_new")
        columns = [name for name in old.collect_schema().names() if name != "id"]
        differs = pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in columns
        )
        return joined.filter(differs).select("id").collect().height

    def polars_merge(self, form: str) -> int:
        base, ours, theirs = (self._scan(name, form) for name in ("base", "ours", "theirs"))
        columns = [name for name in base.collect_schema().names() if name != "id"]
        joined = base.join(ours, on="id", how="full", coalesce=True, suffix="_ours").join(
            theirs, on="id", how="full", coalesce=True, suffix="_theirs"
        )
        merged = joined.select(
            "id",
            *(
                pl.when(pl.col(name).eq_missing(pl.col(f"{name}_ours")))
                .then(f"{name}_theirs")
                .otherwise(f"{name}_ours")
                .alias(name)
                for name in columns
            ),
        )
        return merged.collect().height

    def _scan(self, name: str, form: str) -> pl.LazyFrame:
        file = self.folder / f"{name}.{form}"
        return pl.scan_parquet(file) if form == "parquet" else pl.scan_ndjson(file)

    def _ingest(self, branch: BranchName, chunks: Iterator[bytes]) -> None:
        ingest_lines(
            self.shelf.vault,
            caller=self.shelf.caller,
            dataset_id=self.shelf.dataset.id,
            branch=branch,
            chunks=chunks,
            message="ingest",
        )

    def _write(self, name: str, records: int, written: Callable[[int], bytes]) -> None:
        file = self.folder / f"{name}.ndjson"
        with file.open("wb") as out:
            for start in range(0, records, 10_000):
                out.write(b"".join(map(written, range(start, min(records, start + 10_000)))))
        pl.read_ndjson(file).write_parquet(self.folder / f"{name}.parquet")


def measure(table: Table, versions: Versions, shape: str, changed: int, repeat: int) -> None:
    """Every row of one shape of changes."""
    assert versions.diff() == changed
    for form in ("ndjson", "parquet"):
        assert versions.polars_diff(form) == changed
    assert versions.merge() == changed
    ours = {"diff": median_of(repeat, versions.diff), "merge": median_of(repeat, versions.merge)}
    table.add(f"{shape}: records merged by fields", f"{versions.both}")
    for what, took in ours.items():
        table.add(f"{shape}: {what}, ms", f"{took.wall * 1000:.0f}")
        table.add(f"{shape}: {what}, CPU ms", f"{took.cpu * 1000:.0f}")
    goal = f"  (goal >= {RATIO_GOALS[shape]}x)"
    for form in ("ndjson", "parquet"):
        polars = {"diff": versions.polars_diff, "merge": versions.polars_merge}
        for what, do in polars.items():
            other, took = median_of(repeat, partial(do, form)), ours[what]
            named = f"{shape}: {what}, Polars on {form}"
            table.add(f"{named}, ms", f"{other.wall * 1000:.0f}")
            table.add(f"{named}, against ours", f"{other.wall / took.wall:.1f}x{goal}")
            table.add(f"{named}, CPU against ours", f"{other.cpu / took.cpu:.1f}x{goal}")


def main() -> None:
    """Make the versions, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    records, changed = options.records, options.records // 100
    shapes = {
        "scattered": (Edits(0, 100, changed), Edits(50, 99, changed)),
        "clustered": (
            Edits(records // 4, 1, changed),
            Edits(records // 4 + changed * 9 // 10, 1, changed),
        ),
    }
    table = Table()
    for shape, (ours, theirs) in shapes.items():
        folder = Path(tempfile.mkdtemp(prefix="datavault-merge-"))
        try:
            versions = Versions(folder, records, ours, theirs)
            measure(table, versions, shape, changed, options.repeat)
        finally:
            shutil.rmtree(folder)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add("peak RSS, the vault in memory and Polars included, MB", f"{peak_mb:.0f}")


if __name__ == "__main__":
    main()
