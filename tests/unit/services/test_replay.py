"""Revert, cherry-pick and restore: one commit or one record brought from one place to another."""

import pytest
from hypothesis import given, settings

from datavault.domain.errors import Conflict, Invalid, NotFound
from datavault.domain.history import Counts, child_of
from datavault.domain.ids import DatasetName
from datavault.domain.merging import Histories, Outcome, Strategy
from datavault.services.datasets import changes, clones
from datavault.services.history import Authorship, Built, commit_row, write_commit
from datavault.services.keys import open_store
from tests.support.builders import MAIN, Shelf, a_body, a_request
from tests.support.merging import (
    DEV,
    Settling,
    conflicts,
    merge,
    pick,
    question,
    restore,
    revert,
    write,
)
from tests.unit.services.test_merge import CONTENT, Content, content, diverged


@settings(max_examples=60, deadline=None)
@given(before=CONTENT, after=CONTENT)
def test_reverting_the_head_restores_the_parents_content(before: Content, after: Content) -> None:
    shelf = diverged(before, after, {})
    head = shelf.history()[0]
    if before == after:
        return
    landed = revert(shelf, head.id)
    assert content(shelf) == before
    assert landed.commit.parents == (head.id,)
    assert landed.commit.root.address == shelf.history()[2].root.address
    assert revert(shelf, landed.commit.id).commit.root.address == head.root.address


def test_a_picked_commit_brings_what_it_changed_and_nothing_else() -> None:
    shelf = diverged({"a": b'{"x":1,"y":1}'}, {"a": b'{"x":2,"y":1}'}, {"b": a_body("b")})
    wanted = write(shelf, {"c": a_body("c"), "b": None}, branch=DEV)
    write(shelf, {"d": a_body("d")}, branch=DEV)
    landed = pick(shelf, wanted)
    assert landed.outcome is Outcome.COMMITTED
    assert content(shelf) == {"a": b'{"x":2,"y":1}', "c": a_body("c")}
    assert landed.commit.message == "message"
    assert len(landed.commit.parents) == 1
    assert pick(shelf, wanted[:12]).outcome is Outcome.UNCHANGED


def test_a_replay_that_conflicts_changes_nothing_and_says_how_to_list() -> None:
    shelf = diverged({"a": b'{"n":1}'}, {"a": b'{"n":2}'}, {"a": b'{"n":3}'})
    wanted = shelf.history(ref=DEV)[0]
    with pytest.raises(Conflict, match=f"base={wanted.parents[0]}&source={wanted.id}&target=main"):
        pick(shelf, wanted.id)
    (only,) = conflicts(shelf, question(wanted.id, base=wanted.parents[0]))
    assert only.fields == ("/n",)
    assert content(shelf) == {"a": b'{"n":2}'}
    pick(shelf, wanted.id, settling=Settling(strategy=Strategy.THEIRS))
    assert content(shelf) == {"a": b'{"n":3}'}


def test_a_merge_commit_is_replayed_against_the_parent_that_is_named() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    merged = merge(shelf).commit
    with pytest.raises(Invalid) as refused:
        revert(shelf, merged.id)
    assert refused.value.field == "mainline"
    with pytest.raises(Invalid, match="2 parents"):
        revert(shelf, merged.id, mainline=3)
    revert(shelf, merged.id, mainline=1)
    assert set(content(shelf)) == {"a"}
    # What was reverted does not come back by merging it again: it is in the history.
    assert merge(shelf).outcome is Outcome.UNCHANGED
    with pytest.raises(Invalid, match="first commit"):
        revert(shelf, shelf.history()[-1].id)


def test_a_repeated_replay_is_answered_as_the_first_was() -> None:
    shelf = diverged({"a": a_body("a")}, {"a": a_body("b")}, {})
    head = shelf.history()[0].id
    first = revert(shelf, head, request=a_request("one"))
    write(shelf, {"later": a_body("later")})
    assert revert(shelf, head, request=a_request("one")) == first
    picked = pick(shelf, head, request=a_request("two"))
    assert pick(shelf, head, request=a_request("two")) == picked
    assert content(shelf)["a"] == a_body("b")


