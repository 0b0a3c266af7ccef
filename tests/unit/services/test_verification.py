"""Verification: all of a version is read, and whatever is corrupt is named, and no content."""

from collections.abc import Callable, Iterator

import pytest

from datavault.adapters.memory.objects import MemoryObjects
from datavault.domain.access import Caller, Role
from datavault.domain.errors import Denied, NotFound
from datavault.domain.verification import Checked, Part
from datavault.services.versions import verification
from tests.support.builders import Shelf, a_body, seeded

RECORDS = 3000


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Its keys, and so where its leaves end, are the same each time."""
    with seeded(5):
        yield _furnished()


def _furnished() -> Shelf:
    made = Shelf.make()
    for start in range(0, RECORDS, 1000):
        bodies = {f"k{at:05d}": a_body(f"{at}", 100) for at in range(start, start + 1000)}
        made.append(bodies)
    made.commit()
    made.append({"k01000": a_body("edited"), "large": a_body("l", 300_000)})
    made.delete("k00005")
    made.commit()
    return made


def total(pages: list[Checked]) -> tuple[int, int]:
    return sum(page.nodes for page in pages), sum(page.records for page in pages)


def spoil(shelf: Shelf, change: Callable[[bytes], bytes | None], *, where: str) -> int:
    """Change every object of a kind, or take it away where that gives nothing."""
    objects = shelf.vault.objects
    assert isinstance(objects, MemoryObjects)
    names = [name for name in objects.keys("") if f"/{where}/" in name]
    for name in names:
        content = change(objects.get(name))
        objects.delete(name)
        if content is not None:
            objects.put(name, [content])
    return len(names)


def flipped(at: int) -> Callable[[bytes], bytes]:
    def flip(content: bytes) -> bytes:
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


def test_a_whole_version_passes(shelf: Shelf) -> None:
    (page,) = shelf.verify()
    assert (page.records, page.corrupt) == (RECORDS, {})
    assert page.nodes > 3
    assert page.bytes > RECORDS * 90
    assert page.commit == shelf.history()[0].id
    (empty,) = shelf.verify(ref=shelf.history()[-1].id)
    assert (empty.nodes, empty.records, empty.corrupt) == (1, 0, {})


@pytest.mark.parametrize("piece", [1, 7, 1024])
def test_pages_add_up_to_the_version(
    shelf: Shelf, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = total(shelf.verify())
    monkeypatch.setattr(verification, "PAGE_BYTES_MAX", 1)
    monkeypatch.setattr(verification, "PIECE_RECORDS_MAX", piece * 40)
    pages = shelf.verify()
    assert len(pages) > 3
    assert total(pages) == whole
    assert all(page.nodes or page.records for page in pages), "a page gets on"


def test_a_page_ends_when_its_time_is_over(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PAGE_MS_MAX", 0)
    assert len(shelf.verify()) > 1


def test_a_commit_on_a_branch_does_not_move_a_verification(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "PAGE_MS_MAX", 0)
    ask = {"caller": shelf.caller, "dataset_id": shelf.dataset.id, "ref": "main"}
    first = verification.verify_version(shelf.vault, **ask, cursor=None)  # type: ignore[arg-type]
    shelf.append({"new": a_body("n")})
    shelf.commit()
    cursor = first.next_cursor
    then = verification.verify_version(shelf.vault, **ask, cursor=cursor)  # type: ignore[arg-type]
    assert then.commit == first.commit != shelf.history()[0].id


# The first byte of the first block, which is after the header of 96 bytes; the header itself is
# not read by whoever knows the pack's key.
@pytest.mark.parametrize("change", [flipped(120), lambda _: None, lambda content: content[:100]])
def test_corrupt_blocks_are_named_and_counted(
    shelf: Shelf, change: Callable[[bytes], bytes | None]
) -> None:
    packs = spoil(shelf, change, where="packs")
    pages = shelf.verify()
    corrupt = pages[-1].corrupt
    assert {place.part for place in corrupt} == {Part.BLOCK}
    assert len(corrupt) == packs
    assert sum(corrupt.values()) + sum(page.records for page in pages) == RECORDS
    assert sum(corrupt.values()) > 0
    names = {name.rpartition("/")[2] for name in shelf.vault.objects.keys("") if "/packs/" in name}
    assert names <= {place.name for place in corrupt}


def test_a_corrupt_node_hides_what_is_below_it_and_nothing_else(shelf: Shelf) -> None:
    """Of the first version's nodes one leaf is spoilt, and the second has most of them."""
    spoil(shelf, flipped(120), where="nodes")
    pages = shelf.verify()
    corrupt = pages[-1].corrupt
    assert {place.part for place in corrupt} == {Part.NODE}
    assert sum(corrupt.values()) + sum(page.records for page in pages) == RECORDS


def test_a_corrupt_root_hides_everything(shelf: Shelf) -> None:
    spoil(shelf, lambda _: None, where="nodes")
    (page,) = shelf.verify()
    assert (sum(page.corrupt.values()), page.nodes, page.records) == (RECORDS, 0, 0)
    assert page.next_cursor is None


@pytest.mark.parametrize("change", [flipped(30), lambda _: None])
def test_a_commits_object_is_compared_with_its_row(
    shelf: Shelf, change: Callable[[bytes], bytes | None]
) -> None:
    spoil(shelf, change, where="commits")
    (page,) = shelf.verify()
    ((place, records),) = page.corrupt.items()
    assert (place.part, place.name, records) == (Part.COMMIT, page.commit, 0)
    assert page.records == RECORDS


def test_what_is_verified_is_read_and_not_remembered(shelf: Shelf) -> None:
    shelf.all()
    shelf.verify()
    spoil(shelf, lambda _: None, where="nodes")
    assert shelf.verify()[0].corrupt


def test_who_may_verify(shelf: Shelf) -> None:
    for role in Role:
        caller = Caller("someone", shelf.caller.workspace, frozenset({role}), "c")
        assert Shelf(shelf.vault, caller, shelf.dataset).verify()[0].corrupt == {}
    nobody = Caller("someone", shelf.caller.workspace, frozenset(), "c")
    with pytest.raises(Denied):
        Shelf(shelf.vault, nobody, shelf.dataset).verify()
    with pytest.raises(NotFound):
        shelf.verify(ref="never")
