"""How fast records are scanned: MB per CPU second, of each phase and of two peers in the same run.

    uv run python -m tests.benchmarks.scanner [--mb 16] [--corpus FILE.jsonl]

The records are chats of about 200 B, 2.4 kB and 10 kB, seeded, or the lines of a file. The rounds
are interleaved and the best of them is shown, as machines here are noisy. Two threads are shown
by wall clock.
"""

import argparse
import itertools
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from datavault.adapters.json_schema.checking import CompiledSchemas
from datavault.domain.records import LineScan, scan_ids, scan_lines, validate
from datavault.domain.schema_bounds import parse_record_schema

BATCH_BYTES = 2**20
TEXT = """the model returns a table of rows and `keys` for each "user" request; see [docs] {x: 1}
naïve café — it can be read again when the cache is cold and the index [i+1] was rebuilt\t"""
WORDS = TEXT.split(" ")

MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool"]},
        "content": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]},
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": ["id", "messages"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "messages": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/message"}},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "$defs": {"message": MESSAGE},
}

type Work = Callable[[bytes], object]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=16)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    size = int(options.mb * 1e6)
    checker = CompiledSchemas().compile("chats", parse_record_schema(SCHEMA))
    corpora = {f"{mean} B": corpus(mean, size) for mean in (200, 2_400, 10_000)}
    if options.corpus:
        with options.corpus.open("rb") as file:
            text = file.read(size)
        corpora = {options.corpus.name: text[: text.rfind(b"\n") + 1]}
    for name, text in corpora.items():
        batches = cut(text)
        print(f"{name}: {text.count(b'\n')} records, mean {len(text) // text.count(b'\n')} B")
        scans = {batch: scan_ids(batch, record_key="id") for batch in batches}
        works: dict[str, Work] = {
            "scan_ids": lambda batch: scan_ids(batch, record_key="id"),
            "validate, all": partial(every, scans),
            "validate, 2 %": partial(some, scans),
            "scan_lines": lambda batch: scan_lines(batch, record_key="id"),
            "msgspec.json.decode": lambda batch: [*map(msgspec.json.decode, lines(batch))],
            "JSON schema": lambda batch: checker.mismatches(lines(batch)),
            "json.loads": lambda batch: [*map(json.loads, lines(batch))],
        }
        for work, figure in cpu_figures(works, batches).items():
            print(f"  {work:22}{figure:8.0f} MB per CPU second")
        one, two = (wall(works["scan_lines"], batches, threads) for threads in (1, 2))
        print(f"  scan_lines by the clock: 1 thread {one:.0f} MB/s, 2 threads {two:.0f} MB/s")


def corpus(mean: int, size: int) -> bytes:
    """Chats of ``mean`` bytes, more or less, one a line, ``size`` bytes in all."""
    rng = np.random.default_rng(20240607)
    out: list[bytes] = []
    total = 0
    for number in itertools.count():
        turns = max(1, min(8, mean // 400))
        chat = []
        for turn in range(turns):
            words = max(1, (mean - 140) // turns // 6 + int(rng.integers(-2, 3)))
            content = " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), words).tolist())
            chat.append({"role": ("user", "assistant")[turn % 2], "content": content})
        record: dict[str, object] = {
            "id": f"{rng.integers(2**62):016x}{number:016x}",
            "messages": chat,
        }
        record |= {"model": "m-1", "score": round(float(rng.random()), 4), "meta": {"lang": "en"}}
        out.append(msgspec.json.encode(record) + b"\n")
        total += len(out[-1])
        if total >= size:
            return b"".join(out)
    raise AssertionError("counting never ends")


def cut(text: bytes) -> list[bytes]:
    """Batches of whole lines of about 1 MiB; a longer line is a batch of its own."""
    batches, start = [], 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + BATCH_BYTES) + 1
        if not end:
            end = text.find(b"\n", start) + 1 or len(text)
        batches.append(text[start:end])
        start = end
    return batches


def lines(batch: bytes) -> list[bytes]:
    """The lines of a batch."""
    return batch[:-1].split(b"\n")


def every(scans: dict[bytes, LineScan], batch: bytes) -> object:
    """Validation of every row."""
    return validate(batch, scans[batch])


def some(scans: dict[bytes, LineScan], batch: bytes) -> object:
    """Validation of every fiftieth row, as after an edit of 2 %."""
    scan = scans[batch]
    return validate(batch, scan, wanted=np.arange(len(scan.starts)) % 50 == 0)


def cpu_figures(works: dict[str, Work], batches: list[bytes], rounds: int = 5) -> dict[str, float]:
    """MB per CPU second of each, the best of interleaved rounds."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            begin = time.thread_time()
            for batch in batches:
                work(batch)
            best[name] = min(best[name], time.thread_time() - begin)
    return {name: sum(map(len, batches)) / seconds / 1e6 for name, seconds in best.items()}


def wall(work: Work, batches: list[bytes], threads: int, rounds: int = 5) -> float:
    """MB per second by the clock, the batches dealt to so many threads; the best of rounds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        running = [
            threading.Thread(target=lambda mine: [*map(work, mine)], args=(batches[i::threads],))
            for i in range(threads)
        ]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        best = min(best, time.perf_counter() - begin)
    return sum(map(len, batches)) / best / 1e6


if __name__ == "__main__":
    main()
