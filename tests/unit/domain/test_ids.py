"""Names: what is taken, what is refused, and that ids sort by time."""

import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.errors import Invalid
from datavault.domain.ids import (
    is_commit_ref,
    new_id,
    parse_branch_name,
    parse_dataset_id,
    parse_dataset_name,
    parse_record_id,
    parse_request_id,
    parse_workspace_id,
    uuid7,
)


@given(now_ms=st.integers(0, 2**48 - 1))
def test_a_uuid7_is_one_and_says_its_time(now_ms: int) -> None:
    made = uuid.UUID(uuid7(now_ms))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == now_ms


@given(times=st.lists(st.integers(0, 2**48 - 1), min_size=2, unique=True))
def test_ids_sort_by_time(times: list[int]) -> None:
    made = {new_id("ds", at): at for at in times}
    assert [made[each] for each in sorted(made)] == sorted(times)


def test_ids_do_not_repeat_within_a_millisecond() -> None:
    assert len({new_id("ds", 1) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("parse", "prefix"), [(parse_dataset_id, "ds"), (parse_workspace_id, "ws")]
)
def test_generated_ids_parse_and_others_do_not(parse: Callable[[str], str], prefix: str) -> None:
    made = new_id(prefix, 1)
    assert parse(made) == made
    for wrong in (
        "",
        made[3:],
        made.upper(),
        made + "0",
        made + "\n",
        "xx" + made[2:],
        f"{prefix}_{uuid.uuid4()}",
        made.replace("-", ""),
    ):
        with pytest.raises(Invalid, match=f"has the form {prefix}_<UUIDv7>"):
            parse(wrong)


@pytest.mark.parametrize("name", ["a", "A b", "x" * 256, "Ünïcode – 漢字 🎉", "a\u200bb", "-"])
def test_dataset_names_that_are_taken(name: str) -> None:
    assert parse_dataset_name(name) == name


def test_dataset_names_are_normalised() -> None:
    assert parse_dataset_name("e\u0301") == "é"
    assert parse_dataset_name("e\u0301" * 256) == "é" * 256


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 257, " a", "a ", "\ta", "a\nb", "a\0b", "a\x7fb", "\ud800", "\u2003a"),
        "ds_00000000-0001-7306-a223-912a29357ed3",
    ],
)
def test_dataset_names_that_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_dataset_name(name)
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    "name", ["main", "a", "0", "a/b/c", "feature/x-1.2_3", "x" * 128, "deadbee", "DEADBEEF", "a.b"]
)
def test_branch_names_that_are_taken(name: str) -> None:
    assert parse_branch_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 129, "-a", ".a", "/a", "a/", "a//b", "a..b", "a.", "a.lock", "a b", "a\n"),
        *("ü", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "a/.b", "a/-b", "main\n"),
        *("deadbeef", "0" * 64, "12345678"),
    ],
)
def test_branch_names_that_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_branch_name(name, field="given")
    assert refusal.value.field == "given"


def test_what_looks_like_a_commit() -> None:
    assert is_commit_ref("a" * 8)
    assert is_commit_ref("0" * 64)
    for other in ("a" * 7, "a" * 65, "A" * 8, "g" * 8, "aaaaaaaa\n", ""):
        assert not is_commit_ref(other)


@pytest.mark.parametrize("record_id", ["a", " ", "x" * 512, "ü" * 256, "\U0001f600" * 128, "\n"])
def test_record_ids_that_are_taken(record_id: str) -> None:
    assert parse_record_id(record_id) == record_id


@pytest.mark.parametrize(
    "record_id", ["", "x" * 513, "ü" * 257, "a\0", "\0", "\ud800", "\U0001f600" * 128 + "a"]
)
def test_record_ids_that_are_refused(record_id: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_record_id(record_id, field="records/3/id")
    assert refusal.value.field == "records/3/id"


def test_idempotency_keys_that_are_taken_and_refused() -> None:
    for key in ("a", "!~", "x" * 128):
        assert parse_request_id(key) == key
    for wrong in ("", "x" * 129, "a b", "a\n", "ü", "\x7f"):
        with pytest.raises(Invalid) as refusal:
            parse_request_id(wrong)
        assert refusal.value.field == "Idempotency-Key"
