"""A clone has the whole history up to where it left, and nothing of what came after."""

from dataclasses import replace

import pytest

from datavault.domain import keyspace
from datavault.domain.datasets import CLONE_DEPTH_MAX, Dataset, Origin
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.history import child_of
from datavault.domain.ids import BranchName, DatasetName
from datavault.domain.preconditions import ANY
from datavault.domain.requests import Request
from datavault.domain.rows import Put
from datavault.services.datasets import changes, clones, search
from datavault.services.history import commit_row, read_commit
from datavault.services.keys import open_store
from datavault.services.versions import commits
from tests.support.builders import MAIN, Process, Shelf, a_body, a_caller, a_request
from tests.support.chaos import ChaosVault


def clone(
    shelf: Shelf, name: str = "clone", *, ref: str = MAIN, request: Request | None = None
) -> Shelf:
    made = clones.clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=ref,
        name=DatasetName(name),
        request=request,
    )
    return Shelf(shelf.vault, shelf.caller, made)


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    for number in range(3):
        made.append({f"{number}": a_body(f"{number}", 5000), "a": a_body(f"{number}")})
        made.commit(f"{number}")
    return made


def resolved(shelf: Shelf, ref: str) -> str:
    process = Process(shelf.vault)
    return commits.get_commit(
        process, caller=shelf.caller, dataset_id=shelf.dataset.id, commit_ref=ref
    ).id


def test_a_clone_starts_as_the_version_it_was_made_of(shelf: Shelf) -> None:
    history = shelf.history()
    shelf.append({"staged": a_body("s")})
    copy = clone(shelf)
    assert copy.all() == shelf.all(ref=history[0].id)
    assert copy.history() == history
    assert copy.on(Process(shelf.vault)).history(limit=2) == history
    older = clone(shelf, "older", ref=history[1].id[:12])
    assert older.history() == history[1:]
    assert older.dataset.origins == (Origin(shelf.dataset.id, history[1].id),)
    assert (older.dataset.store, older.dataset.version) == (shelf.dataset.store, 1)


def test_neither_sees_what_the_other_does_afterwards(shelf: Shelf) -> None:
    copy = clone(shelf)
    shared = [commit.id for commit in shelf.history()]
    shelf.append({"mine": a_body("m")})
    mine = shelf.commit("mine").id
    copy.append({"yours": a_body("y")})
    yours = copy.commit("yours").id
    assert "yours" not in shelf.all()
    assert "mine" not in copy.all()
    for each in (shelf, copy):
        for commit in shared:
            assert resolved(each, commit) == resolved(each, commit[:8]) == commit
    for each, theirs in ((shelf, yours), (copy, mine)):
        for ref in (theirs, theirs[:8], theirs[:40]):
            with pytest.raises(NotFound):
                resolved(each, ref)
            with pytest.raises(NotFound):
                each.all(ref=ref)
            with pytest.raises(NotFound):
                each.create_branch("x", start=ref)


def test_what_was_on_another_branch_is_not_in_the_clone(shelf: Shelf) -> None:
    side = BranchName("side")
    shelf.create_branch("side")
    shelf.append({"s": a_body("s")}, branch=side)
    beside = shelf.commit("beside", branch=side).id
    copy = clone(shelf)
    with pytest.raises(NotFound):
        resolved(copy, beside)
    with pytest.raises(NotFound):
        copy.all(ref="side")
    assert resolved(clone(shelf, "of side", ref="side"), beside) == beside


def test_what_was_merged_is_in_the_clone(shelf: Shelf) -> None:
    """A commit with two parents: the second one's history is as visible as the first one's."""
    side = BranchName("side")
    shelf.create_branch("side", start=shelf.history()[1].id)
    beside = []
    for number in range(40):
        shelf.append({"s": a_body(f"{number}")}, branch=side)
        beside.append(shelf.commit(f"beside {number}", branch=side).id)
    main = shelf.history()[0]
    keys = open_store(shelf.vault, shelf.dataset)
    merged = replace(main, parents=(main.id, beside[-1]), message="merge")
    parents = [read_commit(shelf.vault, keys, shelf.dataset, parent) for parent in merged.parents]
    row = commit_row(keys, shelf.dataset, child_of(parents, merged))
    shelf.vault.catalog.put_many([row])
    shelf.append({"s": a_body("later")}, branch=side)
    later = shelf.commit("later", branch=side).id
    copy = clone(shelf, ref=merged.id)
    for commit in (*beside, main.id, merged.id, shelf.history()[-1].id):
        assert resolved(copy, commit) == commit
    with pytest.raises(NotFound):
        resolved(copy, later)


