"""Every operation, broken at every single call of a port, in every way: old state or new state.

The calls are counted first; then for call ``k`` and each fault the operation is run on a new
world, broken there, looked at, and made again until it is acknowledged.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.dataset_index import Criteria
from datavault.domain.datasets import Dataset, State
from datavault.domain.errors import Conflict, NotFound, Unavailable
from datavault.domain.expectations import Version
from datavault.domain.history import Commit
from datavault.domain.ids import BranchId, BranchName, CommitId, DatasetName
from datavault.domain.preconditions import Precondition
from datavault.domain.requests import Request
from datavault.domain.rows import Table
from datavault.services import datasets
from datavault.services.datasets import changes, clones, search
from datavault.services.versions import branches
from datavault.services.versions.branches import Protection
from datavault.services.versions.resets import Staged
from tests.simulation.model import Content, ledger_of, read_heads, rows_of
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request, seeded
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault, Heard, is_its_own
from tests.support.merging import merge, restore, revert, write

SEED = 20_260_101
# What an operation draws is other than what was drawn for the world that it happens in.
DURING = SEED + 1
LOST = (Fault.BEFORE, Fault.AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
# What can happen to some calls only is one test: every operation has one of those.
FAULTS = (*((fault,) for fault in LOST), (Fault.PART, Fault.COLLIDE))
NAMED = a_request("the request")
# Of one operation there are no more; those of another are not met again.
LOOKS_MAX = 500
_LOOKS: dict[Hashable, "Look"] = {}


@dataclass(frozen=True)
class Scenario:
    """``before`` makes the world, ``do`` is the operation. Without ``repeats`` it takes no key."""

    name: str
    before: Callable[[Shelf], None]
    do: Callable[[Shelf, Request | None], object]
    repeats: bool = True


@dataclass(frozen=True)
class Look:
    """A world as everybody can see it, without ids that differ from try to try."""

    branches: dict[str, tuple[Content, Content, int]]
    datasets: list[tuple[str, str, int]]
    ledger: Counter[str]
    tags: list[str]
    protected: list[str]
    reflog: dict[str, list[str]]


def _fill(shelf: Shelf) -> None:
    shelf.append({"a": a_body("a"), "b": a_body("b", 5000), "c": a_body("c")})
    shelf.commit("first")
    shelf.append({"b": a_body("b2"), "d": a_body("d", 4001)})
    shelf.delete("c")


def _fill_two_branches(shelf: Shelf) -> None:
    _fill(shelf)
    shelf.create_branch("dev")
    shelf.append({"e": a_body("e")}, branch=BranchName("dev"))


def _leave_pending(shelf: Shelf) -> None:
    """A commit that a crash left after T1 on both branches, and more staged since."""
    _fill_two_branches(shelf)
    for branch in ("main", "dev"):
        crashing = ChaosVault(shelf.vault, _CrashAfterFirst("write"))
        with pytest.raises(Crash):
            shelf.on(crashing).commit("left behind", branch=BranchName(branch))
        shelf.append({"f": a_body("f")}, branch=BranchName(branch))


def _leave_one_pending(shelf: Shelf) -> None:
    """A commit that a crash left after T1, and nothing staged since."""
    _fill(shelf)
    crashing = ChaosVault(shelf.vault, _CrashAfterFirst("write"))
    with pytest.raises(Crash):
        shelf.on(crashing).commit("left behind")


def _commit_all(shelf: Shelf) -> None:
    _fill(shelf)
    shelf.commit("second")


def _protect(shelf: Shelf) -> None:
    _commit_all(shelf)
    shelf.protect()


def _first(shelf: Shelf) -> str:
    """The branch's first commit, read on a good day."""
    return shelf.reflog()[-1].target or ""


class _CrashAfterFirst:
    def __init__(self, method: str) -> None:
        self._method = method

    def __call__(self, port: str, method: str) -> Fault:
        return Fault.CRASH_AFTER if method == self._method else Fault.NONE


def _append_few(shelf: Shelf, request: Request | None) -> object:
    return shelf.append({"a": a_body("a2"), "x": a_body("x", 4500)}, request=request)


def _append_expecting(shelf: Shelf, request: Request | None) -> object:
    expected = {"a": Version(_etag_at_first(shelf)), "x": Version(None)}
    return shelf.append(
        {"a": a_body("a2"), "x": a_body("x", 4500)}, expected=expected, request=request
    )


def _etag_at_first(shelf: Shelf) -> str:
    """The etag that "a" has until the operation is done."""
    first = next(event for event in reversed(shelf.past("a")))
    assert first.etag is not None
    return first.etag


def _append_many(shelf: Shelf, request: Request | None) -> object:
    bodies = {f"r{number:03d}": a_body(f"{number}") for number in range(130)}
    return shelf.append(bodies | {"b": a_body("b3", 4500)}, request=request)


