"""Every limit that a caller can meet, one below and one above, each with its error."""

import pytest

from datavault.domain import staging
from datavault.domain.errors import Invalid, Malformed, NotFound, StagingFull, TooLarge
from datavault.domain.ids import BranchName
from datavault.domain.staging import (
    BATCH_BYTES_MAX,
    BATCH_RECORDS_MAX,
    GENERATION_BYTES_MAX,
    GENERATION_RECORDS_MAX,
    INLINE_BYTES_MAX,
    TRANSACTION_RECORDS_MAX,
    NewRecord,
)
from datavault.services.records import changing, reading
from tests.support.builders import MAIN, Shelf, a_body
from tests.support.chaos import ChaosVault, Fault


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.make()


def append(shelf: Shelf, *given: NewRecord) -> tuple[str, ...]:
    return changing.append_records(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        branch=MAIN,
        records=given,
        request=None,
    ).ids


def numbered(count: int) -> dict[str, bytes]:
    return {f"r{number:05d}": b"{}" for number in range(count)}


def test_a_batch_of_a_thousand_is_taken_and_one_more_is_not(shelf: Shelf) -> None:
    shelf.append(numbered(BATCH_RECORDS_MAX))
    assert len(shelf.all(limit=400)) == 1000
    with pytest.raises(TooLarge, match="1 to 1000 records, this has 1001") as refusal:
        shelf.append(numbered(BATCH_RECORDS_MAX + 1))
    assert refusal.value.field == "records"
    with pytest.raises(TooLarge, match="this has 0"):
        shelf.append({})


