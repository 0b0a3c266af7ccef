"""Bodies stored before by the same job are found again by digest."""

import numpy as np
import pytest

from datavault.domain.digests import record_digests
from datavault.domain.store.columns import DIGEST, Entries
from datavault.domain.store.places import LOCATOR, PackRef
from datavault.services import repeats
from datavault.services.repeats import StoredBodies, distinct


def digests_of(numbers: range) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    bodies = (number.to_bytes(4) for number in numbers)
    return np.frombuffer(record_digests(bodies, bytes(32)), DIGEST)


def stored(numbers: range, run: int) -> Entries:
    """Bodies of one run, each in the slot of its number in a pack of its own."""
    locators = np.zeros(len(numbers), LOCATOR)
    locators["slot"] = list(numbers)
    pack = PackRef(bytes([run]) * 16, 1, bytes(32))
    return Entries(np.zeros(len(numbers), "S1"), digests_of(numbers), locators, (pack,))


def found(bodies: StoredBodies, numbers: range) -> dict[int, tuple[int, int]]:
    """For each number found: the run and slot it was found in."""
    places: dict[int, tuple[int, int]] = {}
    for sighting in bodies.find(digests_of(numbers)):
        for row, at in zip(sighting.rows.tolist(), range(len(sighting.entries)), strict=True):
            locator = sighting.entries.locator(at)
            assert numbers[row] not in places, "found twice"
            places[numbers[row]] = (locator.pack.id[0], locator.slot)
    return places


def test_every_body_is_found_where_it_was_stored_however_many_runs() -> None:
    bodies = StoredBodies()
    for run in range(40):
        bodies.remember(stored(range(100 * run, 100 * run + 60), run))
    expected = {
        100 * run + number: (run, 100 * run + number) for run in range(40) for number in range(60)
    }
    assert found(bodies, range(4000)) == expected
    assert len(bodies._runs) < 8


def test_nothing_is_found_before_anything_is_stored() -> None:
    bodies = StoredBodies()
    bodies.remember(stored(range(0), 1))
    assert found(bodies, range(10)) == {}


def test_what_is_remembered_is_bounded_and_the_newest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repeats, "REMEMBERED_MAX", 400)
    bodies = StoredBodies()
    for run in range(50):
        bodies.remember(stored(range(100 * run, 100 * run + 30), run))
        assert sum(map(len, bodies._runs)) <= 400
    assert len(found(bodies, range(4900, 4930))) == 30
    assert len(found(bodies, range(5000))) >= 300


def test_distinct_digests_keep_their_first_rows_in_order() -> None:
    column = digests_of(range(5)).take([3, 1, 3, 0, 1, 4])
    first, place = distinct(column)
    assert first.tolist() == [0, 1, 3, 5]
    assert place.tolist() == [0, 1, 0, 2, 1, 3]


def test_a_digest_that_only_begins_like_a_stored_one_is_not_found() -> None:
    known, other = (np.frombuffer(bytes(15) + bytes([end]), DIGEST) for end in (1, 2))
    locators = np.zeros(1, LOCATOR)
    pack = PackRef(bytes(16), 1, bytes(32))
    bodies = StoredBodies()
    bodies.remember(Entries(np.zeros(1, "S1"), known, locators, (pack,)))
    assert [sighting.rows.tolist() for sighting in bodies.find(known)] == [[0]]
    assert bodies.find(other) == []
