"""Carry the steps of a stream out: with threads, or with tasks."""

import queue
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from datavault.client.streams.batches import BATCH_BYTES_MAX
from datavault.client.streams.plan import OnProgress, Plan
from datavault.client.streams.report import Appended
from datavault.client.streams.steps import (
    Commit,
    Finish,
    Finished,
    Read,
    Start,
    StreamOutcome,
    Tell,
    stream_steps,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from datavault.contracts.records import AppendReply

READ_BYTES = 256 * 2**10
READ_LINES = 1000


@runtime_checkable
class LineFile(Protocol):
    """A binary file: read with a bound, so that a line without an end stays harmless."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, or so much of it."""
        ...


def run_with_threads(
    plan: Plan,
    source: Iterable[bytes],
    *,
    append: Callable[[bytes, str], "AppendReply"],
    commit: Callable[[], str],
    on_progress: OnProgress,
) -> Appended:
    """Carry out ``plan``; ``on_progress`` is called in this thread."""
    done: queue.SimpleQueue[Finished] = queue.SimpleQueue()

    def carry(step: Start) -> None:
        outcome: AppendReply | Exception
        try:
            outcome = append(step.batch.content, step.idempotency_key)
        except Exception as error:  # noqa: BLE001  # Raised where the stream is waited for.
            outcome = error
        done.put(Finished(step.batch, outcome))

    lines, steps = _lines(source), stream_steps(plan)
    outcome: StreamOutcome = None
    threads = ThreadPoolExecutor(plan.in_flight, thread_name_prefix="datavault-append")
    try:
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as ended:
                return _appended(ended.value)
            outcome = None
            match step:
                case Read():
                    outcome = _some(lines)
                case Start():
                    threads.submit(carry, step)
                case Finish():
                    outcome = done.get()
                case Commit():
                    outcome = commit()
                case Tell():
                    on_progress(step.progress)
    finally:
        # Nothing is in flight, but after an interruption; then nobody waits for it.
        threads.shutdown(wait=False, cancel_futures=True)


async def run_with_tasks(
    plan: Plan,
    source: Iterable[bytes] | AsyncIterable[bytes],
    *,
    append: "Callable[[bytes, str], Awaitable[AppendReply]]",
    commit: "Callable[[], Awaitable[str]]",
    on_progress: OnProgress,
) -> Appended:
    """Carry out ``plan``; a source that is not asynchronous is read in a thread."""
    import anyio

    done, finished = anyio.create_memory_object_stream[Finished](plan.in_flight)

    async def carry(step: Start) -> None:
        outcome: AppendReply | Exception
        try:
            outcome = await append(step.batch.content, step.idempotency_key)
        except Exception as error:  # noqa: BLE001  # Raised where the stream is waited for.
            outcome = error
        await done.send(Finished(step.batch, outcome))

    read, steps = _reader(source), stream_steps(plan)
    result: Appended | Exception
    async with done, finished, anyio.create_task_group() as tasks:
        try:
            outcome: StreamOutcome = None
            while True:
                step = steps.send(outcome)
                outcome = None
                match step:
                    case Read():
                        outcome = await read()
                    case Start():
                        tasks.start_soon(carry, step)
                    case Finish():
                        outcome = await finished.receive()
                    case Commit():
                        outcome = await commit()
                    case Tell():
                        on_progress(step.progress)
        except StopIteration as ended:
            result = _appended(ended.value)
        except Exception as error:  # noqa: BLE001  # Raised below: not as one of a group.
            result = error
            tasks.cancel_scope.cancel()
    if isinstance(result, Exception):
        raise result
    return result


def _appended(value: object) -> Appended:
    assert isinstance(value, Appended), "what a stream returns"
    return value


def _lines(source: Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(source, LineFile):
        # One more than a record may have, and a line end: then the rest need not be read.
        return iter(lambda: source.readline(BATCH_BYTES_MAX + 3), b"")
    return iter(source)


def _some(lines: Iterator[bytes]) -> list[bytes]:
    found: list[bytes] = []
    size = 0
    for line in lines:
        found.append(_bytes(line))
        size += len(line)
        if size >= READ_BYTES or len(found) >= READ_LINES:
            break
    return found


def _reader(
    source: Iterable[bytes] | AsyncIterable[bytes],
) -> "Callable[[], Awaitable[list[bytes]]]":
    import anyio.to_thread

    if isinstance(source, AsyncIterable):
        following = aiter(source)

        async def read_awaiting() -> list[bytes]:
            found: list[bytes] = []
            size = 0
            async for line in following:
                found.append(_bytes(line))
                size += len(line)
                if size >= READ_BYTES or len(found) >= READ_LINES:
                    break
            return found

        return read_awaiting
    lines = _lines(source)

    async def read_in_thread() -> list[bytes]:
        return await anyio.to_thread.run_sync(_some, lines)

    return read_in_thread


def _bytes(line: bytes) -> bytes:
    if not isinstance(line, bytes):
        raise TypeError("lines are bytes; open a file in binary mode")
    return line