def test_a_record_is_restored_by_staging_it_as_another_ref_has_it() -> None:
    shelf = Shelf.make()
    old = write(shelf, {"a": a_body("old", 9000), "b": a_body("b")})
    write(shelf, {"a": None})
    receipt = restore(shelf, "a", old, request=a_request("one"))
    assert receipt.ids == ("a",)
    assert shelf.get("a") == a_body("old", 9000)
    with pytest.raises(NotFound):
        shelf.get("a", ref=shelf.history()[0].id)
    shelf.append({"a": a_body("new")})
    restore(shelf, "a", old, request=a_request("one"))
    assert shelf.get("a") == a_body("new")
    with pytest.raises(NotFound):
        restore(shelf, "a", shelf.history()[0].id)
    shelf.create_branch("dev")
    shelf.append({"s": a_body("staged")}, branch=DEV)
    restore(shelf, "s", DEV)
    assert shelf.get("s", ref=MAIN) == a_body("staged")


def test_a_protected_branch_takes_merges_and_no_replays() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    shelf.protect(MAIN)
    for replay in (revert, pick):
        with pytest.raises(Conflict, match="protected"):
            replay(shelf, shelf.history()[0].id)
    assert merge(shelf).outcome is Outcome.COMMITTED
    assert shelf.reflog()[0].why.operation == "merge_refs"
    with pytest.raises(Conflict, match="protected"):
        restore(shelf, "a", shelf.history()[0].id)


def test_an_archived_dataset_takes_no_merge() -> None:
    shelf = diverged({}, {"a": a_body("a")}, {"b": a_body("b")})
    done = merge(shelf, request=a_request("before"))
    changes.archive_dataset(
        shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None
    )
    with pytest.raises(Conflict, match="archived"):
        merge(shelf)
    assert merge(shelf, request=a_request("before")) == done


def test_unrelated_histories_are_merged_only_when_asked_for() -> None:
    shelf = diverged({}, {"a": a_body("a"), "c": a_body("1")}, {})
    keys = open_store(shelf.vault, shelf.dataset)
    root = shelf.history()[0].root
    said = Authorship("ada", "another beginning", 0)
    other = write_commit(
        shelf.vault, keys, None, Built(root, Counts(root.count, root.count, 0, 0)), said
    )
    row = commit_row(keys, shelf.dataset, child_of([], other))
    shelf.vault.catalog.write([row], token="token")
    write(shelf, {"c": a_body("2")})
    with pytest.raises(Conflict, match="no common ancestor"):
        merge(shelf, other.id)
    with pytest.raises(Conflict, match="1 add_add"):
        merge(shelf, other.id, histories=Histories.ANY)
    theirs = Settling(strategy=Strategy.THEIRS)
    landed = merge(shelf, other.id, settling=theirs, histories=Histories.ANY)
    assert landed.commit.parents[1] == other.id
    assert content(shelf)["c"] == a_body("1")


def test_a_clone_merges_on_an_ancestor_that_its_origin_holds() -> None:
    shelf = diverged({"r": b'{"x":1,"y":1}'}, {"r": b'{"x":2,"y":1}'}, {"r": b'{"x":1,"y":2}'})
    dev = shelf.history(ref=DEV)[0]
    merge(shelf)
    clone = clones.clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=MAIN,
        name=DatasetName("clone"),
        request=None,
    )
    copy = Shelf(shelf.vault, shelf.caller, clone)
    copy.create_branch("dev", start=dev.id)
    write(copy, {"r": b'{"x":1,"y":3}'}, branch=DEV)
    assert merge(copy).outcome is Outcome.COMMITTED
    assert content(copy) == {"r": b'{"x":2,"y":3}'}