def _create_dataset(shelf: Shelf, request: Request | None) -> object:
    return datasets.create_dataset(
        shelf.vault,
        caller=shelf.caller,
        name=DatasetName("another"),
        description="",
        labels=(),
        record_key=None,
        request=request,
    )


def _update(shelf: Shelf, request: Request | None) -> object:
    return changes.update_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        edit=changes.Edit(name=DatasetName("renamed"), labels=(("a", "2"), ("b", ""))),
        precondition=Precondition(frozenset("1")),
        request=request,
    )


def _archive(shelf: Shelf, request: Request | None) -> object:
    return changes.archive_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=request
    )


def _clone(shelf: Shelf, request: Request | None) -> object:
    return clones.clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=MAIN,
        name=DatasetName("another"),
        request=request,
    )


def _archived(shelf: Shelf) -> None:
    _fill(shelf)
    _archive(shelf, None)


def _restore(shelf: Shelf, request: Request | None) -> object:
    return changes.restore_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=request
    )


def _diverge(shelf: Shelf) -> None:
    """Two branches that have gone on, with records merged by fields, and more staged on one."""
    write(shelf, {"a": a_body("a"), "b": a_body("b", 5000), "f": b'{"x":1,"y":1}'})
    shelf.create_branch("dev")
    write(shelf, {"a": None, "f": b'{"x":2,"y":1}'}, branch=BranchName("dev"))
    write(shelf, {"c": a_body("c"), "f": b'{"x":1,"y":2}'})
    shelf.append({"s": a_body("s")})


def _revert(shelf: Shelf, request: Request | None) -> object:
    return revert(shelf, shelf.history()[0].id, request=request)


def _restore_record(shelf: Shelf, request: Request | None) -> object:
    return restore(shelf, "f", "dev", request=request)


COMMIT = Scenario("commit", _fill, lambda shelf, request: shelf.commit("m", request=request))
SCENARIOS = (
    Scenario("append", _fill, _append_few),
    Scenario("append-many", _fill, _append_many),
    Scenario("append-expecting", _fill, _append_expecting),
    Scenario("delete", _fill, lambda shelf, request: shelf.delete("a", request=request)),
    COMMIT,
    Scenario(
        "commit-after-another",
        _leave_pending,
        lambda shelf, request: shelf.commit("m", request=request),
    ),
    Scenario("branch", _fill, lambda shelf, request: shelf.create_branch("dev", request=request)),
    Scenario("unbranch", _fill_two_branches, lambda shelf, _: shelf.delete_branch("dev"), False),
    Scenario(
        "unbranch-while-committing",
        _leave_pending,
        lambda shelf, _: shelf.delete_branch("dev"),
        False,
    ),
    Scenario("dataset", _fill, _create_dataset),
    Scenario("tag", _fill, lambda shelf, request: shelf.create_tag("dev", request=request)),
    Scenario("protect", _commit_all, lambda shelf, request: shelf.protect(request=request)),
    Scenario(
        "protect-while-committing",
        _leave_one_pending,
        lambda shelf, request: shelf.protect(request=request),
    ),
    Scenario(
        "unprotect",
        _protect,
        lambda shelf, request: shelf.protect(MAIN, Protection.OFF, request=request),
    ),
    Scenario(
        "reset", _commit_all, lambda shelf, request: shelf.reset(_first(shelf), request=request)
    ),
    Scenario(
        "reset-and-discard",
        _fill,
        lambda shelf, request: shelf.reset(_first(shelf), staged=Staged.DISCARD, request=request),
    ),
    Scenario(
        "reset-while-committing",
        _leave_pending,
        lambda shelf, request: shelf.reset(_first(shelf), staged=Staged.DISCARD, request=request),
    ),
    Scenario("update", _fill, _update),
    Scenario("archive", _leave_pending, _archive),
    Scenario("restore", _archived, _restore),
    Scenario("clone", _fill, _clone),
    Scenario("merge", _diverge, lambda shelf, request: merge(shelf, request=request)),
    Scenario("restore-record", _diverge, _restore_record),
    Scenario("revert", _diverge, _revert),
)


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


