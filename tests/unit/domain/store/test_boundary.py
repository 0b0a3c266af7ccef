import struct

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.ids import uuid7
from datavault.domain.store.boundary import SHAPE, Boundaries, Shape
from datavault.domain.store.columns import Ids
from datavault.domain.store.encoding import ENTRIES_MAX

from .builders import KEYS, id_column

KEY = KEYS.boundary
RECORD_IDS = st.binary(min_size=1, max_size=512).filter(lambda record_id: 0 not in record_id)


@given(record_ids=st.lists(RECORD_IDS, min_size=1, max_size=8, unique=True))
def test_an_id_hashes_the_same_in_an_array_of_any_width(record_ids: list[bytes]) -> None:
    boundaries = Boundaries(KEY)
    together = boundaries.hashes(id_column(record_ids))
    alone = [boundaries.hashes(np.array([record_id]))[0] for record_id in sorted(record_ids)]
    assert together.tolist() == alone


@given(record_id=RECORD_IDS)
def test_the_hash_is_the_one_described(record_id: bytes) -> None:
    assert Boundaries(KEY).hashes(np.array([record_id]))[0] == _hash(record_id)


def test_the_hash_never_changes() -> None:
    ids = np.array([b"a", b"b", b"record-000001", b"x" * 512])
    assert [f"{value:08x}" for value in Boundaries(b"b" * 32).hashes(ids)] == HASHES


def test_another_key_gives_other_hashes() -> None:
    ids = id_column(b"%d" % number for number in range(100))
    assert not (Boundaries(KEY).hashes(ids) == Boundaries(b"o" * 32).hashes(ids)).any()


def test_an_array_of_many_blocks_hashes_as_its_parts_do() -> None:
    ids = np.array([b"%08d" % number for number in range(100_000)])
    boundaries = Boundaries(KEY)
    hashes = boundaries.hashes(ids)
    assert hashes[77_777] == boundaries.hashes(ids[77_777:77_778])[0]
    assert hashes[::1000].tolist() == boundaries.hashes(ids[::1000]).tolist()


@pytest.mark.parametrize(
    "name", ["padded numbers", "numbers", "uuid7", "long and alike", "hexadecimal"]
)
def test_leaves_of_ordinary_ids_have_about_a_thousand_entries(name: str) -> None:
    ids = np.unique(_ordinary(name))
    ends = Boundaries(KEY).ends(ids, 0)
    expected = len(ids) / 1024
    assert abs(len(ends) - expected) < 5 * expected**0.5
    sizes = np.diff(ends, prepend=0)
    assert 400 < np.median(sizes) < 1100


def test_without_a_boundary_nodes_end_at_the_cap_and_a_tail_goes_on() -> None:
    boundaries = Boundaries(KEY, shape=Shape(leaf_bits=0, leaf_entries_max=7))
    ids = id_column(b"%03d" % number for number in range(30))
    assert boundaries.ends(ids, 0) == [7, 14, 21, 28]
    assert boundaries.ends(ids[:28], 0) == [7, 14, 21, 28]
    assert boundaries.ends(ids[:0], 0) == []


@given(
    numbers=st.sets(st.integers(0, 10_000), max_size=200),
    level=st.integers(0, 3),
    most=st.integers(2, 9),
)
def test_from_an_end_on_cuts_are_as_if_nothing_came_before(
    numbers: set[int], level: int, most: int
) -> None:
    shape = Shape(leaf_bits=1, leaf_entries_max=most, inner_bits=1, inner_entries_max=most)
    boundaries = Boundaries(KEY, shape=shape)
    ids = id_column(b"%d" % number for number in numbers)
    if not numbers:
        return
    ends = boundaries.ends(ids, level)
    sizes = np.diff(ends, prepend=0)
    assert all((2 if level else 1) <= size <= most for size in sizes)
    for index, end in enumerate(ends):
        assert [end + later for later in boundaries.ends(ids[end:], level)] == ends[index + 1 :]


def test_levels_look_at_bits_of_their_own() -> None:
    ids = id_column(b"%06d" % number for number in range(200_000))
    boundaries = Boundaries(KEY, shape=Shape(2, 64, 2, 64))
    leaf_ends = np.array(boundaries.ends(ids, 0))
    children = ids[leaf_ends - 1]
    assert 0.1 < len(boundaries.ends(children, 1)) / len(children) < 0.3


def test_a_level_without_bits_of_the_hash_left_is_cut_at_the_cap_alone() -> None:
    ids = id_column(b"%03d" % number for number in range(100))
    boundaries = Boundaries(KEY, shape=Shape(10, 4096, 8, 40))
    assert boundaries.ends(ids, 4) == [40, 80]


def test_the_shape_in_use_fits_the_format() -> None:
    assert max(SHAPE.leaf_entries_max, SHAPE.inner_entries_max) <= ENTRIES_MAX


def _hash(record_id: bytes) -> int:
    """The hash, one id at a time, in Python's integers."""
    multipliers = struct.unpack("<129Q", blake3(key=KEY).digest(8 * 129))
    lanes = struct.unpack("<128I", record_id.ljust(512, b"\0"))
    total: int = multipliers[0] + sum(
        multiplier * lane for multiplier, lane in zip(multipliers[1:], lanes, strict=True)
    )
    value = total % 2**64 >> 32
    value ^= value >> 16
    value = value * 0x85EBCA6B % 2**32
    value ^= value >> 13
    value = value * 0xC2B2AE35 % 2**32
    return value ^ value >> 16


def _ordinary(name: str) -> Ids:
    count = 200_000
    match name:
        case "padded numbers":
            return np.array([b"%09d" % number for number in range(count)])
        case "numbers":
            return np.array([b"%d" % (7 * number) for number in range(count)])
        case "uuid7":
            return np.array([uuid7(1_700_000_000_000 + number).encode() for number in range(count)])
        case "long and alike":
            url = b"https://example.org/datasets/conversations/2024/"
            return np.array([url + b"%d/turn-%d" % divmod(number, 9) for number in range(count)])
        case _:
            digits = np.random.default_rng(1).bytes(16 * count).hex()
            return np.frombuffer(digits.encode(), "S32")


HASHES = ["b3940261", "1a1fab79", "592ea8d8", "c9889370"]
