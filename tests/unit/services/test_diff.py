"""What differs between two refs: all of it, in pages that go on where the last one ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.access import Caller, Role
from datavault.domain.changes import ChangeKind, Counted, Include, RecordChange
from datavault.domain.errors import Denied, Invalid, NotFound
from datavault.services.versions import diff
from datavault.services.versions.diff import count_changes
from tests.support.builders import MAIN, Process, Shelf, a_body, incompressible
from tests.support.chaos import ChaosVault, Fault
from tests.support.recording import RangesVault

IDS = st.text("ab\u00e9/", min_size=1, max_size=3)
BODIES = st.integers(1, 3).map(lambda number: b'{ "n" : %d.0 }' % number)
CONTENT = st.dictionaries(IDS, BODIES, max_size=12)


def written(shelf: Shelf, old: dict[str, bytes], new: dict[str, bytes]) -> str:
    """Make the branch hold ``new`` and no more of ``old``; the commit."""
    for record_id in old.keys() - new.keys():
        shelf.delete(record_id)
    if new:
        shelf.append(new)
    return shelf.commit().id


def sides(change: RecordChange) -> tuple[bytes | None, bytes | None]:
    before, after = change.before, change.after
    return None if before is None else before.body, None if after is None else after.body


def counted(shelf: Shelf, base: str, target: str) -> Counted:
    found: list[Counted] = []
    cursor = None
    while True:
        page = count_changes(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            base=base,
            target=target,
            cursor=cursor,
        )
        found.append(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    return Counted(
        found[0].base,
        found[0].target,
        sum(each.added for each in found),
        sum(each.changed for each in found),
        sum(each.removed for each in found),
        None,
    )


@settings(max_examples=40, deadline=None)
@given(old=CONTENT, new=CONTENT, limit=st.integers(1, 5))
def test_a_difference_is_that_of_the_dicts_however_it_is_paged(
    old: dict[str, bytes], new: dict[str, bytes], limit: int
) -> None:
    shelf = Shelf.make()
    shelf.append({"always": a_body("always")})
    base = shelf.commit().id if not old else written(shelf, {}, old)
    target = base if old == new else written(shelf, old, new)
    changes = shelf.diff(base, target, limit=limit)
    assert {each.id: sides(each) for each in changes} == {
        each: (old.get(each), new.get(each))
        for each in old.keys() | new.keys()
        if old.get(each) != new.get(each)
    }
    ids = [each.id.encode() for each in changes]
    assert ids == sorted(ids)
    kinds = [each.kind for each in changes]
    count = counted(shelf, base, target)
    assert (count.added, count.changed, count.removed) == (
        kinds.count(ChangeKind.ADDED),
        kinds.count(ChangeKind.CHANGED),
        kinds.count(ChangeKind.REMOVED),
    )


def test_without_texts_a_change_has_the_etags_that_reading_the_record_gives() -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("one")})
    base = shelf.commit().id
    shelf.append({"a": a_body("two")})
    shelf.commit()
    (bare,) = shelf.diff(base, MAIN, include=Include.ETAGS)
    (full,) = shelf.diff(base, MAIN)
    assert bare.before is not None
    assert bare.after is not None
    assert bare.before.body is bare.after.body is None
    assert full.before is not None
    assert bare.before.etag == full.before.etag != bare.after.etag


def test_what_is_staged_on_a_branch_is_no_part_of_its_difference() -> None:
    shelf = Shelf.make()
    shelf.append({"a": a_body("a")})
    shelf.commit()
    shelf.create_branch("dev")
    shelf.append({"b": a_body("b")})
    assert shelf.diff("dev", MAIN) == []


def test_pages_are_of_the_versions_that_the_first_page_saw() -> None:
    shelf = Shelf.make()
    base = shelf.history()[0].id
    shelf.append({"a": a_body("a"), "b": a_body("b"), "c": a_body("c")})
    shelf.commit()
    first = shelf.diff_page(base, MAIN, limit=1)
    shelf.delete("b")
    shelf.commit()
    second = shelf.diff_page(base, MAIN, limit=1, cursor=first.next_cursor)
    assert [each.id for each in second.changes] == ["b"]
    assert second.target == first.target
    fresh = shelf.diff_page(base, MAIN)
    assert [each.id for each in fresh.changes] == ["a", "c"]


def test_a_page_with_texts_ends_at_some_bytes_and_counts_end_at_some_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf = Shelf.make()
    base = shelf.history()[0].id
    shelf.append({f"r{number:04d}": a_body("x", 100) for number in range(900)})
    shelf.append({f"s{number:04d}": a_body("x", 100) for number in range(900)})
    shelf.append({f"t{number:04d}": a_body("x", 100) for number in range(900)})
    shelf.commit()
    monkeypatch.setattr(diff, "PAGE_BYTES_MAX", 20_000)
    monkeypatch.setattr(diff, "COUNT_PIECES_MAX", 1)
    assert len(shelf.diff(base, MAIN)) == 2700
    assert counted(shelf, base, MAIN).added == 2700


def test_a_page_with_texts_fetches_not_much_more_than_it_holds() -> None:
    shelf = Shelf.make()
    base = shelf.history()[0].id
    for number in range(24):
        shelf.append({f"r{number:02d}": incompressible(number, 1024 * 1024)})
    shelf.commit()
    counting = RangesVault(shelf.vault)
    page = shelf.on(counting).diff_page(base, MAIN, include=Include.RECORDS)
    assert len(page.changes) == 4
    assert sum(length for _, _, length in counting.ranges) < 2 * diff.PAGE_BYTES_MAX


def test_a_cursor_is_good_for_the_same_two_refs_only() -> None:
    shelf = Shelf.make()
    base = shelf.history()[0].id
    shelf.append({"a": a_body("a"), "b": a_body("b")})
    shelf.commit()
    page = shelf.diff_page(base, MAIN, limit=1)
    with pytest.raises(Invalid, match="cursor"):
        shelf.diff_page(MAIN, base, limit=1, cursor=page.next_cursor)


def test_going_on_reads_few_objects_however_far_into_the_difference_it_is() -> None:
    shelf = Shelf.make()
    base = shelf.history()[0].id
    for start in range(0, 20_000, 1000):
        shelf.append({f"{number:06d}": a_body("x") for number in range(start, start + 1000)})
    shelf.commit()
    reads: list[str] = []

    def watch(port: str, method: str) -> Fault:
        if port == "objects":
            reads.append(method)
        return Fault.NONE

    cursor = None
    counts: list[int] = []
    while True:
        # A process that has nothing in its caches.
        fresh = shelf.on(ChaosVault(Process(shelf.vault), watch))
        page = fresh.diff_page(base, MAIN, cursor=cursor)
        counts.append(len(reads))
        reads.clear()
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(counts) == 20
    assert max(counts) <= 6


def test_a_ref_that_names_nothing_is_not_found_and_an_auditor_sees_no_ids() -> None:
    shelf = Shelf.make(MemoryVault())
    with pytest.raises(NotFound):
        shelf.diff("nowhere", MAIN)
    auditor = Caller("eve", shelf.caller.workspace, frozenset({Role.AUDITOR}), "c")
    with pytest.raises(Denied):
        Shelf(shelf.vault, auditor, shelf.dataset).diff(MAIN, MAIN)
