"""One stream into one branch, as steps that do no I/O themselves.

``stream_steps`` is a generator, like ``exchange``: it yields what has to be done next and is sent
what came of it. ``streams.running`` carries the steps out, with threads or with tasks.

Order: the branch ends as if the lines had been appended one by one. Batches in flight together
share no id (a batch with an id of one in flight waits for it), so their order makes no
difference; records without ``record_key`` get ids of their own.
"""

import re
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from datavault.client.errors import BadLine, StagingFull, StreamStopped, VaultApiError
from datavault.client.streams.batches import Batch, Cutter, UnfitLine
from datavault.client.streams.plan import Plan
from datavault.client.streams.report import Appended, Progress

if TYPE_CHECKING:
    from datavault.contracts.records import AppendReply

# A full branch is committed so often for one batch; then others fill it faster than we commit.
COMMITS_FOR_A_BATCH_MAX = 3
_LINE = re.compile(r"line ([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Read:
    """Read some lines; gives a list, an empty one at the end."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to append this batch under this key; gives nothing."""

    batch: Batch
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Wait until one of the batches in flight is done; gives it as ``Finished``."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit the branch; gives the commit's id."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Report progress; gives nothing."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a batch: the reply, or why there is none."""

    batch: Batch
    outcome: "AppendReply | Exception"


type StreamStep = Read | Start | Finish | Commit | Tell
type StreamOutcome = list[bytes] | Finished | str | None
type Steps = Generator[StreamStep, StreamOutcome, Appended]


def stream_steps(plan: Plan) -> Steps:
    """Append everything.

    Raises:
        StreamStopped: it could not go on; ``__cause__`` says why. ``BadLine`` is one of these.
    """
    return (yield from _Stream(plan).steps())


class _Stream:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cutter = Cutter(plan.record_key, plan.start)
        self._ended = False
        self._ready: deque[Batch] = deque()
        self._flying: dict[int, Batch] = {}
        self._refused: dict[int, Batch] = {}
        self._refusals: dict[int, int] = {}
        self._failure: Exception | None = None
        self._failed: Batch | None = None
        # Batches acknowledged beyond the checkpoint, which the ones before still hold back.
        self._beyond: dict[int, Batch] = {}
        self._checkpoint = plan.start
        self._batches = self._records = self._size_bytes = 0
        self._commits: list[str] = []

    def steps(self) -> Steps:
        while True:
            yield from self._fill()
            if self._may_start():
                batch = self._ready.popleft()
                self._flying[batch.index] = batch
                yield Start(batch, f"{self._plan.run}.{batch.index}")
            elif self._flying:
                yield from self._finish(cast(Finished, (yield Finish())))
            elif self._failure is not None:
                raise self._stopped(self._failure) from self._failure
            elif self._refused:
                self._commits.append(cast(str, (yield Commit())))
                self._ready.extendleft(
                    self._refused[index] for index in sorted(self._refused)[::-1]
                )
                self._refused.clear()
            else:
                return Appended(
                    self._plan.run,
                    self._records,
                    self._batches,
                    self._checkpoint,
                    tuple(self._commits),
                )

    def _fill(self) -> Generator[StreamStep, StreamOutcome]:
        """Have a batch ready, unless the stream has ended or has to stop."""
        while not (self._ready or self._ended or self._failure):
            lines = cast(list[bytes], (yield Read()))
            try:
                for line in lines:
                    self._ready.extend(self._cutter.add(line))
                if not lines:
                    self._ended = True
                    self._ready.extend(self._cutter.rest())
            except UnfitLine as error:
                self._failure = error

    def _may_start(self) -> bool:
        if not self._ready or self._failure or self._refused:
            return False
        batch = self._ready[0]
        return len(self._flying) < self._plan.in_flight and all(
            batch.ids.isdisjoint(each.ids) for each in self._flying.values()
        )

    def _finish(self, finished: Finished) -> Generator[StreamStep, StreamOutcome]:
        batch, outcome = finished.batch, finished.outcome
        del self._flying[batch.index]
        if isinstance(outcome, StagingFull) and self._plan.commits:
            refusals = self._refusals[batch.index] = self._refusals.get(batch.index, 0) + 1
            if refusals <= COMMITS_FOR_A_BATCH_MAX:
                self._refused[batch.index] = batch
                return
        if isinstance(outcome, Exception):
            # Of several failures the first in the stream is told.
            if self._failed is None or batch.index < self._failed.index:
                self._failure, self._failed = outcome, batch
            return
        self._refusals.pop(batch.index, None)
        self._beyond[batch.index] = batch
        while (next_one := self._beyond.pop(self._checkpoint.batches, None)) is not None:
            self._checkpoint = next_one.end
        self._batches += 1
        self._records += len(batch.lines)
        self._size_bytes += len(batch.content)
        yield Tell(
            Progress(outcome, self._checkpoint, self._batches, self._records, self._size_bytes)
        )

    def _stopped(self, failure: Exception) -> StreamStopped:
        run, checkpoint = self._plan.run, self._checkpoint
        if isinstance(failure, UnfitLine):
            return BadLine(failure.line, str(failure), run=run, checkpoint=checkpoint)
        if isinstance(failure, VaultApiError) and self._failed is not None:
            for each in failure.errors:
                if found := _LINE.fullmatch(each.field.partition("/")[0]):
                    line = self._failed.line_of(int(found[1]))
                    return BadLine(line, each.message, run=run, checkpoint=checkpoint)
        where = f"after {checkpoint.lines} lines"
        return StreamStopped(f"{where}: {failure}", run=run, checkpoint=checkpoint)
