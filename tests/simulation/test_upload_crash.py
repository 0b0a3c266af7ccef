"""Uploads and drops, broken at every call of a port, in every way: one job at most, in the end one.

As in ``test_exhaustive_crash``: for each call and fault the operation is run on a new world,
broken there, and made again by another process until it is acknowledged.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.drops import Dropped, drop_prefix
from datavault.domain.errors import Conflict, Unavailable
from datavault.domain.jobs import Job
from datavault.domain.uploads import UPLOAD_MS, Offer
from datavault.services.ingest.drops import open_drop
from datavault.services.ingest.sweep import sweep_uploads
from datavault.services.jobs.requests import list_jobs
from tests.support.builders import MAIN, Process, Shelf, a_request
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault
from tests.support.ledger import of_callers
from tests.support.uploads import PART, abort, complete, create, send_all

FAULTS = (
    Fault.BEFORE,
    Fault.AFTER,
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.COLLIDE,
)
CONTENT = [b"a" * PART, b"b"]
SIZE = PART + 1
NAMED = a_request("the request")


@dataclass(frozen=True)
class World:
    """A landing with an upload whose parts have arrived, and an object that was dropped."""

    shelf: Shelf
    offer: Offer
    do: Callable[[Shelf], object]

    @classmethod
    def make(cls, operation: str) -> "World":
        vault = MemoryVault()
        vault.landing.part_bytes_min = PART
        shelf = Shelf.make(vault)
        offer = create(shelf, SIZE)
        claims = send_all(shelf, offer, CONTENT)
        key = drop_prefix(shelf.caller.workspace, shelf.dataset.id, MAIN) + "a.ndjson"
        etag = vault.landing.put(key, b"{}").etag
        dropped = Dropped("landing", key, etag, "", "1", "1", vault.clock.now_ms(), "c")
        does: dict[str, Callable[[Shelf], object]] = {
            "create": lambda shelf: create(shelf, SIZE, request=NAMED).upload,
            "complete": lambda shelf: complete(shelf, offer.upload.id, claims, request=NAMED),
            "complete-unnamed": lambda shelf: complete(shelf, offer.upload.id, claims),
            "abort": lambda shelf: abort(shelf, offer.upload.id),
            "drop": lambda shelf: open_drop(shelf.vault, dropped=dropped),
        }
        return cls(shelf, offer, does[operation])

    def jobs(self) -> list[Job]:
        page = list_jobs(
            self.shelf.vault, caller=self.shelf.caller, dataset_id=None, limit=10, cursor=None
        )
        return list(page.items)

    def told(self) -> list[str]:
        """The operations that the ledger tells of, besides those that made the world."""
        operations = sorted(row.text("operation") for row in of_callers(self.shelf.vault))
        operations.remove("create_dataset")
        operations.remove("create_upload")
        return operations


OPERATIONS = ("create", "complete", "complete-unnamed", "abort", "drop")
TOLD = {
    "create": ["create_upload"],
    "complete": ["complete_upload"],
    "complete-unnamed": ["complete_upload"],
    "abort": ["abort_upload"],
    "drop": ["open_drop"],
}
JOBS = {"complete": 1, "complete-unnamed": 1, "drop": 1}


def calls_of(operation: str) -> int:
    """How many calls of ports an operation makes on a good day."""
    world = World.make(operation)
    chaos = ChaosVault(world.shelf.vault)
    world.do(world.shelf.on(chaos))
    assert chaos.calls > 3
    return chaos.calls


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_broken_at_any_call_and_made_again_it_is_done_once(operation: str, fault: Fault) -> None:
    for call in range(calls_of(operation)):
        world = World.make(operation)
        chaos = ChaosVault(world.shelf.vault, AtCall(call, fault))
        answers: list[object] = []
        with suppress(Unavailable, Crash):
            answers.append(world.do(world.shelf.on(chaos)))
        assert len(world.jobs()) <= JOBS.get(operation, 0), f"call {call}"
        answers += [world.do(world.shelf.on(Process(world.shelf.vault))) for _ in range(2)]
        assert world.told() == TOLD[operation], f"call {call}"
        assert len(world.jobs()) == JOBS.get(operation, 0), f"call {call}"
        assert len({str(_identity(answer)) for answer in answers}) == 1, f"call {call}"


@pytest.mark.parametrize("operation", ["complete", "drop"])
def test_made_twice_at_once_it_is_done_once_and_answered_twice(operation: str) -> None:
    for call in range(calls_of(operation)):
        world = World.make(operation)
        twin = world.shelf.on(Process(world.shelf.vault))
        answers: list[object] = []

        def meanwhile(
            world: World = world, twin: Shelf = twin, answers: list[object] = answers
        ) -> None:
            answers.append(world.do(twin))

        chaos = ChaosVault(world.shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile)
        answers.append(world.do(world.shelf.on(chaos)))
        assert len({str(_identity(answer)) for answer in answers}) == 1, f"call {call}"
        assert world.told() == TOLD[operation], f"call {call}"


def test_of_a_completion_and_an_abortion_at_once_one_happens() -> None:
    for call in range(calls_of("complete")):
        world = World.make("complete")
        twin = world.shelf.on(Process(world.shelf.vault))
        refused: list[str] = []

        def meanwhile(
            world: World = world, twin: Shelf = twin, refused: list[str] = refused
        ) -> None:
            try:
                abort(twin, world.offer.upload.id)
            except Conflict:
                refused.append("abort")

        chaos = ChaosVault(world.shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile)
        try:
            world.do(world.shelf.on(chaos))
        except Conflict:
            refused.append("complete")
        assert len(refused) == 1, f"call {call}"
        landed = list(world.shelf.vault.landing.list("uploads/"))
        if refused == ["abort"]:
            assert (len(world.jobs()), len(landed)) == (1, 1), f"call {call}"
        else:
            assert (len(world.jobs()), len(landed)) == (0, 0), f"call {call}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_crash_leaves_in_the_landing_the_sweep_removes(fault: Fault) -> None:
    for call in range(calls_of("complete")):
        world = World.make("complete")
        chaos = ChaosVault(world.shelf.vault, AtCall(call, fault))
        with suppress(Unavailable, Crash):
            world.do(world.shelf.on(chaos))
        world.shelf.vault.clock.sleep(UPLOAD_MS / 1000)
        for broken in range(3):
            sweeping = ChaosVault(world.shelf.vault, AtCall(broken, Fault.CRASH_AFTER))
            with pytest.raises(Crash):
                sweep_uploads(sweeping)
        sweep_uploads(world.shelf.vault)
        landed = list(world.shelf.vault.landing.list("uploads/"))
        assert len(landed) == len(world.jobs()), f"call {call}"


def _identity(answer: object) -> object:
    """What tells two answers of one operation apart."""
    return answer.id if isinstance(answer, Job) else answer
