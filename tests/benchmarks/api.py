"""The API under load: latency of each operation, and our CPU beside that of plain boto3.

Run as ``uv run python -m tests.benchmarks.api``; it starts a local cloud and ends it. Words name
operations, such as ``"append 1"``; without any, all are measured. Three tables (``--table``):

- *load*: 1, 10 and 50 clients at once (``--clients``), through the whole local cloud
  (``tests.benchmarks.api_load``). ``check_live`` is the route that does nothing: what others take
  beyond it is theirs. The clients, the gateway, the functions and the emulated services share this
  machine's processors, so that figures compare within a run and not with AWS.
- *cold*: the first call of a process that has just been started, beside the next ones.
- *cpu*: a handler in this process on the same services, warm, against the very calls that it made
  to DynamoDB and S3, made again through boto3. All CPU of the process counts, all threads'.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any

from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.objects import S3Objects
from datavault.contracts.operations import operation
from datavault.wiring import AwsVault
from tests.benchmarks.api_calls import OPERATIONS, RECORDS, Bench, Client, Measured
from tests.benchmarks.api_load import Bounds, load_lines
from tests.e2e.deployment import deployment
from tests.e2e.processes import functions_of, kill
from tests.functions.events import Client as Gateway
from tests.support.http import Call

CLIENTS = (1, 10, 50)
REQUESTS_MAX = 300
SECONDS_MAX = 3.0
COLD_TIMES = 5
CPU_TIMES = 60
COLD = ("no-op route", "describe dataset", "get record, commit", "append 1", "commit, own branch")
# The one calls nothing; the others cannot be done twice the same.
NO_CPU = ("no-op route", "commit, own branch", "commit, one branch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help=f"of {', '.join(OPERATIONS)}")
    tables = ("cpu", "cold", "load")
    parser.add_argument("--table", action="append", choices=tables, help="may be repeated")
    parser.add_argument("--clients", action="append", type=int, help="may be repeated")
    parser.add_argument("--requests", type=int, default=REQUESTS_MAX, help="at most, of a row")
    parser.add_argument("--seconds", type=float, default=SECONDS_MAX, help="at most, of a row")
    options = parser.parse_args()
    rows = {word: OPERATIONS[word] for word in options.words or OPERATIONS}
    # Without snapshots, so that the first call of a process costs all of its imports.
    with deployment(snapshots=False) as deployed:
        admin = deployed.tenant().admin
        shelf = admin.dataset("benchmark")
        commits: list[str] = []
        for start in range(0, RECORDS, 1000):
            shelf.append(
                {f"r{at:06d}": '{"t":"%s"}' % ("x" * 500) for at in range(start, start + 1000)}
            )
            commits.append(shelf.commit()["id"])
        bench = Bench(deployed, admin, shelf.id, *commits)
        print(f"{os.cpu_count()} hardware threads; load average {os.getloadavg()[0]:.1f}\n")
        lines_of = {
            "cpu": lambda: _cpu_lines(bench, rows),
            "cold": lambda: _cold_lines(bench, rows),
            "load": lambda: load_lines(
                bench, rows, options.clients or CLIENTS, Bounds(options.requests, options.seconds)
            ),
        }
        for table in options.table or lines_of:
            for line in lines_of[table]():
                print(line, flush=True)
            print()


def _cold_lines(bench: Bench, rows: dict[str, Measured]) -> Iterator[str]:
    yield "cold (ms)          | first call, p50 of 5 | next calls, p50"
    client = Client(bench)
    for word in COLD:
        if word not in rows:
            continue
        row = rows[word]
        cold, warm = [], []
        for _ in range(COLD_TIMES):
            asked = row.make(client)
            for process in functions_of(bench.deployed.cloud, row.operation):
                kill(process)
            cold.append(_timed(client, asked))
            warm += [_timed(client, row.make(client)) for _ in range(3)]
        yield f"{word:18} | {statistics.median(cold):20.0f} | {statistics.median(warm):15.0f}"


def _timed(client: Client, asked: Call) -> float:
    before = time.perf_counter()
    assert client.send(asked) < 300
    return (time.perf_counter() - before) * 1000


def _cpu_lines(bench: Bench, rows: dict[str, Measured]) -> Iterator[str]:
    yield "CPU a request (ms) | ours | its calls, boto3 | ratio | calls"
    asking = Client(bench)
    with bench.deployed.vault() as vault, _recorded() as made:
        gateway = Gateway(vault, bench.admin.tenant.id)  # type: ignore[arg-type]
        for word, row in rows.items():
            if word in NO_CPU:
                continue
            handler = import_module(operation(row.operation).function).handler
            events = [
                _event(gateway, row.operation, row.make(asking)) for _ in range(CPU_TIMES + 3)
            ]
            with _logs_dropped():
                for event in events[:3]:
                    assert handler.answer(vault, event)["statusCode"] < 300
                made.clear()
                handler.answer(vault, events[3])
                calls = list(made)
                ours = _cpu_ms([partial(handler.answer, vault, event) for event in events[3:]])
            theirs = _cpu_ms([_replay(bench, vault, calls)] * CPU_TIMES)
            names = ", ".join(sorted({each for each, *_ in calls}))
            yield f"{word:18} | {ours:4.1f} | {theirs:16.1f} | {ours / theirs:4.2f}x | {names}"


@contextmanager
def _logs_dropped() -> Iterator[None]:
    """What handlers log to the standard output is written, at its expense, but not shown."""
    sys.stdout.flush()
    shown = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(shown, 1)
        os.close(shown)


def _event(client: Gateway, name: str, asked: Call) -> dict[str, Any]:
    path, _, query = asked.path.partition("?")
    parts = zip(operation(name).path.split("/"), path.split("/"), strict=True)
    return client.event(
        path={part[1:-1]: value for part, value in parts if part.startswith("{")},
        query=dict(each.split("=", 1) for each in query.split("&") if each),
        body=asked.body,
        headers=dict(asked.headers or {}),
    )


def _cpu_ms(calls: list[Callable[[], object]]) -> float:
    before = time.process_time()
    for call in calls:
        call()
    return (time.process_time() - before) * 1000 / len(calls)


@contextmanager
def _recorded() -> Iterator[list[tuple[Any, ...]]]:
    """What the adapters ask of AWS, while they do as ever."""
    made: list[tuple[Any, ...]] = []
    call, get, ranges, put = JsonClient.call, S3Objects.get, S3Objects.get_ranges, S3Objects.put

    def note_call(self: JsonClient, name: str, request: Any, answer: Any) -> Any:
        made.append((name, request))
        return call(self, name, request, answer)

    def note_get(self: S3Objects, key: str) -> bytes:
        made.append(("GetObject", key, None))
        return get(self, key)

    def note_ranges(self: S3Objects, key: str, spans: Any) -> list[bytes]:
        made.extend(("GetObject", key, span) for span in spans)
        return ranges(self, key, spans)

    def note_put(self: S3Objects, key: str, parts: Any) -> None:
        made.append(("PutObject", key, b"".join(parts)))
        put(self, key, parts)

    replaced = {"get": note_get, "get_ranges": note_ranges, "put": note_put}
    JsonClient.call = note_call  # type: ignore[method-assign, assignment]
    for name, method in replaced.items():
        setattr(S3Objects, name, method)
    try:
        yield made
    finally:
        JsonClient.call = call  # type: ignore[method-assign]
        S3Objects.get, S3Objects.get_ranges, S3Objects.put = get, ranges, put  # type: ignore[method-assign]


def _replay(bench: Bench, vault: AwsVault, calls: list[tuple[Any, ...]]) -> Callable[[], None]:
    """The same calls through boto3. A transaction goes out with its token and is done once."""
    dynamodb, s3 = bench.deployed.client("dynamodb"), bench.deployed.client("s3")
    assert vault.settings.objects is not None
    bucket = vault.settings.objects.bucket
    methods = {
        "GetItem": dynamodb.get_item,
        "BatchGetItem": dynamodb.batch_get_item,
        "Query": dynamodb.query,
        "TransactWriteItems": dynamodb.transact_write_items,
        "BatchWriteItem": dynamodb.batch_write_item,
    }

    def replay() -> None:
        for name, *what in calls:
            if name == "GetObject":
                key, span = what
                ranged = {} if span is None else {"Range": f"bytes={span[0]}-{sum(span) - 1}"}
                s3.get_object(Bucket=bucket, Key=key, **ranged)["Body"].read()
            elif name == "PutObject":
                s3.put_object(Bucket=bucket, Key=what[0], Body=what[1])
            else:
                # Done before: it may be refused for that, at the same expense.
                with suppress(dynamodb.exceptions.TransactionCanceledException):
                    methods[name](**what[0])

    return replay


if __name__ == "__main__":
    main()
