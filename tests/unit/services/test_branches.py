"""Branches: protection, resets and the reflog, with others at work meanwhile."""

from collections.abc import Callable
from functools import partial

import pytest

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Conflict, Denied, NotFound, PreconditionFailed
from datavault.domain.ids import BranchName, CommitId
from datavault.domain.refs import Branch
from datavault.services.ingest.stream import ingest_lines
from datavault.services.refs import open_work
from datavault.services.retention import sweep_staging
from datavault.services.staging import read_head
from datavault.services.versions import branches
from datavault.services.versions.branches import Protection
from datavault.services.versions.resets import Staged
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request
from tests.support.chaos import AtCall, ChaosVault, Crash, Fault

DEV = BranchName("dev")
BOTH = pytest.mark.parametrize("staged", Staged)


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("1")})
    made.commit("first")
    return made


def branch(shelf: Shelf, name: str = MAIN) -> Branch:
    return branches.get_branch(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, name=BranchName(name)
    )


def ingest(shelf: Shelf) -> object:
    return ingest_lines(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        branch=MAIN,
        chunks=[b'{"n":1}\n'],
        message="ingested",
        workers=1,
    )


def refused(do: Callable[[], object], why: str) -> bool:
    """Whether there was a conflict, which says why."""
    try:
        do()
    except Conflict as refusal:
        if why not in str(refusal):
            raise
        return True
    return False


def leave_pending(shelf: Shelf, branch: BranchName = MAIN) -> None:
    crashing = ChaosVault(
        shelf.vault, lambda _, method: Fault.CRASH_AFTER if method == "write" else Fault.NONE
    )
    with pytest.raises(Crash):
        shelf.on(crashing).commit("left", branch=branch)


def test_a_protected_branch_takes_no_change_of_any_kind(shelf: Shelf) -> None:
    shelf.create_branch("dev")
    assert shelf.protect("dev").protected
    shelf.protect()
    before = (shelf.all(), shelf.history(), shelf.reflog())
    changes: tuple[Callable[[], object], ...] = (
        lambda: shelf.append({"b": a_body("2")}),
        lambda: shelf.append({f"r{number}": a_body("r") for number in range(95)}),
        lambda: shelf.delete("a"),
        lambda: shelf.commit(),
        lambda: ingest(shelf),
        lambda: shelf.reset(shelf.history()[-1].id),
        lambda: shelf.reset(shelf.history()[-1].id, staged=Staged.DISCARD),
        lambda: shelf.delete_branch("dev"),
    )
    for change in changes:
        with pytest.raises(Conflict, match="protected"):
            change()
    assert (shelf.all(), shelf.history(), shelf.reflog()) == before
    assert not shelf.protect(MAIN, Protection.OFF).protected
    shelf.append({"b": a_body("2")})
    shelf.commit()


def test_a_branch_with_staged_changes_is_not_protected(shelf: Shelf) -> None:
    shelf.append({"b": a_body("2")})
    with pytest.raises(Conflict, match="1 records are staged"):
        shelf.protect()
    shelf.commit()
    assert shelf.protect().protected


def test_a_pending_commit_is_finished_before_a_branch_is_protected(shelf: Shelf) -> None:
    shelf.append({"b": a_body("2")})
    leave_pending(shelf)
    assert shelf.protect().commit == shelf.history()[0].id
    assert [commit.message for commit in shelf.history()][:2] == ["left", "first"]


def test_only_an_admin_protects_and_unprotects(shelf: Shelf) -> None:
    caller = shelf.caller
    writer = Caller("w", caller.workspace, frozenset({Role.WRITER}), "c")
    other = Shelf(shelf.vault, writer, shelf.dataset)
    for wanted in Protection:
        with pytest.raises(Denied):
            other.protect(MAIN, wanted)
    assert not branch(shelf).protected


def test_protecting_what_is_protected_changes_nothing(shelf: Shelf) -> None:
    request = a_request("protect")
    assert shelf.protect(request=request) == shelf.protect() == shelf.protect(request=request)
    shelf.protect(MAIN, Protection.OFF)
    assert shelf.protect(request=request).protected, "answered as it was"
    assert not branch(shelf).protected, "and not done again"


