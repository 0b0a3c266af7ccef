"""Expected versions: exact whoever writes meanwhile, and nothing staged when one does not hold."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from datavault.domain.errors import NotFound, PreconditionFailed, Throttled
from datavault.domain.expectations import Version
from datavault.domain.ids import RecordId
from datavault.services.refs import open_work
from datavault.services.staging import read_head
from datavault.services.versions.resets import Staged
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request
from tests.support.chaos import AtCall, ChaosVault, Fault, LastWrite

ABSENT = Version(None)
# One batch that goes whole into a transaction, and one that does not.
SIZES = pytest.mark.parametrize("size", [1, 90, 95])
TRIES_MAX = 200


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.make()
    made.append({"committed": a_body("1"), "removed": a_body("1")})
    made.commit()
    made.append({"staged": a_body("1")})
    made.delete("removed")
    return made


def batch(size: int, text: str) -> dict[str, bytes]:
    """The record "r" and as many beside it as make up the size."""
    return {"r": a_body(text), **{f"beside{number}": a_body(text) for number in range(size - 1)}}


@pytest.mark.parametrize("name", ["committed", "staged"])
def test_a_record_is_replaced_at_the_version_expected(shelf: Shelf, name: str) -> None:
    version = Version(shelf.etag(name))
    shelf.append({name: a_body("2")}, expected={name: version})
    assert shelf.get(name) == a_body("2")
    with pytest.raises(PreconditionFailed):
        shelf.append({name: a_body("3")}, expected={name: version})
    assert shelf.get(name) == a_body("2")


@pytest.mark.parametrize("name", ["new", "removed"])
def test_a_record_is_added_where_there_is_none(shelf: Shelf, name: str) -> None:
    with pytest.raises(PreconditionFailed):
        shelf.append({name: a_body("2")}, expected={name: Version("0" * 32)})
    shelf.append({name: a_body("2")}, expected={name: ABSENT})
    with pytest.raises(PreconditionFailed):
        shelf.append({name: a_body("3")}, expected={name: ABSENT})
    assert shelf.get(name) == a_body("2")


def test_the_record_that_is_not_as_expected_is_named_and_nothing_is_staged(shelf: Shelf) -> None:
    before = (shelf.all(), read_head(open_work(shelf.vault, shelf.dataset, MAIN)))
    bodies = {"a": a_body("a"), "committed": a_body("2"), "b": a_body("b"), "staged": a_body("2")}
    expected = {"a": ABSENT, "committed": Version(shelf.etag("committed")), "staged": ABSENT}
    with pytest.raises(PreconditionFailed) as refusal:
        shelf.append(bodies, expected=expected)
    assert refusal.value.field == "records/3"
    assert (shelf.all(), read_head(open_work(shelf.vault, shelf.dataset, MAIN))) == before


def test_versions_are_told_across_a_commit_that_is_pending_or_done(shelf: Shelf) -> None:
    version = Version(shelf.etag("staged"))
    crashing = ChaosVault(
        shelf.vault, lambda _, method: Fault.CRASH_AFTER if method == "write" else Fault.NONE
    )
    with pytest.raises(BaseException, match="after catalog"):
        shelf.on(crashing).commit()
    shelf.append({"staged": a_body("2")}, expected={"staged": version, "removed": ABSENT})
    version = Version(shelf.etag("staged"))
    shelf.commit()
    shelf.append({"staged": a_body("3")}, expected={"staged": version})
    with pytest.raises(PreconditionFailed):
        shelf.append({"removed": a_body("3")}, expected={"removed": version})


def test_a_record_is_deleted_at_the_version_expected(shelf: Shelf) -> None:
    version = Version(shelf.etag("committed"))
    shelf.append({"committed": a_body("2")})
    with pytest.raises(PreconditionFailed) as refusal:
        shelf.delete("committed", expected=version)
    assert refusal.value.field == "expected_version"
    shelf.delete("committed", expected=Version(shelf.etag("committed")))
    with pytest.raises(NotFound):
        shelf.delete("committed", expected=version)


def test_a_request_that_is_repeated_is_not_held_to_what_it_expected(shelf: Shelf) -> None:
    request = a_request("once")
    write = partial(shelf.append, {"new": a_body("1")}, expected={"new": ABSENT}, request=request)
    assert write() == write()
    assert shelf.get("new") == a_body("1")


@SIZES
@pytest.mark.parametrize("fault", [Fault.INTERLEAVE, Fault.TORN], ids=lambda fault: fault.name)
def test_of_two_that_expect_the_same_one_wins_whenever_the_other_comes(
    size: int, fault: Fault
) -> None:
    """The other writes between any two calls; some of its rows may not be seen at once."""
    for call in range(24):
        made = Shelf.make()
        made.append(batch(size, "first"))
        version = Version(made.etag("r"))
        neighbour = LastWrite(made.vault)
        other = made.on(neighbour)

        def meanwhile(
            other: Shelf = other, neighbour: LastWrite = neighbour, version: Version = version
        ) -> object:
            try:
                other.append({"r": a_body("theirs")}, expected={"r": version})
            except PreconditionFailed:
                return {}
            return neighbour.before

        chaos = ChaosVault(made.vault, AtCall(call, fault), meanwhile)
        try:
            made.on(chaos).append(batch(size, "mine"), expected={"r": version})
            won = True
        except PreconditionFailed:
            won = False
        if won and chaos.calls > call:
            # The other came later, and was refused.
            assert made.get("r") == a_body("mine")
        elif not won:
            assert made.all() == batch(size, "first") | {"r": a_body("theirs")}


@SIZES
def test_a_version_does_not_outlive_a_reset(size: int) -> None:
    """What moves the branch and touches no generation is noticed as well."""
    for call in range(24):
        made = Shelf.make()
        empty = made.history()[0].id
        made.append(batch(size, "first"))
        made.commit()
        version = Version(made.etag("r"))
        admin = made.on(Process(made.vault))
        chaos = ChaosVault(
            made.vault,
            AtCall(call, Fault.INTERLEAVE),
            partial(admin.reset, empty, staged=Staged.DISCARD),
        )
        try:
            made.on(chaos).append(batch(size, "mine"), expected={"r": version})
        except PreconditionFailed:
            assert made.all() == {}
        else:
            assert chaos.calls <= call or made.all() in ({}, batch(size, "mine"))


@pytest.mark.parametrize("size", [1, 95])
def test_writers_that_count_together_lose_nothing(size: int) -> None:
    """Each reads a number and writes the next one, at the version it read."""
    made = Shelf.make()
    made.append(batch(size, "0"))
    writers, rounds = 4, 5

    def count(writer: int) -> None:
        own = made.on(Process(made.vault))
        done = tries = 0
        while done < rounds:
            tries += 1
            assert tries < TRIES_MAX
            version, text = Version(own.etag("r")), own.get("r")
            if Version(own.etag("r")) != version:
                continue
            number = int(text.decode().partition('"t":"')[2].rstrip('"}')) + 1
            try:
                own.append(batch(size, f"{number}"), expected={"r": version})
            except (PreconditionFailed, Throttled):
                continue
            done += 1

    with ThreadPoolExecutor(writers) as threads:
        for each in [threads.submit(count, writer) for writer in range(writers)]:
            each.result()
    assert made.get("r") == a_body(f"{writers * rounds}")
    assert set(made.all().values()) == {a_body(f"{writers * rounds}")}, "a batch is whole"
    assert RecordId("r") in made.all()