def test_a_batch_of_four_mebibytes_is_taken_and_a_byte_more_is_not(shelf: Shelf) -> None:
    body = a_body("x", BATCH_BYTES_MAX)
    assert len(body) == BATCH_BYTES_MAX
    shelf.append({"a": body})
    assert shelf.get("a") == body
    with pytest.raises(TooLarge, match="4194304 bytes of records, this has 4194305") as refusal:
        shelf.append({"a": body + b" "})
    assert refusal.value.field == "records"
    half = a_body("x", BATCH_BYTES_MAX // 2)
    shelf.append({"a": half, "b": half})
    with pytest.raises(TooLarge):
        shelf.append({"a": half, "b": half, "c": b"{}"})


@pytest.mark.parametrize("over", [0, 1])
def test_a_body_goes_to_an_object_when_it_is_longer_than_a_row_should_be(
    shelf: Shelf, over: int
) -> None:
    shelf.append({"a": a_body("x", INLINE_BYTES_MAX + over)})
    assert sum("/staged/" in key for key in shelf.vault.objects.keys("")) == over
    assert shelf.get("a") == a_body("x", INLINE_BYTES_MAX + over)


@pytest.mark.parametrize("over", [0, 1])
def test_a_batch_of_ninety_is_one_transaction_and_nothing_beside_it(
    shelf: Shelf, over: int
) -> None:
    put = 0

    def count(port: str, method: str) -> Fault:
        nonlocal put
        put += method == "put_many"
        return Fault.NONE

    shelf.on(ChaosVault(shelf.vault, count)).append(numbered(TRANSACTION_RECORDS_MAX + over))
    assert put == over
    assert len(shelf.all()) == TRANSACTION_RECORDS_MAX + over


def test_the_largest_single_transaction_fits() -> None:
    """90 records of the longest ids and the largest bodies that stay in rows."""
    shelf = Shelf.make()
    bodies = {
        f"{number:02d}".ljust(512, "x"): a_body(f"{number}", INLINE_BYTES_MAX)
        for number in range(TRANSACTION_RECORDS_MAX)
    }
    shelf.append(bodies)
    assert shelf.all() == bodies
    many = {f"{number:04d}".ljust(512, "y"): b"{}" for number in range(BATCH_RECORDS_MAX)}
    shelf.append(many)
    assert len(shelf.commit().root.address) == 32
    assert shelf.all(limit=999) == {**bodies, **many}


def test_a_generation_takes_its_records_and_one_more_is_refused_until_a_commit(
    shelf: Shelf,
) -> None:
    for _ in range(GENERATION_RECORDS_MAX // BATCH_RECORDS_MAX):
        shelf.append(numbered(BATCH_RECORDS_MAX))
    with pytest.raises(StagingFull, match="50000 records are staged on this branch and 1 more"):
        shelf.append({"a": b"{}"})
    with pytest.raises(StagingFull):
        shelf.delete("r00000")
    assert shelf.commit().counts.added == BATCH_RECORDS_MAX
    shelf.append({"a": b"{}"})


def test_a_generation_takes_its_bytes_and_one_more_is_refused_until_a_commit(
    shelf: Shelf,
) -> None:
    body = a_body("x", BATCH_BYTES_MAX)
    for number in range(GENERATION_BYTES_MAX // BATCH_BYTES_MAX):
        shelf.append({f"r{number % 2}": body})
    with pytest.raises(StagingFull, match="134217728 bytes are staged on this branch and 2 more"):
        shelf.append({"a": b"{}"})
    shelf.delete("r1")
    commit = shelf.commit()
    assert (commit.counts.added, commit.counts.records) == (1, 1)
    shelf.append({"a": b"{}"})


def test_a_record_id_of_512_bytes_is_taken_and_a_byte_more_is_not(shelf: Shelf) -> None:
    longest = "ü" * 256
    shelf.append({longest: b"{}"})
    shelf.commit()
    assert shelf.get(longest) == b"{}"
    assert shelf.all() == {longest: b"{}"}
    with pytest.raises(Invalid, match="1 to 512 bytes of UTF-8, this has 513") as refusal:
        shelf.append({longest + "a": b"{}"})
    assert refusal.value.field == "records/0/id"


def test_one_bad_record_refuses_its_batch_and_names_itself(shelf: Shelf) -> None:
    with pytest.raises(Malformed) as refusal:
        append(shelf, NewRecord(b"{}", "a", "records/0"), NewRecord(b"{", "b", "records/1"))
    assert refusal.value.field == "records/1"
    assert shelf.all() == {}


def test_two_records_of_one_id_are_refused(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="records 0 and 2 of this batch have the same id") as refusal:
        append(shelf, *(NewRecord(b"{}", key, f"records/{key}") for key in ("a", "b", "a")))
    assert refusal.value.field == "records/a"


def test_an_id_is_not_given_beside_a_record_that_holds_it() -> None:
    shelf = Shelf.make(record_key="id")
    assert append(shelf, NewRecord(b'{"id":"in"}', None, "records/0")) == ("in",)
    with pytest.raises(Invalid, match="leave out the id") as refusal:
        append(shelf, NewRecord(b'{"id":"in"}', "beside", "records/0"))
    assert refusal.value.field == "records/0/id"


def test_assigned_ids_are_uuids_in_the_order_of_the_batch(shelf: Shelf) -> None:
    from datavault.domain.ids import uuid7

    given = [NewRecord(a_body(f"{number}"), None, f"records/{number}") for number in range(1000)]
    ids = append(shelf, *given)
    assert list(ids) == sorted(ids)
    assert len(set(ids)) == 1000
    shelf.vault.clock.sleep(0.001)
    later = append(shelf, *given)
    assert max(ids) < min(later)
    for each in (*ids, *later, uuid7(0)):
        assert (len(each), each[14], each[19] in "89ab") == (36, "7", True)


def test_a_page_ends_at_four_mebibytes_of_bodies(shelf: Shelf) -> None:
    size = reading.PAGE_BYTES_MAX // 4
    for number in range(6):
        shelf.append({f"r{number}": a_body(f"{number}", size)})
    for ref in (MAIN, shelf.commit().id):
        pages: list[list[str]] = []
        cursor = None
        while not pages or cursor is not None:
            page = reading.list_records(
                shelf.vault,
                caller=shelf.caller,
                dataset_id=shelf.dataset.id,
                ref=ref,
                limit=1000,
                cursor=cursor,
            )
            pages.append([item.id for item in page.items])
            cursor = page.next_cursor
        assert pages == [["r0", "r1", "r2", "r3"], ["r4", "r5"]]


def test_a_record_larger_than_a_page_is_a_page_alone(shelf: Shelf) -> None:
    shelf.append({"a": a_body("a", BATCH_BYTES_MAX)})
    shelf.append({"b": a_body("b", BATCH_BYTES_MAX)})
    shelf.commit()
    assert [len(body) for body in shelf.all().values()] == [BATCH_BYTES_MAX] * 2


def test_limits_are_the_ones_written_down() -> None:
    assert (staging.BATCH_RECORDS_MAX, staging.BATCH_BYTES_MAX) == (1000, 4 * 2**20)
    assert (staging.GENERATION_RECORDS_MAX, staging.GENERATION_BYTES_MAX) == (50_000, 128 * 2**20)
    assert (staging.INLINE_BYTES_MAX, staging.TRANSACTION_RECORDS_MAX) == (4000, 90)


def test_a_branch_that_is_not_there_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(NotFound) as refusal:
        shelf.append({"a": b"{}"}, branch=BranchName("dev"))
    assert refusal.value.field == "branch"
    with pytest.raises(NotFound):
        shelf.all(ref="dev")
    with pytest.raises(Invalid):
        shelf.all(ref="bad..name")