def test_a_prefix_of_the_clones_and_the_origins_is_a_conflict(shelf: Shelf) -> None:
    copy = clone(shelf)
    first = shelf.history()[-1].id
    row = shelf.vault.catalog.get(keyspace.commit(shelf.dataset.workspace, shelf.dataset.id, first))
    assert row is not None
    twin = keyspace.commit(shelf.dataset.workspace, copy.dataset.id, first[:-1] + "_")
    shelf.vault.catalog.put_many([Put(twin, row.attributes)])
    with pytest.raises(Conflict, match="begin with these 8 characters"):
        resolved(copy, first[:8])
    assert resolved(copy, first) == first


def test_clones_of_clones_lead_back_to_the_first(shelf: Shelf) -> None:
    last = shelf
    made: list[str] = [commit.id for commit in reversed(shelf.history())]
    for number in range(CLONE_DEPTH_MAX):
        last = clone(last, f"clone {number}")
        last.append({f"c{number}": a_body("c")})
        made.append(last.commit(f"c{number}").id)
    fresh = last.on(Process(shelf.vault))
    assert [commit.id for commit in reversed(fresh.history())] == made
    assert all(resolved(last, commit) == commit for commit in made)
    assert len(fresh.all()) == 4 + CLONE_DEPTH_MAX
    with pytest.raises(Conflict, match=f"at most {CLONE_DEPTH_MAX} allowed"):
        clone(last, "one more")
    with pytest.raises(NotFound):
        resolved(shelf, made[-1])


def test_an_old_commit_is_found_through_a_long_history(shelf: Shelf) -> None:
    for number in range(100):
        shelf.append({"a": a_body(f"{number}")})
        shelf.commit(f"{number}")
    copy = clone(shelf)
    history = shelf.history()
    assert copy.on(Process(shelf.vault)).history() == history
    chaos = ChaosVault(shelf.vault)
    found = commits.get_commit(
        chaos, caller=shelf.caller, dataset_id=copy.dataset.id, commit_ref=history[-1].id
    )
    assert found == history[-1]
    assert chaos.calls < 20


def test_a_clone_costs_the_same_for_any_size() -> None:
    costs = []
    for records, rounds in ((1, 1), (400, 40)):
        shelf = Shelf.make()
        for number in range(rounds):
            shelf.append({f"{number}/{each}": a_body(f"{each}", 300) for each in range(records)})
            shelf.commit()
        objects = sorted(shelf.vault.objects.keys(""))
        chaos = ChaosVault(shelf.vault)
        copy = clone(shelf.on(chaos))
        costs.append(chaos.calls)
        assert sorted(shelf.vault.objects.keys("")) == objects
        assert copy.history()[0].counts.records == records * rounds
    assert costs[0] == costs[1]


def test_a_clone_of_an_archived_dataset_takes_changes(shelf: Shelf) -> None:
    changes.archive_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None
    )
    copy = clone(shelf)
    copy.append({"b": a_body("b")})
    assert copy.commit().counts.added == 1


def test_a_clone_asked_for_twice_is_made_once(shelf: Shelf) -> None:
    first = clone(shelf, request=a_request("clone")).dataset
    assert clone(shelf, request=a_request("clone")).dataset == first
    with pytest.raises(Conflict, match=first.id):
        clone(shelf)
    found = search.list_datasets(shelf.vault, caller=shelf.caller, limit=9, cursor=None)
    assert [dataset.name for dataset in found.items].count(DatasetName("clone")) == 1


def test_a_clone_is_said_to_be_what_its_origin_is_unless_told_otherwise(shelf: Shelf) -> None:
    said = changes.update_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        edit=changes.Edit(description="d", labels=(("a", "1"),), metadata=(("n", 1),)),
        precondition=ANY,
        request=None,
    )
    copy = clone(shelf).dataset
    assert (copy.description, copy.labels, copy.metadata) == ("d", said.labels, said.metadata)
    other: Dataset = clones.clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=MAIN,
        name=DatasetName("other"),
        description="",
        labels=(),
        metadata=(),
        request=None,
    )
    assert (other.description, other.labels, other.metadata) == ("", (), ())


def test_nobody_clones_out_of_another_workspace(shelf: Shelf) -> None:
    stranger = Shelf(shelf.vault, a_caller(shelf.vault, subject="bob"), shelf.dataset)
    with pytest.raises(NotFound):
        clone(stranger)


def test_what_a_store_is_needed_for_is_known(shelf: Shelf) -> None:
    copy = clone(shelf)
    row = shelf.vault.catalog.get(
        keyspace.clone(shelf.dataset.workspace, shelf.dataset.id, copy.dataset.id)
    )
    assert row is not None
    assert row.text("commit") == shelf.history()[0].id
