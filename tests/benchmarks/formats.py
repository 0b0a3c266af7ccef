"""How fast files become batches: MB of file per CPU second, beside other readers in the same run.

    uv run python -m tests.benchmarks.formats [--mb 32]

The records are the chats of the scanner's benchmark, of about 2.4 kB, and a table of 8 columns.
MB are those of the text, decompressed. What others read is as near as they come: Python's own
readers give objects, pyarrow gives columns; ours gives checked lines with their places.
"""

import argparse
import csv
import gzip
import io
import json
import time
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import zstandard

from datavault.adapters.parquet.columnar import ParquetColumnar
from datavault.domain.formats.batch import Refused
from datavault.domain.formats.detect import NOTHING_GIVEN, Given, Shape, detect
from datavault.domain.formats.reading import read_file
from datavault.domain.formats.tables import Kind
from tests.benchmarks.scanner import corpus

CHUNK_BYTES = 8 * 2**20
ROUNDS = 3

type Work = Callable[[], object]


class File:
    """A file in memory that can be read anywhere."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        return len(self._content)

    def read(self, start: int, length: int) -> bytes:
        return self._content[start : start + length]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=32)
    size = int(parser.parse_args().mb * 1e6)
    for name, text_bytes, works in cases(size):
        best = dict.fromkeys(works, float("inf"))
        for _ in range(ROUNDS):
            for work, run in works.items():
                begin = time.process_time()
                run()
                best[work] = min(best[work], time.process_time() - begin)
        figures = ", ".join(
            f"{work} {text_bytes / spent / 1e6:.0f}" for work, spent in best.items()
        )
        print(f"{name:22} {figures}", flush=True)


def cases(size: int) -> Iterator[tuple[str, int, dict[str, Work]]]:
    """Each format with the ways to read it."""
    lines = corpus(2_400, size)
    array = b"[" + lines.strip().replace(b"\n", b",\n") + b"]"
    short = corpus(200, size)
    pretty = json.dumps([json.loads(line) for line in short.splitlines()], indent=2).encode()
    table = "".join(rows(size)).encode()
    small_table = table[: table.rindex(b"\n", 0, size // 4) + 1]
    gz, zst = gzip.compress(lines, 6), zstandard.compress(lines)
    yield (
        "ndjson",
        len(lines),
        {"ours": ours(lines), "split": lambda: lines.split(b"\n")}
        | {"pyarrow.json": lambda: pa.json.read_json(io.BytesIO(lines))},
    )
    yield "ndjson gzip", len(lines), {"ours": ours(gz), "gzip": lambda: gzip.decompress(gz)}
    yield "ndjson zstd", len(lines), {"ours": ours(zst), "zstandard": lambda: unzstd(zst)}
    utf_16 = lines.decode().encode("utf-16")
    yield "ndjson utf-16", len(lines), {"ours": ours(utf_16), "str": lambda: utf_16.decode("utf16")}
    yield "json array", len(array), {"ours": ours(array), "json": lambda: json.loads(array)}
    yield (
        "json array, indented",
        len(pretty),
        {
            "ours": ours(pretty),
            "json": lambda: json.loads(pretty),
        },
    )
    yield (
        "csv of strings",
        len(table),
        {
            "ours": ours(table, Given(shape=Shape.CSV)),
            "csv": lambda: [*csv.DictReader(io.StringIO(table.decode(), newline=""))],
            "pyarrow.csv": lambda: pa.csv.read_csv(io.BytesIO(table)),
        },
    )
    kinds = {"id": Kind.INTEGER, "score": Kind.NUMBER, "count": Kind.INTEGER}
    yield (
        "csv, 3 columns typed",
        len(small_table),
        {"ours": ours(small_table, Given(shape=Shape.CSV, kinds=kinds))},
    )
    yield (
        "text lines",
        len(table),
        {
            "ours": ours(table, Given(shape=Shape.TEXT_LINES)),
            "str.splitlines": lambda: table.decode().splitlines(),
        },
    )
    spaced = table.replace(b"5,en,web,\n", b"5,en,web,\n\n")
    paragraphs = ours(spaced, Given(shape=Shape.TEXT_PARAGRAPHS))
    yield "text paragraphs", len(spaced), {"ours": paragraphs}
    yield from parquet(lines)


def parquet(lines: bytes) -> Iterator[tuple[str, int, dict[str, Work]]]:
    """The chats as columns, with their lists of structs."""
    target = io.BytesIO()
    pq.write_table(pa.json.read_json(io.BytesIO(lines)), target, row_group_size=10_000)
    content = target.getvalue()

    def read() -> None:
        columnar, file = ParquetColumnar(), File(content)
        for index in range(len(columnar.groups(file))):
            for _ in columnar.read(file, index, never):
                pass

    yield (
        "parquet",
        len(lines),
        {
            "ours": read,
            "pyarrow": lambda: pq.read_table(io.BytesIO(content), use_threads=False).to_pylist(),
        },
    )


def ours(content: bytes, given: Given = NOTHING_GIVEN) -> Work:
    """Reading a whole file as one of its format."""
    chunks = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
    form = detect(content[: 256 * 1024], "file", given=given)

    def read() -> None:
        for _ in read_file(chunks, form, never):
            pass

    return read


def never(refused: Refused) -> None:
    """These files have no bad record."""
    raise AssertionError(f"{refused.place}: {refused.error}")


def rows(size: int) -> Iterator[str]:
    """A table with texts, some of them quoted, of ``size`` bytes."""
    yield "id,title,text,score,count,lang,source,note\n"
    total = number = 0
    while total < size:
        text = "a sentence, with a comma and some more words to read " * (1 + number % 5)
        row = f'{number},Title {number},"{text}",{number / 7:.4f},{number * 7},en,web,\n'
        yield row
        total += len(row)
        number += 1


def unzstd(content: bytes) -> bytes:
    """All at once."""
    return zstandard.ZstdDecompressor().decompress(content)


if __name__ == "__main__":
    main()
