"""Columns of places that are made later: the same as those made at once, and only if asked for."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from datavault.domain.store.columns import Entries, replaced
from datavault.domain.store.node import Leaf, decode, encode
from datavault.domain.store.patch import Patch, decode_patch, encode_patch
from datavault.domain.store.places import (
    LOCATOR,
    NO_PACK,
    Later,
    Locators,
    PackRef,
    Replaced,
    joined,
    renumbered,
    rows_replaced,
)

from .builders import entries, pack_ref


def _places(slots: Iterable[int]) -> Locators:
    return np.array([(0, slot, 0, 1) for slot in slots], LOCATOR)


def _rows(rows: Iterable[int]) -> NDArray[np.intp]:
    return np.array(sorted(rows), np.intp)


def _refused() -> Locators:
    raise AssertionError("nobody needs these places")


def test_a_column_is_made_once_and_its_parts_are_of_the_same() -> None:
    times = []

    def make() -> Locators:
        times.append(1)
        return _places(range(5))

    column = Later(5, make)
    part, some = column[1:4], column.take(_rows([0, 2, 4]))
    assert (len(column), len(part), len(some), times) == (5, 3, 3, [])
    assert part.made["slot"].tolist() == [1, 2, 3]
    assert some.made["slot"].tolist() == [0, 2, 4]
    assert len(times) == 1
    assert column.nbytes == column.made.nbytes


@given(
    at=st.sets(st.integers(0, 19)),
    over=st.sets(st.integers(0, 19)),
    rows=st.sets(st.integers(0, 19)),
    first=st.booleans(),
)
def test_rows_of_a_replaced_column_are_those_of_the_whole(
    at: set[int], over: set[int], rows: set[int], first: bool
) -> None:
    expected = [300 + row if row in over else 200 + row if row in at else row for row in range(20)]
    inner = Replaced(Later(20, lambda: _places(range(20))), _rows(at), _places(_plus(200, at)))
    column = Replaced(inner, _rows(over), Later(len(over), lambda: _places(_plus(300, over))))
    if first:
        assert column.made["slot"].tolist() == expected
    assert rows_replaced(column.of, column) is column.at
    assert column.at.tolist() == sorted(at | over)
    assert column.taken(column.at)["slot"].tolist() == [expected[row] for row in column.at]
    taken = column.take(_rows(rows)).made
    assert taken["slot"].tolist() == [expected[row] for row in sorted(rows)]
    assert column.made["slot"].tolist() == expected


def test_what_was_not_made_by_replacing_may_differ_anywhere() -> None:
    column, other = _places(range(3)), _places(range(3))
    unchanged = rows_replaced(column, column)
    assert unchanged is not None
    assert len(unchanged) == 0
    assert rows_replaced(column, other) is None
    assert rows_replaced(other, Replaced(column, _rows([1]), _places([7]))) is None


@given(
    first=st.lists(st.integers(0, 600), unique=True, max_size=300),
    second=st.lists(st.integers(0, 600), unique=True, max_size=300),
)
def test_two_tables_of_packs_however_long_are_joined_into_one(
    first: list[int], second: list[int]
) -> None:
    packs, others = (tuple(map(_pack, numbers)) for numbers in (first, second))
    table, numbers = joined(packs, others)
    assert table == tuple(dict.fromkeys([*packs, *others]))
    places = np.zeros(len(others) + 1, LOCATOR)
    places["pack"] = [*range(len(others)), NO_PACK]
    if numbers is not None:
        places = renumbered(places, numbers)
    assert [table[pack] for pack in places["pack"][:-1].tolist()] == [*others]
    assert places["pack"][-1] == NO_PACK


def _pack(number: int) -> PackRef:
    return PackRef(number.to_bytes(16), 1, bytes(32))


def _plus(number: int, rows: set[int]) -> list[int]:
    return [number + row for row in sorted(rows)]


def test_of_a_replaced_column_only_what_is_asked_for_is_made() -> None:
    old = entries({b"a": 1, b"b": 1, b"c": 1})
    unmade = Entries(old.ids, old.values, Later(3, _refused), old.packs)
    rows = replaced(unmade, _rows([0, 2]), entries({b"a": 2, b"c": 2}, pack=2))
    some = rows.take(_rows([0, 2])).settled()
    assert isinstance(some.stored, np.ndarray)
    assert [some.locator(row).pack for row in (0, 1)] == [pack_ref(2)] * 2
    with pytest.raises(AssertionError, match="nobody"):
        rows.take(_rows([0, 1])).settled()


def test_what_is_read_has_its_places_made_later_and_settled_rows_have_them_made() -> None:
    anchor, leaf = entries({b"a": 1, b"b": 1}), entries({b"a": 1, b"b": 2}, pack=2)
    stored = decode(encode(Leaf.of(anchor)))
    assert isinstance(stored, Leaf)
    patched = stored.patched(decode_patch(encode_patch(Patch.between(anchor, leaf))))
    for rows, pack in ((stored.rows, 1), (patched.rows, 2)):
        assert isinstance(rows.stored, Later)
        settled = rows.settled()
        assert settled.stored is rows.locators
        assert settled.locator(1).pack == pack_ref(pack)
        assert settled.settled() is settled
