"""Tags: names that never move, in one namespace with branches."""

from collections.abc import Callable

import pytest

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Conflict, Denied, NotFound
from datavault.domain.ids import BranchName, TagName
from datavault.domain.rows import Table
from datavault.services.versions import branches, tags
from tests.simulation.model import rows_of
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request
from tests.support.chaos import AtCall, ChaosVault, Fault


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"a": a_body("1")})
    made.commit("first")
    return made


def test_a_tag_stays_where_it_was_put(shelf: Shelf) -> None:
    tag = shelf.create_tag("v1", message="the first")
    shelf.append({"a": a_body("2")})
    assert shelf.all(ref="v1") == {"a": a_body("1")}, "what is staged is not in it"
    shelf.commit()
    shelf.reset(shelf.history()[-1].id)
    assert shelf.all(ref="v1") == {"a": a_body("1")}
    assert shelf.history(ref="v1")[0].id == tag.commit
    assert shelf.tags() == [tag]
    assert (
        tags.get_tag(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            name=TagName("v1"),
        )
        == tag
    )


def test_a_ref_may_be_a_tag_wherever_it_may_be_a_branch(shelf: Shelf) -> None:
    tag = shelf.create_tag("v1")
    shelf.create_branch("from-tag", start="v1")
    assert shelf.create_tag("v1-again", ref="v1").commit == tag.commit
    assert shelf.create_tag("v1-by-id", ref=tag.commit[:8]).commit == tag.commit
    assert shelf.get("a", ref="v1") == a_body("1")
    assert shelf.reset("v1", branch=BranchName("from-tag")).commit == tag.commit
    with pytest.raises(NotFound, match="no branch or tag"):
        shelf.get("a", ref="v2")


def test_a_tag_takes_no_changes(shelf: Shelf) -> None:
    shelf.create_tag("v1")
    name = BranchName("v1")
    changes: tuple[Callable[[], object], ...] = (
        lambda: shelf.append({"b": a_body("2")}, branch=name),
        lambda: shelf.delete("a", branch=name),
        lambda: shelf.commit(branch=name),
        lambda: shelf.delete_branch("v1"),
        lambda: shelf.protect("v1"),
        lambda: shelf.reset(MAIN, branch=name),
    )
    for change in changes:
        with pytest.raises(NotFound, match="no branch of this name"):
            change()


def test_a_name_is_a_branch_or_a_tag_and_never_both(shelf: Shelf) -> None:
    shelf.create_tag("one")
    shelf.create_branch("two")
    with pytest.raises(Conflict, match="a tag of this name"):
        shelf.create_tag("one")
    with pytest.raises(Conflict, match="a tag of this name"):
        shelf.create_branch("one")
    for name in ("two", "main"):
        with pytest.raises(Conflict, match="a branch of this name"):
            shelf.create_tag(name)
    shelf.delete_branch("two")
    shelf.create_tag("two")


@pytest.mark.parametrize("first", ["tag", "branch"])
def test_a_branch_and_a_tag_made_at_once_get_one_name_once(first: str) -> None:
    """Between any two calls of the one, somebody makes the other."""
    raced = 0
    for call in range(12):
        made = Shelf.make()
        other = made.on(Process(made.vault))

        def branch(shelf: Shelf) -> None:
            shelf.create_branch("name")

        def tag(shelf: Shelf) -> None:
            shelf.create_tag("name")

        do, does = (tag, branch) if first == "tag" else (branch, tag)

        def meanwhile(other: Shelf = other, does: object = does) -> None:
            does(other)  # type: ignore[operator]

        chaos = ChaosVault(made.vault, AtCall(call, Fault.INTERLEAVE), meanwhile)
        try:
            do(made.on(chaos))
        except Conflict:
            raced += 1
        names: list[str] = [tag.name for tag in made.tags()]
        listed = branches.list_branches(
            made.vault, caller=made.caller, dataset_id=made.dataset.id, limit=9, cursor=None
        ).items
        names += [each.name for each in listed if each.name != "main"]
        assert names == ["name"]
    assert raced >= 2


def test_a_tag_that_is_made_again_in_one_request_is_the_first(shelf: Shelf) -> None:
    request = a_request("tag")
    tag = shelf.create_tag("v1", message="said", request=request)
    shelf.append({"b": a_body("2")})
    shelf.commit()
    assert shelf.create_tag("v1", message="said", request=request) == tag


def test_tags_come_by_name_page_by_page(shelf: Shelf) -> None:
    names = ["V1", "a/b", "a-b", "v1.0", "v1.0-rc.1", "v10", "v2"]
    for name in names:
        shelf.create_tag(name, message=f"of {name}")
    for limit in (1, 2, 1000):
        found = shelf.tags(limit=limit)
        assert [tag.name for tag in found] == sorted(names)
        assert [tag.message for tag in found] == [f"of {name}" for name in sorted(names)]


def test_a_message_is_sealed(shelf: Shelf) -> None:
    shelf.create_tag("v1", message="canary message")
    rows = [row for table in Table for row in rows_of(shelf.vault.catalog, table)]
    assert "canary" not in str(rows)


def test_who_may_tag(shelf: Shelf) -> None:
    for role in Role:
        caller = Caller("someone", shelf.caller.workspace, frozenset({role}), "c")
        other = Shelf(shelf.vault, caller, shelf.dataset)
        if role in {Role.WRITER, Role.ADMIN}:
            other.create_tag(f"by-{role}")
        else:
            with pytest.raises(Denied):
                other.create_tag(f"by-{role}")
    assert {tag.name for tag in shelf.tags()} == {"by-writer", "by-admin"}
