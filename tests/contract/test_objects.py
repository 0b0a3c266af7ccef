"""What ``ports.Objects`` promises."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from datavault.domain.errors import Conflict, NotFound
from datavault.ports import Objects

UNUSUAL = (
    "space in it",
    "plus+and&and=",
    "percent%20",
    "q?uery#fragment",
    "üñí/日本/\U0001f512",
    "quote'\"<>",
    "star*(paren)!~",
    "colon:at@semi;comma,dollar$",
    "back\\slash^and`tick|pipe{brace}[bracket]",
    ".hidden/..dots/...",
    "combining e\u0301",
)


@pytest.mark.parametrize(
    "parts", [[], [b""], [b"one"], [b"one", b"", b"two"], [bytes(range(256))] * 1000]
)
def test_an_object_is_the_concatenation_of_its_parts(
    objects: Objects, name: str, parts: list[bytes]
) -> None:
    objects.put(name, parts)
    assert objects.get(name) == b"".join(parts)


def test_an_object_of_several_mebibytes_is_whole(objects: Objects, name: str) -> None:
    parts = [os.urandom(1 << 20) for _ in range(17)]
    objects.put(name, parts)
    assert objects.get(name) == b"".join(parts)


def test_an_object_is_never_replaced(objects: Objects, name: str) -> None:
    objects.put(name, [b"first"])
    with pytest.raises(Conflict):
        objects.put(name, [b"second"])
    with pytest.raises(Conflict):
        objects.put(name, [b"first"])
    assert objects.get(name) == b"first"


def test_of_racing_writers_one_wins(objects: Objects, name: str) -> None:
    def put(racer: int) -> bool:
        try:
            objects.put(name, [str(racer).encode()])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(put, range(20)))
    assert won.count(True) == 1
    assert objects.get(name) == str(won.index(True)).encode()


def test_an_absent_object_is_not_found(objects: Objects, name: str) -> None:
    with pytest.raises(NotFound):
        objects.get(name)
    with pytest.raises(NotFound):
        objects.get_range(name, 0, 1)
    with pytest.raises(NotFound):
        objects.get_range(name, 0, 0)
    with pytest.raises(NotFound):
        objects.get_ranges(name, [(0, 1), (5, 5)])
    with pytest.raises(NotFound):
        objects.get_ranges(name, [(0, 0)])


RANGES = [
    (0, 5),
    (0, 1),
    (3, 4),
    (0, 10),
    (9, 1),
    (0, 11),
    (8, 100),
    (10, 1),
    (11, 5),
    (10**9, 1),
    (0, 0),
    (4, 0),
    (10, 0),
    (10**9, 0),
]


@pytest.mark.parametrize(("start", "length"), RANGES)
def test_a_range_is_clipped_to_the_object(
    objects: Objects, name: str, start: int, length: int
) -> None:
    objects.put(name, [b"0123456789"])
    assert objects.get_range(name, start, length) == b"0123456789"[start : start + length]


def test_ranges_come_back_in_the_order_asked_for(objects: Objects, name: str) -> None:
    objects.put(name, [b"0123456789"])
    assert objects.get_ranges(name, RANGES) == [
        b"0123456789"[start : start + length] for start, length in RANGES
    ]
    assert objects.get_ranges(name, RANGES[::-1]) == [
        b"0123456789"[start : start + length] for start, length in RANGES[::-1]
    ]


def test_ranges_far_apart_come_back_in_order(objects: Objects, name: str) -> None:
    content = os.urandom(5 << 20)
    objects.put(name, [content])
    ranges = [(4 << 20, 1000), (17, 64), (2 << 20, 100_000), (17, 65), (5 << 20, 10)]
    found = objects.get_ranges(name, ranges)
    assert found == [content[start : start + length] for start, length in ranges]
    assert all(type(part) is bytes for part in found)


def test_an_empty_object_has_empty_ranges(objects: Objects, name: str) -> None:
    objects.put(name, [])
    assert objects.get_range(name, 0, 0) == b""
    assert objects.get_range(name, 0, 10) == b""
    assert objects.get_range(name, 5, 10) == b""
    assert objects.get_ranges(name, [(0, 10), (5, 5)]) == [b"", b""]


def test_no_ranges_are_no_bytes(objects: Objects, name: str) -> None:
    objects.put(name, [b"x"])
    assert objects.get_ranges(name, []) == []


def test_a_range_begins_in_the_object(objects: Objects, name: str) -> None:
    with pytest.raises(ValueError, match="range"):
        objects.get_range(name, -1, 2)
    with pytest.raises(ValueError, match="range"):
        objects.get_ranges(name, [(0, 1), (0, -1)])


def test_a_deleted_object_is_gone_and_its_key_is_free(objects: Objects, name: str) -> None:
    objects.put(name, [b"first"])
    objects.delete(name)
    objects.delete(name)
    with pytest.raises(NotFound):
        objects.get(name)
    objects.put(name, [b"second"])
    assert objects.get(name) == b"second"


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_an_unusual_key_is_kept_as_it_is(objects: Objects, name: str, unusual: str) -> None:
    key = f"{name}/{unusual}"
    objects.put(key, [b"0123456789"])
    assert objects.get(key) == b"0123456789"
    assert objects.get_range(key, 2, 3) == b"234"
    assert objects.get_ranges(key, [(2, 3)]) == [b"234"]
    assert list(objects.keys(f"{name}/")) == [key]
    objects.delete(key)
    assert list(objects.keys(f"{name}/")) == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "a/../b", "./a", "a\nb", "a\0", "k" * 1025]
)
def test_a_key_that_others_would_read_differently_is_refused(objects: Objects, key: str) -> None:
    with pytest.raises(ValueError, match="object key"):
        objects.put(key, [b""])
    with pytest.raises(ValueError, match="object key"):
        objects.get(key)


def test_keys_are_all_that_start_with_the_prefix_in_byte_order(objects: Objects, name: str) -> None:
    tails = ["ab", "ab/c", "ab/c/d", "aba", "ab!", "ac", "b", "日", "～", "\U0001f512", "aé"]
    for tail in tails:
        objects.put(f"{name}/{tail}", [b""])
    for prefix in ("", "a", "ab", "ab/", "ab/c", "aba", "b", "bb", "日", "x"):
        assert list(objects.keys(f"{name}/{prefix}")) == sorted(
            (f"{name}/{tail}" for tail in tails if tail.startswith(prefix)), key=str.encode
        )
        for after in ("ab", "ab/c", "abz", "~"):
            assert list(objects.keys(f"{name}/{prefix}", after=f"{name}/{after}")) == [
                key for key in objects.keys(f"{name}/{prefix}") if key > f"{name}/{after}"
            ]
    assert set(objects.keys(name[:20])) == {f"{name}/{tail}" for tail in tails}
    assert set(objects.keys("")) >= {f"{name}/{tail}" for tail in tails}


def test_keys_beyond_one_answer_are_all_listed(objects: Objects, name: str) -> None:
    wanted = [f"{name}/{n:05}" for n in range(1100)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: objects.put(key, [b""]), reversed(wanted)))
    assert list(objects.keys(f"{name}/")) == wanted
    assert list(objects.keys(f"{name}/00")) == wanted[:1000]


def test_objects_may_be_deleted_while_their_keys_are_listed(objects: Objects, name: str) -> None:
    for n in range(20):
        objects.put(f"{name}/{n:02}", [b""])
    for key in objects.keys(f"{name}/"):
        objects.delete(key)
    assert list(objects.keys(f"{name}/")) == []


def test_a_ping_of_objects_that_answer_is_quiet(objects: Objects) -> None:
    objects.ping()
