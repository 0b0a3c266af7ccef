import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.domain.errors import Invalid
from datavault.domain.store.columns import (
    CHILD,
    DIGEST,
    Changes,
    Children,
    Entries,
    merge,
    stable_order,
)
from datavault.domain.store.places import LOCATOR, NO_PACK, Locators, locator_columns

from .builders import as_model, changes, entries, id_column, pack_ref

VALUES = np.zeros(1, CHILD)


def test_ids_are_in_the_order_of_their_unsigned_bytes() -> None:
    words = ["z", "é", "\U0001f600", "~", "zz", "߿"]
    assert np.sort(np.array([word.encode() for word in words])).tolist() == [
        word.encode() for word in sorted(words)
    ]


def test_changes_out_of_order_or_twice_for_one_id_are_refused() -> None:
    for ids in ([b"b", b"a"], [b"a", b"a"]):
        with pytest.raises(Invalid, match="ascend"):
            Changes.remove(np.array(ids))


def test_changes_with_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(Invalid, match="length"):
        Changes(entries({b"a": 1}), np.zeros(2, np.bool_))


def test_changes_in_a_pack_that_is_not_listed_are_refused() -> None:
    rows = entries({b"a": 1})
    with pytest.raises(Invalid, match="packs"):
        Changes.put(Entries(rows.ids, rows.values, _in_pack(rows, 1), rows.packs))


def test_of_changes_to_one_id_the_one_in_the_last_part_counts() -> None:
    merged = Changes.merge_sorted(
        [
            changes({b"a": 1, b"b": 1, b"c": None}, pack=1),
            changes({b"b": 2, b"d": 2}, pack=2),
            changes({b"a": None, b"c": 3}, pack=3),
        ]
    )
    assert merged.entries.ids.tolist() == [b"a", b"b", b"c", b"d"]
    assert merged.removed.tolist() == [True, False, False, False]
    assert [merged.entries.locator(row).pack for row in (1, 2, 3)] == [
        pack_ref(2),
        pack_ref(3),
        pack_ref(2),
    ]


def test_no_parts_are_no_changes() -> None:
    assert len(Changes.merge_sorted([])) == 0


def test_rows_joined_over_different_packs_are_still_in_their_packs() -> None:
    parts = [entries({b"a": 1}, pack=1), entries({b"b": 1}, pack=2), entries({b"c": 1}, pack=1)]
    joined = Entries.concat(parts)
    assert joined.packs == (pack_ref(1), pack_ref(2))
    assert [joined.locator(row).pack.epoch for row in range(3)] == [1, 2, 1]


def test_compacted_rows_have_narrow_ids_and_only_the_packs_they_use() -> None:
    joined = Entries.concat([entries({b"a": 1}, pack=1), entries({b"b" * 99: 2}, pack=2)])
    first, second = joined.rows(0, 1).compacted(), joined.rows(1, 2).compacted()
    assert (first.ids.dtype, first.packs) == (np.dtype("S1"), (pack_ref(1),))
    assert (second.ids.dtype, second.packs) == (np.dtype("S99"), (pack_ref(2),))
    assert second.locator(0) == joined.locator(1)


def test_a_child_without_an_anchor_has_none_in_any_table_of_packs() -> None:
    locators, packs = locator_columns([entries({b"a": 1}, pack=9).locator(0), None])
    child = Children(np.array([b"a"]), VALUES, locators.reshape(1, 2), packs)
    other_locators, other_packs = locator_columns([entries({b"b": 1}, pack=8).locator(0)] * 2)
    other = Children(np.array([b"b"]), VALUES, other_locators.reshape(1, 2), other_packs)
    joined = Children.concat([other, child])
    first, second = joined.places([0, 1])
    assert second[1] is None
    assert joined.locators["pack"][1, 1] == NO_PACK
    assert joined.locator(1).pack == pack_ref(9)
    assert first[1] == other.locator(0)


def test_changes_that_change_nothing_leave_the_rows_themselves() -> None:
    rows = entries({b"a": 1, b"b": 2})
    same = changes({b"a": 1, b"c": None}, pack=5)
    merged = merge(rows, same.entries, same.removed)
    assert merged.rows is rows
    assert (merged.added, merged.changed, merged.unchanged, merged.removed) == (0, 0, 1, 0)


def test_a_row_put_with_its_old_digest_keeps_its_old_place() -> None:
    rows = entries({b"a": 1, b"b": 2}, pack=1)
    new = changes({b"a": 1, b"b": 3, b"c": 4}, pack=2)
    merged = merge(rows, new.entries, new.removed).rows
    assert as_model([merged]) == {b"a": 1, b"b": 3, b"c": 4}
    assert [merged.locator(row).pack.epoch for row in range(3)] == [1, 2, 2]


def test_an_id_that_starts_another_is_another() -> None:
    rows = entries({b"a": 1, b"ab": 2})
    new = changes({b"a\x01": 5, b"ab": None})
    merged = merge(rows, new.entries, new.removed).rows
    assert as_model([merged]) == {b"a": 1, b"a\x01": 5}


def test_a_pack_does_not_show_its_seed() -> None:
    assert "seed" not in repr(pack_ref(1))


def test_columns_are_as_wide_as_the_format_says() -> None:
    assert (DIGEST.itemsize, LOCATOR.itemsize) == (16, 16)
    assert id_column([b"b", b"a"]).tolist() == [b"a", b"b"]


def _in_pack(rows: Entries, pack: int) -> Locators:
    locators = rows.locators.copy()
    locators["pack"] = pack
    return locators


@settings(deadline=None)
@given(
    texts=st.lists(st.sampled_from([b"a", b"same-head", b"same-head-1", b"other-head", b"z" * 9]))
)
def test_a_stable_order_is_numpys(texts: list[bytes]) -> None:
    for ids in (np.array(texts, "S12"), np.array(texts, "S4")):
        assert stable_order(ids).tolist() == np.argsort(ids, kind="stable").tolist()


def test_where_no_id_comes_or_goes_the_column_of_ids_is_the_old_one() -> None:
    old = entries({b"a": 1, b"b": 1, b"c": 1}, pack=1)
    some = changes({b"a": 1, b"c": 2}, pack=2)
    merged = merge(old, some.entries, some.removed)
    assert (merged.added, merged.changed, merged.unchanged, merged.removed) == (0, 1, 1, 0)
    assert merged.rows.ids is old.ids
    assert as_model([merged.rows]) == {b"a": 1, b"b": 1, b"c": 2}
    assert [merged.rows.locator(row).pack for row in range(3)] == [
        pack_ref(1),
        *map(pack_ref, (1, 2)),
    ]
    assert as_model([old]) == {b"a": 1, b"b": 1, b"c": 1}


def test_what_shows_a_pack_does_not_show_its_seed() -> None:
    pack = pack_ref(7)
    assert repr(pack.seed) not in repr(pack)
    assert repr(pack.id) in repr(pack)
