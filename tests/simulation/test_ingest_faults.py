"""The shipped state machine under seeded faults: nothing lost or doubled, only content left.

Each step runs in a process of its own on ports that fail in every way of ``tests.support.chaos``,
and parts run in any order and sometimes twice. A run has fewer faults than the machine retries, so
a job must succeed; and with any of its retries or catches taken away, some seed must show it.
"""

import copy
import json
import os
import random
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import accumulate
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.count_bounds import CountBounds
from datavault.domain.errors import Conflict
from datavault.domain.jobs import Job, JobState
from datavault.ports import Execution, Vault
from datavault.services.ingest import merging, parts, planning, publishing
from datavault.services.jobs.quarantine import list_quarantined
from datavault.services.jobs.requests import cancel_job, get_job
from datavault.services.jobs.sweep import SILENT_MS_MAX, sweep_jobs
from tests.simulation.ingest_jobs import (
    FILE,
    FUNCTIONS,
    Pipeline,
    lines,
    told_to_the_machine,
)
from tests.support.asl import ExecutionFailed, Machine, states_of
from tests.support.builders import Shelf, seeded
from tests.support.chaos import ChaosVault, Fault

SEEDS = int(os.environ.get("DATAVAULT_SEEDS", "500"))
BLOCK = 50
FAULTS = [
    Fault.BEFORE,
    Fault.AFTER,
    Fault.PART,
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.COLLIDE,
]
# Fewer than a rule retries, so that no unlucky run uses one up.
FAULTS_MAX = 3
BAD = 2
BEFORE = {f"old{number}": number for number in range(3)}
# So few runs are merged at once here that a few parts make merges; in the file it is 64.
FAN_IN = 2
DEFINITION = json.loads(FILE.read_text().replace(f" {merging.FAN_IN}", f" {FAN_IN}"))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records make several parts."""
    monkeypatch.setattr(planning, "PART_BYTES", 100)
    monkeypatch.setattr(parts, "CHUNK_BYTES", 60)
    monkeypatch.setattr(parts, "QUARANTINE_BYTES", 250)
    monkeypatch.setattr(merging, "FAN_IN", FAN_IN)
    # One after the other, so that a seed tells where a fault is.
    monkeypatch.setattr(publishing, "CLEAN_THREADS", 1)


@cache
def _begun() -> tuple[MemoryVault, Shelf]:
    """A dataset that a first job has filled, where nothing went wrong."""
    with seeded(-1):
        vault = MemoryVault()
        shelf = Shelf.make(vault, record_key="id")
        pipeline = Pipeline(shelf, lambda: vault)
        assert pipeline.run(pipeline.ask(lines(BEFORE))).commit
        return vault, shelf


class World:
    """One job, and what goes wrong while it is worked on."""

    def __init__(self, seed: int, definition: Mapping[str, Any] = DEFINITION) -> None:
        self.chance = random.Random(f"ingest {seed}")
        vault, shelf = _begun()
        self.vault = vault.copy()
        self.shelf = shelf.on(self.vault)
        self.pipeline = Pipeline(self.shelf, lambda: self.vault)
        self.definition = definition
        self.left = self.chance.randrange(FAULTS_MAX + 1)
        self.before = BEFORE
        self.rows = {f"r{number:03d}": number for number in range(8)} | {"old1": 77}
        self.at = self.chance.randrange(1, 60)
        self.calls = 0
        self.step = self.aimed = ""

    def fault(self, _port: str, _method: str) -> Fault:
        if self.aimed not in {"", self.step}:
            return Fault.NONE
        self.calls += 1
        if self.left and self.calls >= self.at:
            self.left -= 1
            self.at = self.calls + self.chance.randrange(1, 60)
            return self.chance.choice(FAULTS)
        return Fault.NONE

    def aim(self, step: str) -> None:
        """Let what goes wrong go wrong in that step."""
        self.aimed, self.left, self.at = step, FAULTS_MAX, self.chance.randrange(1, 20)

    def process(self) -> Vault:
        return ChaosVault(self.vault, self.fault)

    def call(self, name: str, payload: Any) -> Any:
        self.step = name
        again = 2 if self.chance.random() < 0.1 else 1
        result = None
        for _ in range(again):
            with told_to_the_machine():
                result = FUNCTIONS[name].run(self.process(), payload)
        return result

    def run(self, job: Job) -> Job:
        machine = Machine(self.definition, self.call, shuffle=self._shuffled)
        payload = {"workspace": job.workspace, "job": job.id, "correlation_id": "correlation"}
        self.vault.workflows.start(job.kind.value, job.id, {})
        outcome = Execution.SUCCEEDED
        try:
            machine.run(payload)
        except ExecutionFailed:
            outcome = Execution.FAILED
        self.vault.workflows.end(job.kind.value, job.id, outcome)
        return self.found(job)

    def found(self, job: Job) -> Job:
        return get_job(self.vault, caller=self.shelf.caller, job_id=job.id)

    def swept(self, job: Job) -> Job:
        self.vault.clock.advance(SILENT_MS_MAX / 1000)
        sweep_jobs(self.vault)
        return self.found(job)

    def left_over(self) -> list[str]:
        """What only the job needed; packs of bodies and nodes are retention's to collect."""
        papers = [key for key in self.vault.objects.keys("") if "/jobs/" in key]
        kept = [key for key in papers if "/quarantine-" not in key]
        return kept + [landed.key for landed in self.vault.landing.list("landing/")]

    def file(self) -> bytes:
        """The records, with a few lines between that are none."""
        each = lines(self.rows).splitlines()
        for at in range(BAD):
            each.insert(2 * at + 1, b"no record %d" % at)
        return b"\n".join(each) + b"\n"

    def bad(self) -> list[tuple[int | None, int]]:
        """Where they are: line and offset."""
        each = self.file().split(b"\n")
        offsets = accumulate((len(line) + 1 for line in each), initial=0)
        found = zip(range(1, len(each)), offsets, each, strict=False)
        return [(at, offset) for at, offset, line in found if line.startswith(b"no")]

    def refused(self, job: Job) -> list[tuple[int | None, int]]:
        """What is listed of them."""
        found: list[tuple[int | None, int]] = []
        cursor = None
        while True:
            page = list_quarantined(
                self.vault, caller=self.shelf.caller, job_id=job.id, cursor=cursor
            )
            found += [(each.line, each.offset) for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def bodies(self, rows: Mapping[str, int]) -> dict[str, bytes]:
        return {each: lines({each: rows[each]}).strip() for each in sorted(rows)}

    def _shuffled(self, items: list[Any]) -> list[Any]:
        self.chance.shuffle(items)
        return items


class Cancelling(World):
    """Somebody cancels the job before one of its steps."""

    asked: Job

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.steps_left = self.chance.randrange(12)

    def call(self, name: str, payload: Any) -> Any:
        self.steps_left -= 1
        if self.steps_left == 0:
            with suppress(Conflict):  # It may have ended.
                cancel_job(self.vault, caller=self.shelf.caller, job_id=self.asked.id, request=None)
        return super().call(name, payload)


class Failing(World):
    """A step fails for good, each time."""

    failing = ""

    def call(self, name: str, payload: Any) -> Any:
        if name == self.failing:
            raise ExecutionFailed("Corrupt")
        return super().call(name, payload)


def blocks() -> list[range]:
    return [range(first, min(first + BLOCK, SEEDS)) for first in range(0, SEEDS, BLOCK)]


@pytest.mark.parametrize("seeds", blocks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_a_job_succeeds_whatever_fails_now_and_then(seeds: range) -> None:
    for seed in seeds:
        with seeded(seed):
            world = World(seed)
            job = world.run(world.pipeline.ask(world.file(), max_bad_records=BAD))
            assert job.state is JobState.SUCCEEDED, (seed, job.failure)
            assert world.shelf.all() == world.bodies(world.before | world.rows), seed
            assert (job.tally.records, job.tally.parts) == (9, job.tally.parts_total), seed
            assert (job.tally.quarantined, world.refused(job)) == (BAD, world.bad()), seed
            assert len(world.shelf.history()) == 3, seed
            assert world.swept(job) == job, seed
            assert world.left_over() == [], seed


@pytest.mark.parametrize("seeds", blocks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_a_job_that_is_cancelled_has_ended_well_or_left_content_at_most(seeds: range) -> None:
    for seed in seeds[:: max(1, BLOCK // 10)]:
        with seeded(seed):
            world = Cancelling(seed)
            asked = world.asked = world.pipeline.ask(lines(world.rows))
            job = world.run(asked)
            if job.state.is_open:
                job = world.swept(job)
            done = job.state is JobState.SUCCEEDED
            assert done or job.state is JobState.CANCELLED, (seed, job.state)
            expected = world.before | world.rows if done else world.before
            assert world.shelf.all() == world.bodies(expected), seed
            assert world.left_over() == [], seed


def test_a_job_out_of_its_count_bounds_leaves_content_at_most_whatever_fails() -> None:
    for number, seed in enumerate(range(0, SEEDS, max(1, SEEDS // 4))):
        with seeded(seed):
            world = World(seed)
            bounds = CountBounds(least=10) if number % 2 else CountBounds(most=8)
            job = world.run(world.pipeline.ask(lines(world.rows), count_bounds=bounds))
            assert job.state is JobState.FAILED, seed
            assert job.failure is not None, seed
            assert "the files have 9 records" in job.failure.message, seed
            assert world.shelf.all() == world.bodies(world.before), seed
            assert len(world.shelf.history()) == 2, seed
            assert world.left_over() == [], seed


def test_a_job_that_fails_leaves_content_at_most() -> None:
    for seed in range(20):
        with seeded(seed):
            world = Failing(seed)
            world.failing = world.chance.choice([*FUNCTIONS][:5])
            job = world.run(world.pipeline.ask(lines(world.rows)))
            assert job.state is JobState.FAILED, seed
            assert world.shelf.all() == world.bodies(world.before), seed
            assert world.left_over() == [], seed


def without(name: str, rule: str, index: int) -> dict[str, Any]:
    """The machine without one of a state's retries or catches."""
    machine: dict[str, Any] = copy.deepcopy(DEFINITION)
    for found, state in states_of(machine):
        if found == name:
            del state[rule][index]
    return machine


RULES = [
    (name, rule, index)
    for name, state in states_of(DEFINITION)
    for rule in ("Retry", "Catch")
    for index in range(len(state.get(rule, ())))
    if name != "OpenDrop"  # ``test_drop_faults`` has it.
]
WORKERS = {"IngestParts": "IngestPart", "MergeGroups": "MergeRuns"}


@pytest.mark.parametrize(("name", "rule", "index"), RULES)
def test_each_retry_and_catch_is_needed(name: str, rule: str, index: int) -> None:
    machine = without(name, rule, index)
    for seed in range(60):
        with seeded(seed):
            world = Failing(seed, machine)
            if rule == "Catch":
                world.failing = WORKERS.get(name, name)
            else:
                world.aim(name)
                world.failing = "BuildIngest" if name == "AbortIngest" else ""
            job = world.run(world.pipeline.ask(lines(world.rows)))
            if rule == "Retry" and name in {"CleanIngest", "AbortIngest"}:
                if world.left_over():
                    return
            elif rule == "Retry" and job.state is not JobState.SUCCEEDED:
                return
            if rule == "Catch" and (job.state.is_open or name == "CleanIngest"):
                ended = world.vault.workflows.find(job.kind.value, job.id)
                if ended is Execution.FAILED:
                    return
    pytest.fail("no seed shows what it is for")
