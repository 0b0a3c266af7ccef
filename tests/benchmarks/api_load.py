"""Clients at once, each on a connection of its own: how long their calls take.

A client's next call goes out when the one before is answered. What has to be done before a call
(a commit's changes staged on its branch) is not measured, but goes on while others are: with
commits, as many appends. Latencies are of what was done; of refusals there are the number and the
median, which says if they were told at once or after a long wait. "A second" counts all that was
done, over all of the time.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

from tests.benchmarks.api_calls import Bench, Client, Measured
from tests.e2e.processes import functions_of, kill

WARMING_MAX = 3
# What takes longer has met a process that was starting, or a machine that is busy elsewhere.
COLD_MS = 1000
HEADS = (
    "load (ms)          | clients | done |  p50 |  p95 |  p99 | a second | refused | p50 | failed"
)


@dataclass(frozen=True)
class Bounds:
    """When no further call of a row is begun: after so many, or so long."""

    requests_max: int
    seconds_max: float


@dataclass(frozen=True)
class Answer:
    """What came of one call."""

    ms: float
    status: int


def load_lines(
    bench: Bench, rows: dict[str, Measured], clients: Sequence[int], bounds: Bounds
) -> Iterator[str]:
    """The table, a line whenever one is known."""
    yield HEADS
    for word, row in rows.items():
        for number in clients:
            # What rows before have staged could leave no room for this one; if they have at all.
            assert Client(bench).send(bench.commits()) in {201, 409}
            answers, seconds = _at_once(bench, row, number, bounds)
            yield _line(word, row, number, answers, seconds)
        # A function runs in as many processes as it had callers; this is one machine.
        for name in row.functions or (row.operation,):
            for process in functions_of(bench.deployed.cloud, name):
                kill(process)


def _at_once(
    bench: Bench, row: Measured, clients: int, bounds: Bounds
) -> tuple[list[Answer], float]:
    """What came of so many clients' calls, and the seconds that all of it took.

    First everybody calls until nobody is kept waiting by a process that is only starting.
    """
    held = local()

    def ask(deadline: float) -> Answer | None:
        if time.perf_counter() > deadline:
            return None
        if not hasattr(held, "client"):
            held.client = Client(bench)
        asked = row.make(held.client)
        before = time.perf_counter()
        status = held.client.send(asked)
        return Answer((time.perf_counter() - before) * 1000, status)

    with ThreadPoolExecutor(clients) as threads:
        for _ in range(WARMING_MAX):
            answers = list(threads.map(ask, [float("inf")] * 2 * clients))
            if all(answer is not None and answer.ms < COLD_MS for answer in answers):
                break
        started = time.perf_counter()
        measured = threads.map(ask, [started + bounds.seconds_max] * bounds.requests_max)
        done = [answer for answer in measured if answer is not None]
    return done, time.perf_counter() - started


def _line(word: str, row: Measured, clients: int, answers: list[Answer], seconds: float) -> str:
    done = [answer.ms for answer in answers if answer.status < 300]
    refused = [answer.ms for answer in answers if answer.status in row.refusals]
    p50, p95, p99 = _percentiles(done)
    waited = statistics.median(refused) if refused else 0.0
    return (
        f"{word:18} | {clients:7} | {len(done):4} | {p50:4.0f} | {p95:4.0f} | {p99:4.0f} |"
        f" {len(done) / seconds:8.1f} | {len(refused):7} | {waited:3.0f} |"
        f" {len(answers) - len(done) - len(refused):6}"
    )


def _percentiles(took: list[float]) -> tuple[float, float, float]:
    if len(took) <= 1:  # The machine was busy elsewhere.
        return float("nan"), float("nan"), float("nan")
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]
