"""Drops under seeded faults: events late, twice and out of order, objects that are not seen yet.

What was put is in the dataset once its event has come, whatever comes first, fails or is repeated;
and when the sweeps have been round, nothing of it is left in the landing or beside the packs.
"""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.drops import drop_prefix
from datavault.domain.errors import NotFound, Unavailable
from datavault.domain.jobs import Job, JobState
from datavault.domain.landing import Landed
from datavault.ports import Execution, Landing
from datavault.services.ingest import publishing
from datavault.services.ingest.sweep import sweep_uploads
from datavault.services.jobs.requests import list_jobs
from datavault.services.jobs.sweep import SILENT_MS_MAX, sweep_jobs
from functions.ingest import open_drop
from tests.simulation.ingest_jobs import FILE, FUNCTIONS, lines, told_to_the_machine
from tests.support.asl import ExecutionFailed, Machine
from tests.support.builders import MAIN, Shelf, seeded
from tests.support.chaos import ChaosVault, Fault

SEEDS = range(24)
FAULTS = [Fault.BEFORE, Fault.AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.COLLIDE]
DEFINITION = json.loads(FILE.read_text())
STEPS = {**FUNCTIONS, "OpenDrop": open_drop.handler}
# Of the same name, one after the other; and two that a manifest names.
FIRST, SECOND = {"first": 1, "both": 1}, {"second": 2, "both": 2}
PARTS = {"_may/1.jsonl": {"m1": 1}, "_may/2.jsonl": {"m2": 2}}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One removal after the other, so that a seed tells where a fault is."""
    monkeypatch.setattr(publishing, "CLEAN_THREADS", 1)


class Unseen:
    """A landing in which an object cannot be seen the first few times that it is asked for, and
    which deletes nothing while it is ``stuck``."""

    def __init__(self, landing: Landing, times: dict[str, int], *, stuck: bool) -> None:
        self._landing = landing
        self._times = times
        self._stuck = stuck

    def delete(self, landed: Landed) -> None:
        if self._stuck:
            raise Unavailable("the landing does not answer")
        self._landing.delete(landed)

    def head(self, key: str) -> Landed:
        if self._times.get(key, 0):
            self._times[key] -= 1
            raise NotFound("nothing has landed there")
        return self._landing.head(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._landing, name)


class World:
    """A dataset, what is put for it, and the events of that."""

    def __init__(self, seed: int, definition: Mapping[str, Any] = DEFINITION) -> None:
        self.chance = random.Random(f"drops {seed}")
        self.vault = MemoryVault()
        self.shelf = Shelf.make(self.vault, record_key="id")
        self.definition = definition
        self.folder = drop_prefix(self.shelf.caller.workspace, self.shelf.dataset.id, MAIN)
        self.unseen: dict[str, int] = {}
        self.left = self.chance.randrange(3)
        self.lost: list[str] = []
        self.failing = ""

    def put(self, name: str, content: bytes) -> dict[str, Any]:
        """The event of an object that somebody puts."""
        landed = self.vault.landing.put(self.folder + name, content)
        # A manifest is put when all that it names can be seen.
        self.unseen[landed.key] = 0 if name in PARTS else self.chance.randrange(3)
        put = {"key": landed.key, "etag": landed.etag, "size": landed.size, "sequencer": "01"}
        return {
            "id": f"event {name}",
            "time": "2026-01-02T03:04:05Z",
            "detail": {"bucket": {"name": "landing"}, "object": put, "requester": "123456789012"},
        }

    def deliver(self, event: dict[str, Any]) -> None:
        """EventBridge starts an execution, and whether that fails it never hears."""
        try:
            Machine(self.definition, self._call).run(event)
        except ExecutionFailed as failed:
            self.lost.append(failed.error)

    def work(self) -> None:
        """Run the jobs that were started and have not been run."""
        for started in self.vault.workflows.started:
            if self.vault.workflows.find(started.machine, started.name) is Execution.RUNNING:
                outcome = Execution.SUCCEEDED
                try:
                    Machine(self.definition, self._call).run(dict(started.payload))
                except ExecutionFailed:
                    outcome = Execution.FAILED
                self.vault.workflows.end(started.machine, started.name, outcome)

    def sweep(self) -> None:
        """What the schedules do, twice, and what they start."""
        for _ in range(2):
            self.vault.clock.advance(SILENT_MS_MAX / 1000)
            sweep_jobs(self.vault)
            self.work()
            sweep_uploads(self.vault)

    def jobs(self) -> tuple[Job, ...]:
        caller = self.shelf.caller
        return list_jobs(self.vault, caller=caller, dataset_id=None, limit=100, cursor=None).items

    def _call(self, name: str, payload: Any) -> Any:
        process = ChaosVault(self.vault, self._fault)
        landing = Unseen(process.landing, self.unseen, stuck=self.failing == "delete")
        process.landing = cast(Landing, landing)
        if name == self.failing:
            raise ExecutionFailed("Corrupt")
        with told_to_the_machine():
            return STEPS[name].run(process, payload)

    def _fault(self, _port: str, _method: str) -> Fault:
        if self.left and self.chance.random() < 0.03:
            self.left -= 1
            return self.chance.choice(FAULTS)
        return Fault.NONE


def put_all(world: World) -> Iterator[dict[str, Any]]:
    """Put everything, and tell of it."""
    yield world.put("a.jsonl", lines(FIRST))
    yield world.put("a.jsonl", lines(SECOND))
    for name, rows in PARTS.items():
        yield world.put(name, lines(rows))
    manifest = json.dumps([{"name": name} for name in PARTS]).encode()
    yield world.put("may.manifest.json", manifest)


def run(world: World) -> list[dict[str, Any]]:
    """Events are told late and in any order, some twice; jobs are worked on now and then."""
    events = list(put_all(world))
    told = events + [event for event in events if world.chance.random() < 0.4]
    world.chance.shuffle(told)
    for event in told:
        world.vault.clock.advance(world.chance.choice([0, 1, 3600]))
        world.deliver(event)
        if world.chance.random() < 0.3:
            world.work()
    world.work()
    return events


def papers_and_files(world: World) -> list[str]:
    """What jobs have left in the store, but for refused records, and in the landing."""
    papers = [key for key in world.vault.objects.keys("") if "/jobs/" in key]
    kept = [key for key in papers if "/quarantine-" not in key]
    return kept + [landed.key for landed in world.vault.landing.list("")]


def bodies(*rows: Mapping[str, int]) -> dict[str, bytes]:
    every = {each: value for some in rows for each, value in some.items()}
    return {each: lines({each: every[each]}).strip() for each in sorted(every)}


@pytest.mark.parametrize("seeds", [SEEDS[:12], SEEDS[12:]], ids=["0-11", "12-23"])
def test_what_is_put_comes_in_once_however_its_events_come(seeds: range) -> None:
    for seed in seeds:
        with seeded(seed):
            world = World(seed)
            run(world)
            world.sweep()
            assert world.lost == [], seed
            # The first file was replaced before its event came: so that is another's.
            assert world.shelf.all() == bodies(SECOND, *PARTS.values()), seed
            assert [job.state for job in world.jobs()] == [JobState.SUCCEEDED] * 2, seed
            assert len(world.shelf.history()) == 3, seed
            assert papers_and_files(world) == [], seed


def test_a_file_that_is_replaced_under_its_job_fails_that_job_alone() -> None:
    for seed in SEEDS[:8]:
        with seeded(seed):
            world = World(seed)
            world.deliver(world.put("a.jsonl", lines(FIRST)))
            second = world.put("a.jsonl", lines(SECOND))
            world.work()
            world.deliver(second)
            world.work()
            world.sweep()
            ended = {job.state: job for job in world.jobs()}
            assert ended.keys() == {JobState.SUCCEEDED, JobState.FAILED}, seed
            failure = ended[JobState.FAILED].failure
            assert failure is not None, seed
            assert failure.code == "precondition_failed", seed
            assert world.shelf.all() == bodies(SECOND), seed
            assert papers_and_files(world) == [], seed


@pytest.mark.parametrize("bad", [b"", b"no record\n"], ids=["succeeded", "failed"])
@pytest.mark.parametrize("failing", ["CleanIngest", "AbortIngest", "delete"])
def test_what_no_step_could_clean_the_sweeps_do(failing: str, bad: bytes) -> None:
    world = World(1)
    world.failing = failing
    for name, rows in PARTS.items():
        world.put(name, lines(rows) + bad)
    manifest = json.dumps([{"name": name} for name in PARTS]).encode()
    world.deliver(world.put("may.manifest.json", manifest))
    world.work()
    stays = failing == "delete" or (failing == "CleanIngest") == (not bad)
    assert bool(papers_and_files(world)) == stays
    world.failing = ""
    world.sweep()
    assert papers_and_files(world) == []
    assert world.shelf.all() == ({} if bad else bodies(*PARTS.values()))


def test_a_manifest_that_is_wrong_is_removed_with_its_job() -> None:
    world = World(1)
    world.deliver(world.put("may.manifest.json", b"[]"))
    (job,) = world.jobs()
    assert job.state is JobState.FAILED
    assert papers_and_files(world) != []
    world.sweep()
    assert papers_and_files(world) == []


@pytest.mark.parametrize(("rule", "index"), [("Retry", 0), ("Retry", 1), ("Catch", 0)])
def test_each_retry_and_catch_of_a_drop_is_needed(rule: str, index: int) -> None:
    definition = copy.deepcopy(DEFINITION)
    del definition["States"]["OpenDrop"][rule][index]
    for seed in range(200):
        with seeded(seed):
            world = World(seed, definition)
            run(world)
            if world.lost:
                return
    pytest.fail("no seed shows what it is for")
