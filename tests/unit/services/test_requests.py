"""Idempotent requests: carried out once in 24 hours, answered as often as they are made."""

import pytest

from datavault.domain.access import Caller, Role
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.requests import KEPT_MS
from tests.support.builders import Process, Shelf, a_body, a_request
from tests.support.chaos import AtCall, ChaosVault, Fault

REQUEST = a_request("once")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.make()


def test_an_append_made_again_is_staged_once_and_answered_alike(shelf: Shelf) -> None:
    first = shelf.append({"a": a_body("1")}, request=REQUEST)
    shelf.append({"a": a_body("2")})
    assert shelf.append({"a": a_body("1")}, request=REQUEST) == first
    assert shelf.get("a") == a_body("2")


def test_records_without_ids_get_the_same_ids_again(shelf: Shelf) -> None:
    from datavault.domain.staging import NewRecord
    from datavault.services.records import changing
    from tests.support.builders import MAIN

    def append() -> tuple[str, ...]:
        return changing.append_records(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            branch=MAIN,
            records=[NewRecord(a_body(text), None, text) for text in "abc"],
            request=REQUEST,
        ).ids

    ids = append()
    assert append() == ids == tuple(shelf.all())


def test_a_removal_made_again_is_no_error(shelf: Shelf) -> None:
    shelf.append({"a": a_body("1")})
    shelf.delete("a", request=REQUEST)
    shelf.delete("a", request=REQUEST)
    with pytest.raises(NotFound):
        shelf.delete("a", request=a_request("another"))
    with pytest.raises(NotFound):
        shelf.delete("a")


def test_a_removal_made_again_does_not_remove_what_came_later(shelf: Shelf) -> None:
    shelf.append({"a": a_body("1")})
    shelf.delete("a", request=REQUEST)
    shelf.append({"a": a_body("2")})
    shelf.delete("a", request=REQUEST)
    assert shelf.get("a") == a_body("2")


def test_a_commit_made_again_is_the_same_though_others_followed(shelf: Shelf) -> None:
    shelf.append({"a": a_body("1")})
    first = shelf.commit(request=REQUEST)
    shelf.append({"a": a_body("2")})
    shelf.commit("another")
    assert shelf.commit(request=REQUEST) == first
    with pytest.raises(Conflict, match="nothing is staged"):
        shelf.commit(request=a_request("another"))


def test_a_branch_made_again_is_the_same(shelf: Shelf) -> None:
    shelf.create_branch("dev", request=REQUEST)
    shelf.create_branch("dev", request=REQUEST)
    with pytest.raises(Conflict, match="branch of this name"):
        shelf.create_branch("dev", request=a_request("another"))


def test_one_key_is_for_one_request(shelf: Shelf) -> None:
    shelf.append({"a": a_body("1")}, request=REQUEST)
    with pytest.raises(Conflict, match="other contents") as refusal:
        shelf.append({"a": a_body("2")}, request=a_request("once", body=b"other"))
    assert refusal.value.field == "Idempotency-Key"
    assert shelf.get("a") == a_body("1")


def test_callers_do_not_share_keys(shelf: Shelf) -> None:
    shelf.append({"a": a_body("1")}, request=REQUEST)
    bob = Caller("bob", shelf.caller.workspace, frozenset({Role.WRITER}), "c")
    Shelf(shelf.vault, bob, shelf.dataset).append({"a": a_body("2")}, request=REQUEST)
    assert shelf.get("a") == a_body("2")


def test_a_key_is_free_again_after_a_day_though_its_row_is_still_there(shelf: Shelf) -> None:
    """A table drops expired rows days late; they must not stand in the way."""
    shelf.append({"a": a_body("1")}, request=REQUEST)
    shelf.vault.clock.sleep(KEPT_MS / 1000 - 1)
    shelf.append({"a": a_body("1")}, request=REQUEST)
    shelf.append({"a": a_body("2")})
    shelf.append({"a": a_body("1")}, request=REQUEST)
    assert shelf.get("a") == a_body("2")
    shelf.vault.clock.sleep(1)
    other_contents = a_request("once", body=b"other")
    shelf.append({"a": a_body("3")}, request=other_contents)
    assert shelf.get("a") == a_body("3")
    shelf.append({"a": a_body("3")}, request=other_contents)
    with pytest.raises(Conflict, match="other contents"):
        shelf.append({"a": a_body("1")}, request=REQUEST)


def test_two_that_find_the_same_expired_row_do_not_both_do_the_work(shelf: Shelf) -> None:
    """Forgetting the old row is conditional: it cannot remove the row of who was faster."""
    shelf.append({"a": a_body("1")}, request=REQUEST)
    shelf.vault.clock.sleep(KEPT_MS / 1000)
    twin = shelf.on(Process(shelf.vault))
    counted = ChaosVault(shelf.vault)
    shelf.on(counted).get("a")
    for call in range(12):
        shelf.vault.clock.sleep(KEPT_MS / 1000 + 1)
        chaos = ChaosVault(
            shelf.vault,
            AtCall(call, Fault.INTERLEAVE),
            lambda: twin.append({"a": a_body("1")}, request=REQUEST),
        )
        before = _staged(shelf)
        shelf.on(chaos).append({"a": a_body("1")}, request=REQUEST)
        assert _staged(shelf) == before + 1


def _staged(shelf: Shelf) -> int:
    from datavault.services.refs import open_work
    from datavault.services.staging import read_head
    from tests.support.builders import MAIN

    return read_head(open_work(shelf.vault, shelf.dataset, MAIN)).records
