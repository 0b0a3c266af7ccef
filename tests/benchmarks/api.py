"""The API under load: latency of each operation, and our CPU beside that of plain boto3.

Run as ``uv run python -m tests.benchmarks.api``; it starts a local cloud and ends it. Words name
operations whose load is measured, such as ``"append 1"``; without any, all are. Three tables:

- *Load*: 1, 10 and 50 clients at once, each on a connection of its own, through the whole local
  cloud. ``check_live`` is the route that does nothing: what others take beyond it is theirs. The
  clients, the gateway, the functions and the emulated services share this machine's processors,
  so that figures compare within a run and not with AWS.
- *Cold*: the first call of a process that has just been started, beside the next ones.
- *CPU*: a handler in this process on the same services, warm, against the very calls that it made
  to DynamoDB and S3, made again through boto3. All CPU of the process counts, all threads'.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from threading import local
from typing import Any

import urllib3

from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.objects import S3Objects
from datavault.contracts.operations import operation
from datavault.wiring import AwsVault
from tests.e2e.deployment import API, Deployment, Person, deployment
from tests.e2e.processes import functions_of, kill
from tests.functions.events import Client
from tests.support.http import Call, json_call

CLIENTS = (1, 10, 50)
REQUESTS_MAX = 300
SECONDS_MAX = 3.0
WARMING_MAX = 3
# What takes longer has met a process that was starting, or a machine that is busy elsewhere.
COLD_MS = 1000
COLD_TIMES = 5
CPU_TIMES = 60
RECORDS = 2000
_NUMBERS = count()


@dataclass(frozen=True)
class Bench:
    """Where requests go, and a dataset with a history of two commits."""

    deployed: Deployment
    admin: Person
    dataset: str
    commit: str

    @property
    def path(self) -> str:
        return f"{API}/datasets/{self.dataset}"

    def records(self, number: int) -> Call:
        """New records, their ids assigned."""
        records = [{"data": {"n": next(_NUMBERS), "t": "x" * 500}} for _ in range(number)]
        return json_call("POST", f"{self.path}/records", {"records": records})

    def commits(self) -> Call:
        return json_call("POST", f"{self.path}/commits", {"message": "benchmark"})

    def branches(self) -> Call:
        body = {"name": f"b{next(_NUMBERS)}", "start": self.commit}
        return json_call("POST", f"{self.path}/branches", body)


# What is measured: a word for it, its row, how to ask, and what may come.
OPERATIONS: dict[str, tuple[str, Callable[[Bench], Call], set[int]]] = {
    "no-op route": ("check_live", lambda _: Call("GET", "/health/live"), {200}),
    "describe dataset": ("describe_dataset", lambda bench: Call("GET", bench.path), {200}),
    "list datasets": ("list_datasets", lambda _: Call("GET", f"{API}/datasets"), {200}),
    "get record, commit": (
        "get_record",
        lambda bench: Call(
            "GET", f"{bench.path}/records/r{next(_NUMBERS) % RECORDS:06d}?ref={bench.commit}"
        ),
        {200},
    ),
    "get record, branch": (
        "get_record",
        lambda bench: Call("GET", f"{bench.path}/records/r{next(_NUMBERS) % RECORDS:06d}"),
        {200},
    ),
    "list 100 records": (
        "list_records",
        lambda bench: Call("GET", f"{bench.path}/records?ref={bench.commit}&limit=100"),
        {200},
    ),
    "list commits": ("list_commits", lambda bench: Call("GET", f"{bench.path}/commits"), {200}),
    "append 1": ("append_records", lambda bench: bench.records(1), {201, 409, 429}),
    "append 100": ("append_records", lambda bench: bench.records(100), {201, 409, 429}),
    "create branch": ("create_branch", lambda bench: bench.branches(), {201}),
    # With others at once there is often nothing left to commit, which is answered too.
    "commit": ("create_commit", lambda bench: bench.commits(), {201, 409, 429}),
}


def main() -> None:
    with deployment() as deployed:
        bench = _furnished(deployed)
        print(f"{os.cpu_count()} hardware threads; load average {os.getloadavg()[0]:.1f}\n")
        _measure_cpu(bench)
        _measure_cold(bench)
        _measure_load(bench, sys.argv[1:] or list(OPERATIONS))


def _furnished(deployed: Deployment) -> Bench:
    admin = deployed.tenant().admin
    shelf = admin.dataset("benchmark")
    for start in range(0, RECORDS, 1000):
        shelf.append(
            {f"r{at:06d}": '{"t":"%s"}' % ("x" * 500) for at in range(start, start + 1000)}
        )
        commit = shelf.commit()
    return Bench(deployed, admin, shelf.id, commit["id"])


def _measure_load(bench: Bench, words: list[str]) -> None:
    print("load (ms)          | clients |   n |  p50 |  p95 |  p99 | a second | refused | failed")
    for word in words:
        name, make, expected = OPERATIONS[word]
        for clients in CLIENTS:
            if word == "commit":
                bench.admin.ok(bench.records(1))
            took, statuses, seconds = _at_once(bench, make, clients)
            p50, p95, p99 = _percentiles(took)
            refused = sum(1 for status in statuses if status in expected and status >= 400)
            failed = sum(1 for status in statuses if status not in expected)
            print(
                f"{word:18} | {clients:7} | {len(took):3} | {p50:4.0f} | {p95:4.0f} | {p99:4.0f} |"
                f" {len(took) / seconds:8.0f} | {refused:7} | {failed:6}",
                flush=True,
            )
        # A function runs in as many processes as it had callers; this is one machine.
        for process in functions_of(bench.deployed.cloud, operation(name).function):
            kill(process)
    print()


def _at_once(
    bench: Bench, make: Callable[[Bench], Call], clients: int
) -> tuple[list[float], list[int], float]:
    """Milliseconds and statuses of so many clients' calls, and how long they took in all.

    First everybody calls until nobody is kept waiting by a process that is only starting.
    """
    held = local()

    def ask(deadline: float) -> tuple[float, int] | None:
        if time.perf_counter() > deadline:
            return None
        if not hasattr(held, "pool"):
            held.pool = urllib3.PoolManager(maxsize=1, retries=False)
            _send(held.pool, bench, Call("GET", "/health/live"))  # Connected, not measured.
        asked = make(bench)
        before = time.perf_counter()
        status = _send(held.pool, bench, asked)
        return (time.perf_counter() - before) * 1000, status

    with ThreadPoolExecutor(clients) as threads:
        for _ in range(WARMING_MAX):
            answers = list(threads.map(ask, [float("inf")] * 2 * clients))
            if all(answer is not None and answer[0] < COLD_MS for answer in answers):
                break
        started = time.perf_counter()
        measured = threads.map(ask, [started + SECONDS_MAX] * REQUESTS_MAX)
        done = [answer for answer in measured if answer is not None]
    seconds = time.perf_counter() - started
    return [took for took, _ in done], [status for _, status in done], seconds


def _send(pool: urllib3.PoolManager, bench: Bench, asked: Call) -> int:
    response = pool.request(
        asked.method,
        f"{bench.deployed.api_url}{asked.path}",
        body=asked.body,
        headers={"Authorization": f"Bearer {bench.admin.token}", **(asked.headers or {})},
    )
    return int(response.status)


def _measure_cold(bench: Bench) -> None:
    print("cold (ms)          | first call, p50 of 5 | next calls, p50")
    for word in ("no-op route", "describe dataset", "get record, commit", "append 1", "commit"):
        name, make, _ = OPERATIONS[word]
        cold, warm = [], []
        for _ in range(COLD_TIMES):
            if word == "commit":
                bench.admin.ok(bench.records(1))
            for process in functions_of(bench.deployed.cloud, operation(name).function):
                kill(process)
            cold.append(_timed(bench, make))
            warm += [_timed(bench, make) for _ in range(3)]
        print(f"{word:18} | {statistics.median(cold):20.0f} | {statistics.median(warm):15.0f}")
    print()


def _timed(bench: Bench, make: Callable[[Bench], Call]) -> float:
    asked = make(bench)
    before = time.perf_counter()
    bench.admin.send(asked)
    return (time.perf_counter() - before) * 1000


def _measure_cpu(bench: Bench) -> None:
    print("CPU a request (ms) | ours | its calls, boto3 | ratio | calls")
    with bench.deployed.vault() as vault, _recorded() as made:
        client = Client(vault, bench.admin.tenant.id)  # type: ignore[arg-type]
        for word, (name, make, _) in OPERATIONS.items():
            if word in {"no-op route", "commit"}:
                continue  # The one calls nothing; the other cannot be done twice the same.
            handler = import_module(operation(name).function).handler
            events = [_event(client, name, make(bench)) for _ in range(CPU_TIMES + 3)]
            for event in events[:3]:
                assert handler.answer(vault, event)["statusCode"] < 300
            made.clear()
            handler.answer(vault, events[3])
            calls = list(made)
            ours = _cpu_ms([partial(handler.answer, vault, event) for event in events[3:]])
            theirs = _cpu_ms([_replay(bench, vault, calls)] * CPU_TIMES)
            names = ", ".join(sorted({each for each, *_ in calls}))
            print(f"{word:18} | {ours:4.1f} | {theirs:16.1f} | {ours / theirs:4.2f}x | {names}")
    print()


def _event(client: Client, name: str, asked: Call) -> dict[str, Any]:
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


def _percentiles(took: list[float]) -> tuple[float, float, float]:
    if len(took) <= 1:  # The machine was busy elsewhere.
        return float("nan"), float("nan"), float("nan")
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


if __name__ == "__main__":
    main()