@pytest.mark.parametrize(
    "faults", FAULTS, ids=lambda faults: "-".join(each.name for each in faults)
)
def test_broken_at_any_call_and_made_again_it_is_done_once(
    scenario: Scenario, faults: tuple[Fault, ...]
) -> None:
    old, calls, new = measured(scenario)
    for call, fault in places(calls, *faults):
        with seeded(DURING):
            shelf = _world(scenario)
            request = NAMED if scenario.repeats else None
            chaos = ChaosVault(shelf.vault, AtCall(call, fault))
            answer = _try(scenario, shelf.on(chaos), request)
            seen = look(shelf)
            _check_old_or_new(seen, old, new)
            heads = _heads(shelf)
            again = _again(scenario, shelf, request, done=answer is not None or seen == new)
            assert look(shelf) == new, f"call {call}"
            _check_commit_ids(shelf, heads, answer, again)
            if isinstance(answer, Dataset):
                assert again == answer


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.name)
def test_an_unnamed_commit_made_again_in_the_same_words_is_the_same_commit(fault: Fault) -> None:
    scenario = COMMIT
    _, calls, new = measured(scenario)
    for call, _ in places(calls, fault):
        with seeded(DURING):
            shelf = _world(scenario)
            chaos = ChaosVault(shelf.vault, AtCall(call, fault))
            answer = _try(scenario, shelf.on(chaos), None)
            done = look(shelf) == new
            if done:
                with pytest.raises(Conflict, match="nothing is staged"):
                    scenario.do(shelf, None)
            else:
                answer = scenario.do(shelf, None)
                assert isinstance(answer, Commit)
                assert answer.message == "m"
            assert look(shelf) == new
            assert len(_commit_objects(shelf)) == 3


def test_the_same_request_made_twice_at_once_is_done_once_and_answered_twice(
    scenario: Scenario,
) -> None:
    _, calls, new = measured(scenario)
    for call in range(len(calls)):
        with seeded(DURING):
            shelf = _world(scenario)
            request = NAMED if scenario.repeats else None
            answers: list[object] = []
            twin = shelf.on(Process(shelf.vault))

            def meanwhile(
                answers: list[object] = answers,
                twin: Shelf = twin,
                request: Request | None = request,
            ) -> None:
                answers.append(scenario.do(twin, request))

            chaos = ChaosVault(shelf.vault, AtCall(call, Fault.INTERLEAVE), meanwhile)
            try:
                answers.append(scenario.do(shelf.on(chaos), request))
            except (Conflict, NotFound):
                assert not scenario.repeats, f"refused at call {call}"
            assert look(shelf) == new, f"call {call}"
            if scenario.repeats and scenario.name != "branch":
                assert answers[0] == answers[1]


def test_a_commit_may_be_finished_by_anybody_from_any_call_on() -> None:
    """Another process commits right after the crash: the same commit, and nothing besides."""
    scenario = COMMIT
    _, calls, new = measured(scenario)
    for call in range(len(calls)):
        with seeded(DURING):
            shelf = _world(scenario)
            chaos = ChaosVault(shelf.vault, AtCall(call, Fault.CRASH_AFTER))
            _try(scenario, shelf.on(chaos), NAMED)
            other = shelf.on(Process(shelf.vault))
            try:
                other.commit("other words")
            except Conflict:
                assert look(shelf) == new
            again = shelf.on(Process(shelf.vault))
            try:
                made = again.commit("m", request=NAMED)
            except Conflict:  # T1 never happened, and the other has committed it all.
                assert not [row for row in other.history() if row.message == "m"]
                continue
            assert made.message == "m"
            assert [row.id for row in other.history() if row.message == "m"] == [made.id]


def places(calls: Sequence[str], *faults: Fault) -> list[tuple[int, Fault]]:
    """Each call and each fault that is its own there, by methods called; there are some."""
    found = [
        (call, fault)
        for call, method in enumerate(calls)
        for fault in faults
        if is_its_own(fault, method)
    ]
    assert found
    return found


@cache
def measured(scenario: Scenario) -> tuple[Look, list[str], Look]:
    """How the world looks before and after, and which methods of ports are called between."""
    with seeded(DURING):
        shelf = _world(scenario)
        old = look(shelf)
        heard = Heard()
        scenario.do(shelf.on(ChaosVault(shelf.vault, heard)), NAMED if scenario.repeats else None)
        return old, heard.methods, look(shelf)


def look(shelf: Shelf) -> Look:
    """What everybody can see. That is a function of what is stored, and looked at once for each:
    many faults leave the very bytes that another has left.
    """
    stored = _stored(shelf)
    if stored not in _LOOKS:
        if len(_LOOKS) == LOOKS_MAX:
            _LOOKS.clear()
        _LOOKS[stored] = _look(shelf)
    return _LOOKS[stored]


def _stored(shelf: Shelf) -> Hashable:
    assert isinstance(shelf.vault, MemoryVault)
    rows = [row for table in Table for row in rows_of(shelf.vault.catalog, table)]
    objects = shelf.vault.objects
    return (
        frozenset((row.key, frozenset(row.attributes.items())) for row in rows),
        frozenset((key, objects.get(key)) for key in objects.keys("")),
    )


