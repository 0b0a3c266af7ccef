"""What operators do is in the ledger: with the change, or before it and after; whatever fails."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from datavault.adapters.memory.archive import MemoryEventArchive
from datavault.adapters.memory.usage_plans import MemoryUsagePlans
from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.events import write
from datavault.domain import keyspace
from datavault.domain.access import Action
from datavault.domain.deliveries import Letter
from datavault.domain.errors import Invalid, NotFound, Unavailable
from datavault.domain.events import told
from datavault.domain.ids import WorkspaceId
from datavault.domain.ledger import Entry
from datavault.domain.rows import Table
from datavault.domain.usage import UsageLimits
from datavault.ports import ConditionFailed
from datavault.services.events.publishing import publish_events
from datavault.services.events.recovery import (
    await_replay,
    begin_replay,
    redrive_events,
    republish_events,
)
from datavault.services.maintenance import clear_read_only, find_read_only, set_read_only
from datavault.services.operators import BEGUN, ENDED, STEP
from datavault.services.workspaces import admit_workspace, create_workspace
from tests.simulation.model import rows_of
from tests.support.builders import OPERATOR, Shelf, a_body
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault
from tests.support.ledger import of_callers, of_operators

FAULTS = (Fault.BEFORE, Fault.AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.COLLIDE)
LIMITS = UsageLimits(3, 5, 100)
NAME = "Lovelace GmbH"
REASON = "lovelace@example.com moves us"
RULES = ("arn:aws:events:eu-west-1:1:rule/b/one", "arn:aws:events:eu-west-1:1:rule/b/two")
HIDDEN_S = 300
# Of a dataset that was made and appended to.
EVENTS = 2
NOWHERE = WorkspaceId("ws_019b76da-a800-726a-9e3a-53ce41d29686")


@dataclass
class World:
    """A vault with a dataset, what was told of it, and one letter that waits."""

    vault: MemoryVault = field(default_factory=MemoryVault)
    plans: MemoryUsagePlans = field(default_factory=MemoryUsagePlans)

    def __post_init__(self) -> None:
        self.shelf = Shelf.make(self.vault)
        self.ws = self.shelf.caller.workspace
        self.shelf.append({"a": a_body("a")})
        publish_events(self.vault, of_callers(self.vault), write=write)
        self.vault.dead_letters.put([Letter(of_callers(self.vault)[0].key, "refused")])
        self.archive = MemoryEventArchive(self.vault.bus)
        self.made = len(of_operators(self.vault))
        self.vault.clock.advance(1)

    def entries(self) -> list[Entry]:
        """What operators did since then, in order."""
        fresh = (Entry.of(row) for row in of_operators(self.vault))
        # Ids of one millisecond have no order.
        return sorted(fresh, key=lambda each: (each.at_ms, each.details.get(STEP) == ENDED))[
            self.made :
        ]

    def steps(self) -> list[tuple[str, object]]:
        return [(entry.operation, entry.details.get(STEP)) for entry in self.entries()]

    def workspaces(self) -> set[str]:
        rows = rows_of(self.vault.catalog, Table.CATALOG)
        return {
            row.key.partition.removeprefix("workspace/")
            for row in rows
            if row.key.sort == "workspace"
        }

    def span(self) -> dict[str, int]:
        """This minute, for each of which there are 16 queries."""
        now_ms = self.vault.clock.now_ms()
        return {"start_ms": now_ms - now_ms % keyspace.MINUTE_MS, "end_ms": now_ms + 1}


type Do = Callable[[World, ChaosVault], object]


def create(world: World, vault: ChaosVault) -> object:
    return create_workspace(vault, operator=OPERATOR, name=NAME, stage="test")


def limit(world: World, vault: ChaosVault) -> object:
    plans = vault.through("plans", world.plans)
    admit_workspace(vault, operator=OPERATOR, plans=plans, workspace=world.ws, limits=LIMITS)
    return None


def freeze(world: World, vault: ChaosVault) -> object:
    return set_read_only(vault, operator=OPERATOR, workspace=world.ws, reason=REASON)


def freeze_stage(world: World, vault: ChaosVault) -> object:
    return set_read_only(vault, operator=OPERATOR, workspace=None, reason=REASON)


def thaw(world: World, vault: ChaosVault) -> object:
    clear_read_only(vault, operator=OPERATOR, workspace=None)
    return None


def redrive(world: World, vault: ChaosVault) -> object:
    return redrive_events(vault, operator=OPERATOR, write=write, letters_max=10)


def republish(world: World, vault: ChaosVault) -> object:
    return republish_events(vault, world.ws, operator=OPERATOR, write=write, **world.span())


def replay(world: World, vault: ChaosVault) -> object:
    archive = vault.through("archive", world.archive)
    name = f"replay-{vault.clock.now_ms()}"
    begun = begin_replay(
        vault, operator=OPERATOR, archive=archive, name=name, rules=RULES, **world.span()
    )
    return await_replay(vault, archive, begun)


# The operation that each leaves in the ledger.
ONCE: dict[Do, str] = {
    freeze: "set_read_only",
    freeze_stage: "set_read_only",
    thaw: "clear_read_only",
}
TWICE: dict[Do, str] = {
    limit: "admit_workspace",
    redrive: "redrive_events",
    republish: "republish_events",
    replay: "replay_events",
}
OF_THE_STAGE = {freeze_stage, thaw, redrive, replay}
ALL: tuple[Do, ...] = (create, *ONCE, *TWICE)


def prepared(do: Do) -> World:
    world = World()
    if do is thaw:
        set_read_only(world.vault, operator=OPERATOR, workspace=None, reason=REASON)
        world.made += 1
        world.vault.clock.advance(1)
    return world


@pytest.mark.parametrize("do", ONCE, ids=lambda do: do.__name__)
def test_a_change_of_the_catalog_has_its_entry_with_it(do: Do) -> None:
    world = prepared(do)
    do(world, ChaosVault(world.vault))
    (entry,) = world.entries()
    assert (entry.operation, entry.action) == (ONCE[do], Action.OPERATE)
    assert (entry.actor, entry.correlation_id) == (OPERATOR.identity, OPERATOR.correlation_id)
    if do in OF_THE_STAGE:
        assert (entry.workspace, entry.resource) == (None, "stage")
    else:
        assert entry.workspace == entry.resource == world.ws


@pytest.mark.parametrize("do", TWICE, ids=lambda do: do.__name__)
def test_what_is_done_elsewhere_has_an_entry_before_and_one_after(do: Do) -> None:
    world = prepared(do)
    do(world, ChaosVault(world.vault))
    assert world.steps() == [(TWICE[do], BEGUN), (TWICE[do], ENDED)]
    first, last = world.entries()
    assert first.workspace == last.workspace == (None if do in OF_THE_STAGE else world.ws)
    assert first.resource == last.resource
    assert first.correlation_id == last.correlation_id == OPERATOR.correlation_id


def test_counts_and_limits_are_in_the_entries() -> None:
    world = World()
    for do in (limit, redrive, republish, replay):
        do(world, ChaosVault(world.vault))
        world.vault.clock.advance(1)
    told = [{k: v for k, v in each.details.items() if k != STEP} for each in world.entries()]
    assert told[0] == told[1] == {"limits": "own", "rate": 3, "burst": 5, "per_day": 100}
    assert told[3] == {"done": 1, "refused": 0, "unknown": 0}
    assert told[5] == {"published": EVENTS, "failed": 0}
    assert (told[6]["rules"], told[7]) == (RULES, {"state": "completed"})


def test_a_workspace_is_announced_to_the_stage_and_begins_its_own_ledger() -> None:
    world = World()

    def slow(port: str, method: str) -> Fault:
        """KMS takes its time."""
        if port == "keyring":
            world.vault.clock.advance(1)
        return Fault.NONE

    began_ms = world.vault.clock.now_ms()
    vault = ChaosVault(world.vault, slow)
    made = create_workspace(vault, operator=OPERATOR, name=NAME, stage="test")
    begun, *done = world.entries()
    assert (begun.workspace, begun.details) == (None, {STEP: BEGUN})
    own, ended = sorted(done, key=lambda entry: entry.workspace is None)
    assert (own.workspace, own.details) == (made.id, {"kek": made.kek})
    assert (ended.workspace, ended.details) == (None, {STEP: ENDED, "kek": made.kek})
    assert {entry.operation for entry in (begun, own, ended)} == {"create_workspace"}
    assert {entry.resource for entry in (begun, own, ended)} == {made.id}
    assert [entry.at_ms - began_ms for entry in (begun, own, ended)] == [0, 2000, 2000]


@pytest.mark.parametrize("span_ms", [0, -3_600_000])
def test_a_time_that_ends_before_it_begins_is_not_replayed(span_ms: int) -> None:
    world = World()
    now_ms = world.vault.clock.now_ms()
    with pytest.raises(Invalid):
        begin_replay(
            world.vault,
            operator=OPERATOR,
            archive=world.archive,
            name="replay",
            rules=RULES,
            start_ms=now_ms,
            end_ms=now_ms + span_ms,
        )
    assert world.entries() == []


@pytest.mark.parametrize("do", ALL, ids=lambda do: do.__name__)
def test_no_words_of_theirs_are_in_it_and_nobody_else_is_told(do: Do) -> None:
    world = prepared(do)
    do(world, ChaosVault(world.vault))
    rows = of_operators(world.vault)[world.made :]
    for word in ("ovelace", "GmbH", "moves"):
        assert word not in str(rows)
    taken = len(world.vault.bus.taken)
    assert publish_events(world.vault, rows, write=write) == ()
    assert len(world.vault.bus.taken) == taken
    assert [told(Entry.of(row)) for row in rows] == [None] * len(rows)


@pytest.mark.parametrize("do", ALL, ids=lambda do: do.__name__)
def test_whatever_fails_the_ledger_knows_and_the_command_may_be_given_again(do: Do) -> None:
    """Each fault at each call of a port."""
    failed = 0
    for fault in FAULTS:
        for index in range(60):
            world = prepared(do)
            chaos = ChaosVault(world.vault, AtCall(index, fault))
            with suppress(Crash, Unavailable, ConditionFailed):
                do(world, chaos)
            nothing_is_done_that_the_ledger_does_not_know(world, do)
            if chaos.calls <= index:
                break
            failed += 1
            world.vault.clock.advance(HIDDEN_S)
            do(world, ChaosVault(world.vault))
            it_is_done(world, do)
        else:
            pytest.fail("more calls than were tried")
    assert failed >= len(FAULTS)


def nothing_is_done_that_the_ledger_does_not_know(world: World, do: Do) -> None:
    steps = world.steps()
    made = world.workspaces() - {world.ws}
    keks = len(world.vault.keyring._keks) - 1
    assert len(made) <= keks <= steps.count(("create_workspace", BEGUN))
    with_kek = [each for each in world.entries() if "kek" in each.details]
    assert {each.workspace for each in with_kek if each.workspace} == made
    assert steps.count(("create_workspace", ENDED)) == len(made)
    if world.plans.admitted or len(world.vault.bus.taken) > EVENTS:
        assert steps[0] == (TWICE[do], BEGUN)
    modes = [find_read_only(world.vault, of) for of in (None, world.ws)]
    if do is thaw:
        assert (modes[0] is None) == (steps == [("clear_read_only", None)])
    else:
        assert any(modes) == (steps == [("set_read_only", None)])


def it_is_done(world: World, do: Do) -> None:
    if do is create:
        assert world.workspaces() > {world.ws}
    if do is limit:
        assert list(world.plans.admitted.values()) == [LIMITS]
    if do in {freeze, freeze_stage}:
        assert find_read_only(world.vault, world.ws if do is freeze else None) is not None
    if do is thaw:
        assert find_read_only(world.vault, None) is None
    if do is redrive:
        assert world.vault.dead_letters.kept == []
    if do in TWICE:
        assert world.steps()[-1] == (TWICE[do], ENDED)
    texts = {notice.text for notice in world.vault.bus.taken}
    assert len(texts) == EVENTS, "the same, however often"


def test_turning_off_what_is_off_is_nothing_done() -> None:
    world = World()
    clear_read_only(world.vault, operator=OPERATOR, workspace=world.ws)
    assert world.entries() == []


@pytest.mark.parametrize("do", [limit, freeze, republish], ids=lambda do: do.__name__)
def test_a_workspace_that_is_not_there_has_no_ledger(do: Do) -> None:
    world = World()
    world.ws = NOWHERE
    with pytest.raises(NotFound):
        do(world, ChaosVault(world.vault))
    assert world.entries() == []
    assert world.vault.catalog.get(keyspace.maintenance(NOWHERE)) is None