@pytest.mark.parametrize("records", [1, 95])
def test_no_write_in_flight_slips_onto_a_protected_branch(shelf: Shelf, records: int) -> None:
    """Somebody protects the branch between any two calls of an append, a commit, an ingest."""
    bodies = {f"r{number}": a_body("r") for number in range(records)}
    for call in range(40):
        made = Shelf.make()
        made.append({"a": a_body("1")})
        made.commit()
        admin = made.on(Process(made.vault))
        chaos = ChaosVault(made.vault, AtCall(call, Fault.INTERLEAVE), admin.protect)
        if refused(partial(made.on(chaos).append, bodies), "protected"):
            assert made.all() == {"a": a_body("1")}
            assert branch(made).protected
        else:
            assert len(made.all()) == 1 + records


def test_an_append_in_flight_keeps_a_branch_from_being_protected(shelf: Shelf) -> None:
    refusals = 0
    for call in range(12):
        made = Shelf.make()
        writer = made.on(Process(made.vault))
        chaos = ChaosVault(
            made.vault,
            AtCall(call, Fault.INTERLEAVE),
            partial(writer.append, {"b": a_body("2")}),
        )
        if refused(made.on(chaos).protect, "staged"):
            refusals += 1
            assert not branch(made).protected
    assert refusals > 3


@BOTH
def test_a_reset_moves_a_branch_anywhere_and_back(shelf: Shelf, staged: Staged) -> None:
    tip, first = shelf.history()
    assert shelf.reset(first.id, staged=staged).commit == first.id
    assert shelf.all() == {}
    assert shelf.reset(tip.id[:8], staged=staged).commit == tip.id
    assert shelf.all() == {"a": a_body("1")}
    steps = [(move.why.operation, move.source, move.target) for move in shelf.reflog(limit=1)]
    assert steps == [
        ("reset_branch", first.id, tip.id),
        ("reset_branch", tip.id, first.id),
        ("create_commit", first.id, tip.id),
        ("create_dataset", None, first.id),
    ]


def test_a_reset_does_not_lose_staged_changes_unasked(shelf: Shelf) -> None:
    first = shelf.history()[-1].id
    shelf.append({"b": a_body("2")})
    with pytest.raises(Conflict, match="1 records are staged"):
        shelf.reset(first)
    assert shelf.all() == {"a": a_body("1"), "b": a_body("2")}
    shelf.reset(first, staged=Staged.DISCARD)
    assert shelf.all() == {}
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit()
    shelf.append({"c": a_body("3")})
    assert shelf.commit().counts.records == 1
    shelf.vault.clock.sleep(7200)
    assert sweep_staging(shelf.vault).generations == 3, "two commits and what was discarded"


def test_no_append_is_lost_to_a_reset_that_is_not_to_discard() -> None:
    """Somebody appends between any two calls: it is there afterwards, or the reset was refused."""
    for call in range(20):
        made = Shelf.make()
        made.append({"a": a_body("1")})
        made.commit()
        first = made.history()[-1].id
        writer = made.on(Process(made.vault))
        chaos = ChaosVault(
            made.vault,
            AtCall(call, Fault.INTERLEAVE),
            partial(writer.append, {"b": a_body("2")}),
        )
        refused(partial(made.on(chaos).reset, first), "staged")
        if chaos.calls > call:
            assert made.get("b") == a_body("2")


@BOTH
def test_a_pending_commit_is_finished_before_a_reset(shelf: Shelf, staged: Staged) -> None:
    first = shelf.history()[-1].id
    shelf.append({"b": a_body("2")})
    leave_pending(shelf)
    shelf.reset(first, staged=staged)
    left = shelf.reflog()[1]
    assert left.target is not None
    assert shelf.all(ref=left.target) == {"a": a_body("1"), "b": a_body("2")}
    assert shelf.all() == {}


def test_a_reset_from_elsewhere_than_expected_does_nothing(shelf: Shelf) -> None:
    tip, first = shelf.history()
    with pytest.raises(PreconditionFailed, match=tip.id):
        shelf.reset(first.id, expected=first.id)
    with pytest.raises(PreconditionFailed):
        shelf.reset(tip.id, expected=CommitId("0" * 64))
    assert branch(shelf).commit == tip.id
    assert shelf.reset(first.id, expected=tip.id).commit == first.id


