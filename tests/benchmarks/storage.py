"""Storage, side by side with restic and zstd: ``uv run python -m tests.benchmarks.storage``.

Runs the services with the AWS adapters against the local cloud's S3, DynamoDB and KMS; each of our
measurements is a process of its own, so that its peak memory is its own. The cloud shares the two
cores with what is measured, where restic writes to a folder: that is part of our price.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datavault.local.cloud import LocalCloud
from datavault.local.vault import deploy_vault
from datavault.local.workspace import operator_environment, operator_vault
from datavault.services.workspaces import create_workspace
from tests.benchmarks.corpus import Corpus, make_corpus, make_flat

PERFORMANCE_GOALS = {
    "v1 ingest, against restic": ">= 2.5x",
    "v1 ingest, against zstd -1 -T2": ">= 0.7x",
    "v2 new bytes, against restic": "<= 0.05x",
    "v2 ingest, against restic": ">= 4x",
    "restore with verification, against restic": ">= 2x",
    "200 B records against 10 kB records, MB/s": ">= 0.5x",
    "peak RSS of the ingest, MB": "<= 300",
    "peak RSS of the restore, MB": "<= 300",
    "one record, leaf cached: object GETs": "1",
    "one record, leaf cached: our software, us": "<= 150",
    "cold import of a read handler, ms": "<= 350",
}

# As the functions have it (``infra.function``).
LAMBDA_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "536870912",
    "MALLOC_TOP_PAD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "1",
}


@dataclass
class Table:
    """What was measured, in order."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, figure: str) -> None:
        """A row, with its goal if it has one; shown at once."""
        self.rows.append((what, figure, PERFORMANCE_GOALS.get(what, "")))
        print(f"{what:<52}{figure:>16}   {self.rows[-1][2]}", flush=True)


@dataclass(frozen=True)
class Place:
    """Where the measured processes find the vault."""

    environment: Mapping[str, str]
    workspace: str

    def run(self, job: str, **given: Any) -> dict[str, Any]:
        """Run one measurement in a process of its own."""
        arguments = json.dumps({"job": job, "workspace": self.workspace, **given})
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.storage_job", arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            check=True,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result