def _look(shelf: Shelf) -> Look:
    """By another process; checks on the way that the heads agree."""
    eyes = shelf.on(Process(shelf.vault))
    found = branches.list_branches(
        eyes.vault, caller=eyes.caller, dataset_id=eyes.dataset.id, limit=100, cursor=None
    ).items
    for branch in found:
        assert eyes.reflog(branch.name)[0].target == branch.commit, "moved and not in the reflog"
    return Look(
        {
            branch.name: (
                eyes.all(ref=branch.name),
                eyes.all(ref=branch.commit),
                read_heads(eyes.vault, branch.id).records,
            )
            for branch in found
        },
        sorted(
            (dataset.name, dataset.state.value, dataset.version)
            for criteria in (Criteria(state=None), Criteria(), Criteria(state=State.ARCHIVED))
            for dataset in search.list_datasets(
                eyes.vault, caller=eyes.caller, limit=100, cursor=None, criteria=criteria
            ).items
        ),
        _operations(eyes),
        [tag.name for tag in eyes.tags()],
        [branch.name for branch in found if branch.protected],
        {
            name: [move.why.operation for move in eyes.reflog(name)]
            for name in {branch.name for branch in found}
        },
    )


def _operations(shelf: Shelf) -> Counter[str]:
    entries = ledger_of(shelf.vault.catalog)
    assert max(entries.values()) == 1 or not [
        entry for entry, count in entries.items() if count > 1 and entry[0] == "create_commit"
    ], "one commit, two entries"
    counted: Counter[str] = Counter()
    for (operation, _, _), count in entries.items():
        counted[operation] += count
    return counted


def _world(scenario: Scenario) -> Shelf:
    vault, shelf = _made(scenario)
    return shelf.on(vault.copy())


@cache
def _made(scenario: Scenario) -> tuple[MemoryVault, Shelf]:
    with seeded(SEED):
        vault = MemoryVault()
        shelf = Shelf.make(vault)
        scenario.before(shelf)
        return vault, shelf


def _try(scenario: Scenario, shelf: Shelf, request: Request | None) -> object | None:
    try:
        return scenario.do(shelf, request) or True
    except (Unavailable, Crash):
        return None


def _again(scenario: Scenario, shelf: Shelf, request: Request | None, *, done: bool) -> object:
    process = shelf.on(Process(shelf.vault))
    if scenario.repeats or not done:
        return scenario.do(process, request)
    with pytest.raises(NotFound):
        scenario.do(process, request)
    return None


def _check_old_or_new(seen: Look, old: Look, new: Look) -> None:
    """Each branch is as it was or as it will be; of a commit under way readers see neither more
    nor less, though the heads count nothing any more and the ledger has the intent.
    """
    assert seen.datasets in (old.datasets, new.datasets)
    for name in seen.branches.keys() | old.branches.keys() | new.branches.keys():
        now, was, will_be = (each.branches.get(name) for each in (seen, old, new))
        if now is None or was is None or will_be is None:
            assert now in (was, will_be) or (was and now and now[0] == was[0])
            continue
        assert now[0] in (was[0], will_be[0])
        assert now[0] != was[0] or now[2] in (was[2], 0)
    assert seen.tags in (old.tags, new.tags)
    assert seen.protected in (old.protected, new.protected)
    for name, steps in seen.reflog.items():
        later = new.reflog.get(name, steps)
        assert later[len(later) - len(steps) :] == steps, "a step that is taken back"
    for operation, count in seen.ledger.items():
        assert old.ledger[operation] <= count <= new.ledger[operation]
    if seen.ledger == old.ledger:
        assert seen == old, "done but unaudited"


def _heads(shelf: Shelf) -> dict[BranchId, CommitId]:
    found = branches.list_branches(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, limit=100, cursor=None
    ).items
    return {branch.id: branch.commit for branch in found}


def _check_commit_ids(
    shelf: Shelf, seen: dict[BranchId, CommitId], answer: object, again: object
) -> None:
    """All attempts of a commit made one commit: nobody has seen, and nothing holds, another."""
    history = {
        commit.id for branch in _heads(shelf).values() for commit in shelf.history(ref=branch)
    }
    kept = history | {commit.id for ref in seen.values() for commit in shelf.history(ref=ref)}
    assert set(seen.values()) <= kept
    if isinstance(again, Commit):
        assert again.id in history
        if isinstance(answer, Commit):
            assert answer.id == again.id
    if not isinstance(again, Dataset):
        # The commits of a deleted branch stay, though no branch leads to them.
        assert history <= _commit_objects(shelf)
        assert len(_commit_objects(shelf)) == _commit_rows(shelf)


def _commit_objects(shelf: Shelf) -> set[str]:
    found = shelf.vault.objects.keys("")
    return {key.split("/")[-1] for key in found if f"/{shelf.dataset.store}/commits/" in key}


def _commit_rows(shelf: Shelf) -> int:
    start = keyspace.commit(shelf.dataset.workspace, shelf.dataset.id, "")
    return len(shelf.vault.catalog.page(Table.CATALOG, start.partition).rows)