def test_a_reset_that_is_repeated_is_answered_as_it_was(shelf: Shelf) -> None:
    tip, first = shelf.history()
    request, nothing = a_request("reset"), a_request("nothing")
    there = shelf.reset(tip.id, request=nothing)
    answer = shelf.reset(first.id, expected=tip.id, request=request)
    shelf.reset(tip.id)
    assert shelf.reset(first.id, expected=tip.id, request=request) == answer
    shelf.reset(first.id)
    assert shelf.reset(tip.id, request=nothing) == there
    assert branch(shelf).commit == first.id
    assert len([move for move in shelf.reflog() if move.why.operation == "reset_branch"]) == 3


def test_a_branch_is_reset_to_its_own_datasets_commits_only(shelf: Shelf) -> None:
    other = Shelf.make(shelf.vault)
    for ref in (other.history()[0].id, "no-such", "0" * 8):
        with pytest.raises(NotFound):
            shelf.reset(ref)


def test_a_deleted_branch_is_found_in_the_reflog_and_made_again(shelf: Shelf) -> None:
    shelf.create_branch("dev")
    shelf.append({"d": a_body("d")}, branch=DEV)
    tip = shelf.commit(branch=DEV).id
    shelf.delete_branch("dev")
    end = shelf.reflog("dev")[0]
    assert (end.source, end.target, end.why.operation) == (tip, None, "delete_branch")
    shelf.vault.clock.sleep(0.002)
    shelf.create_branch("dev", start=tip)
    assert shelf.all(ref="dev") == {"a": a_body("1"), "d": a_body("d")}
    moves = shelf.reflog("dev", limit=2)
    assert [move.why.operation for move in moves] == [
        "create_branch",
        "delete_branch",
        "create_commit",
        "create_branch",
    ]
    assert len({move.branch for move in moves}) == 2


def test_a_repeated_deletion_spares_what_has_the_name_since(shelf: Shelf) -> None:
    request = a_request("delete")
    shelf.create_branch("dev")
    shelf.delete_branch("dev", request=request)
    shelf.delete_branch("dev", request=request)
    with pytest.raises(NotFound):
        shelf.delete_branch("dev", request=a_request("other"))
    shelf.create_branch("dev")
    shelf.delete_branch("dev", request=request)
    assert branch(shelf, "dev").name == "dev"
    with pytest.raises(Conflict, match="idempotency"):
        shelf.delete_branch("dev", request=a_request("delete", body=b"other"))


@pytest.mark.parametrize("made_again", [True, False])
def test_a_deletion_sent_twice_at_once_is_one_deletion(made_again: bool) -> None:
    """The other copy of the request comes between any two calls; perhaps a new branch, too."""
    request = a_request("delete")
    for call in range(20):
        made = Shelf.make()
        made.create_branch("dev")
        twin = made.on(Process(made.vault))

        def meanwhile(twin: Shelf = twin) -> None:
            twin.delete_branch("dev", request=request)
            if made_again:
                twin.create_branch("dev")

        chaos = ChaosVault(made.vault, AtCall(call, Fault.INTERLEAVE), meanwhile)
        made.on(chaos).delete_branch("dev", request=request)
        ends = [move for move in made.reflog("dev") if move.target is None]
        assert len(ends) == 1
        if made_again and chaos.calls > call:
            assert branch(made, "dev").name == "dev"


def test_the_reflog_says_who_moved_the_branch(shelf: Shelf) -> None:
    """The author of a commit, whoever finished it."""
    shelf.append({"b": a_body("2")})
    leave_pending(shelf)
    bob = Caller("bob", shelf.caller.workspace, shelf.caller.roles, "c")
    with pytest.raises(Conflict, match="nothing is staged"):
        Shelf(shelf.vault, bob, shelf.dataset).commit()
    ingest(Shelf(shelf.vault, bob, shelf.dataset))
    assert [(move.why.operation, move.why.actor) for move in shelf.reflog()[:2]] == [
        ("ingest_lines", "bob"),
        ("create_commit", "alice"),
    ]


def test_a_reflog_is_that_of_a_branch_that_was(shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        shelf.reflog("never")
    other = Shelf.make(shelf.vault)
    shelf.create_branch("dev")
    with pytest.raises(NotFound):
        other.reflog("dev")


def test_the_heads_count_the_moves(shelf: Shelf) -> None:
    head = read_head(open_work(shelf.vault, shelf.dataset, MAIN))
    assert (head.moves, shelf.reflog()[0].number) == (1, 1)