def main() -> None:
    """Make the corpus, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=1000, help="size of the corpus")
    parser.add_argument("--repeat", type=int, default=3, help="runs of what is compared")
    options = parser.parse_args()
    if shutil.which("restic") is None:
        sys.exit("restic is not installed: apt-get install restic")
    folder = Path(tempfile.mkdtemp(prefix="datavault-storage-"))
    try:
        corpus = make_corpus(folder, options.mb)
        print(f"{corpus.records} records, {corpus.first.stat().st_size / 1e6:.0f} MB\n")
        with LocalCloud.start() as cloud:
            deployed = deploy_vault(cloud)
            vault = operator_vault(cloud, deployed)
            workspace = create_workspace(
                vault, operator=vault.operator, name="benchmark", stage="local"
            )
            environment = {**operator_environment(cloud, deployed), **LAMBDA_ENVIRONMENT}
            place = Place(environment, workspace.id)
            measure(place, corpus, folder, options.repeat, options.mb)
    finally:
        shutil.rmtree(folder)


def measure(place: Place, corpus: Corpus, folder: Path, repeat: int, megabytes: int) -> None:
    """Every row of the table."""
    table = Table()
    first_mb = corpus.first.stat().st_size / 1e6
    second_mb = corpus.second.stat().st_size / 1e6
    ours, theirs, plain = [], [], []
    for number in range(repeat):
        dataset = f"v1-{number}"
        ours.append(place.run("ingest", dataset=dataset, file=str(corpus.first)))
        theirs.append(Restic(folder / f"restic-{number}").backup(corpus.first))
        plain.append(zstd(corpus.first, folder))
    ours_s = median(ours, "seconds")
    table.add("v1 ingest, MB/s", f"{first_mb / ours_s:.0f}")
    table.add("v1 ingest, MB per CPU second", f"{first_mb / median(ours, 'cpu'):.0f}")
    table.add("restic backup, MB/s", f"{first_mb / statistics.median(theirs):.0f}")
    table.add("zstd -1 -T2, MB/s", f"{first_mb / statistics.median(plain):.0f}")
    table.add("v1 ingest, against restic", f"{statistics.median(theirs) / ours_s:.2f}x")
    table.add("v1 ingest, against zstd -1 -T2", f"{statistics.median(plain) / ours_s:.2f}x")
    table.add("v1 stored, MB", f"{ours[-1]['stored'] / 1e6:.1f}")
    table.add("restic stored, MB", f"{Restic(folder / 'restic-0').size() / 1e6:.1f}")
    table.add("peak RSS of the ingest, MB", f"{max(run['rss'] for run in ours):.0f}")
    _second(place, corpus, folder, repeat, table, second_mb)
    _restore(place, corpus, folder, repeat, table, first_mb)
    _records(place, table)
    _sizes(place, folder, table, min(megabytes, 200), repeat)
    table.add("cold import of a read handler, ms", f"{cold_import_ms():.0f}")


def _second(
    place: Place, corpus: Corpus, folder: Path, repeat: int, table: Table, second_mb: float
) -> None:
    ours, theirs, sizes = [], [], []
    for number in range(repeat):
        restic = Restic(folder / f"restic-{number}")
        before = restic.size()
        ours.append(place.run("ingest", dataset=f"v1-{number}", file=str(corpus.second)))
        theirs.append(restic.backup(corpus.second))
        sizes.append(restic.size() - before)
    new, restic_new = ours[-1]["stored"], statistics.median(sizes)
    table.add("v2 ingest, MB/s", f"{second_mb / median(ours, 'seconds'):.0f}")
    table.add("v2 new bytes, MB", f"{new / 1e6:.2f}")
    table.add("restic v2 new bytes, MB", f"{restic_new / 1e6:.1f}")
    table.add("v2 new bytes, against restic", f"{new / restic_new:.3f}x")
    ratio = statistics.median(theirs) / median(ours, "seconds")
    table.add("v2 ingest, against restic", f"{ratio:.2f}x")
    place.run("ingest", dataset="v1-0", file=str(corpus.first))
    again = place.run("ingest", dataset="v1-0", file=str(corpus.shuffled))
    table.add("shuffled: new bytes, MB", f"{again['stored'] / 1e6:.3f}")
    shuffled = Restic(folder / "restic-0")
    before = shuffled.size()
    shuffled.backup(corpus.shuffled)
    table.add("restic, shuffled: new bytes, MB", f"{(shuffled.size() - before) / 1e6:.1f}")


def _restore(
    place: Place, corpus: Corpus, folder: Path, repeat: int, table: Table, first_mb: float
) -> None:
    ours, theirs = [], []
    out = folder / "restored"
    for number in range(repeat):
        ours.append(place.run("export", dataset="v1-0", file=str(out)))
        theirs.append(Restic(folder / f"restic-{number}").restore(folder / "restic-out"))
    if sorted(out.read_bytes().split(b"\n")) != sorted(corpus.first.read_bytes().split(b"\n")):
        sys.exit("what came out is not what went in")
    table.add("restore, MB/s", f"{first_mb / median(ours, 'seconds'):.0f}")
    table.add("restore, MB per CPU second", f"{first_mb / median(ours, 'cpu'):.0f}")
    table.add("restic restore, MB/s", f"{first_mb / statistics.median(theirs):.0f}")
    ratio = statistics.median(theirs) / median(ours, "seconds")
    table.add("restore with verification, against restic", f"{ratio:.2f}x")
    table.add("peak RSS of the restore, MB", f"{max(run['rss'] for run in ours):.0f}")


def _records(place: Place, table: Table) -> None:
    found = place.run("records", dataset="v1-0")
    table.add("one record, cold: ms", f"{found['cold_ms']:.2f}")
    table.add("one record, cold: object GETs", f"{found['cold_gets']:g}")
    table.add("one record, leaf cached: ms", f"{found['warm_ms']:.2f}")
    table.add("one record, leaf cached: object GETs", f"{found['warm_gets']:g}")
    table.add("one record, leaf cached: our software, us", f"{found['engine_us']:.0f}")


def _sizes(place: Place, folder: Path, table: Table, megabytes: int, repeat: int) -> None:
    speeds: dict[int, list[float]] = {200: [], 10_000: []}
    files = {size: make_flat(folder / f"flat-{size}.jsonl", megabytes, size) for size in speeds}
    for number in range(repeat):
        for size, file in files.items():
            run = place.run("ingest", dataset=f"flat-{size}-{number}", file=str(file))
            speeds[size].append(file.stat().st_size / 1e6 / run["seconds"])
    small, large = (statistics.median(speeds[size]) for size in (200, 10_000))
    table.add("200 B records, MB/s", f"{small:.0f}")
    table.add("10 kB records, MB/s", f"{large:.0f}")
    table.add("200 B records against 10 kB records, MB/s", f"{small / large:.2f}x")


class Restic:
    """A restic repository in a folder, compressed as restic does by default."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "RESTIC_PASSWORD": "benchmark",
            "RESTIC_REPOSITORY": str(folder / "repository"),
            "RESTIC_CACHE_DIR": str(folder / "cache"),
        }
        if not folder.exists():
            folder.mkdir()
            self._run("init", "--repository-version", "2")

    def backup(self, file: Path) -> float:
        """Store a file; seconds."""
        # Under one name, so that it is the next version of the same file.
        link = self._folder / "corpus.jsonl"
        link.unlink(missing_ok=True)
        os.link(file, link)
        return self._run("backup", "--force", str(link))

    def restore(self, target: Path) -> float:
        """Restore the first version; seconds."""
        shutil.rmtree(target, ignore_errors=True)
        listed = subprocess.run(
            ["restic", "snapshots", "--json"],
            env=self._environment,
            capture_output=True,
            check=True,
        )
        first = json.loads(listed.stdout)[0]["id"]
        return self._run("restore", first, "--target", str(target))

    def size(self) -> int:
        """Bytes in the repository."""
        files = (self._folder / "repository").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def _run(self, *arguments: str) -> float:
        return timed(["restic", *arguments], self._environment)


def zstd(file: Path, folder: Path) -> float:
    """Compress a file with all it has, and nothing else; seconds."""
    out = folder / "plain.zst"
    return timed(["zstd", "-1", "-T2", "-f", "-q", str(file), "-o", str(out)], os.environ)


def cold_import_ms() -> float:
    """Importing what ``get_record`` runs on, less starting Python; median of seven."""
    wanted = "import functions.records.get"
    _python_ms(wanted)  # The first one may write the .pyc.
    took = [_python_ms(wanted) - _python_ms("pass") for _ in range(7)]
    return statistics.median(took)


def _python_ms(program: str) -> float:
    started = time.perf_counter()
    environment = {**os.environ, **LAMBDA_ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return (time.perf_counter() - started) * 1000


def timed(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds that a command takes."""
    started = time.perf_counter()
    subprocess.run(
        command,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def median(runs: Sequence[Mapping[str, Any]], what: str) -> float:
    """The median of one figure."""
    value: Callable[[Mapping[str, Any]], float] = lambda run: run[what]  # noqa: E731
    return statistics.median(map(value, runs))


if __name__ == "__main__":
    main()
