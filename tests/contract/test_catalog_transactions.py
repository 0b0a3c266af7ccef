"""What ``ports.Catalog`` promises of transactions."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from datavault.domain.errors import TooLarge
from datavault.domain.rows import (
    PRESENT,
    ROW_BYTES_MAX,
    TRANSACTION_CHANGES_MAX,
    Absent,
    Attributes,
    Change,
    Check,
    Delete,
    If,
    Key,
    Put,
    Row,
    Table,
    Update,
    Value,
)
from datavault.ports import Catalog, ConditionFailed
from tests.contract.rows import Write, key, sorts, stands

# Transactions


def test_a_put_replaces_the_whole_row(catalog: Catalog, write: Write, name: str) -> None:
    write(Put(key(name), {"a": 1, "b": 2}))
    write(Put(key(name), {"b": 3}))
    assert stands(catalog, key(name)) == {"b": 3}


def test_an_update_sets_some_attributes_and_adds_to_some(
    catalog: Catalog, write: Write, name: str
) -> None:
    write(Put(key(name), {"kept": "k", "set": "old", "sum": 40}))
    write(Update(key(name), assign={"set": ("new",)}, add={"sum": 2, "fresh": -7}))
    assert stands(catalog, key(name)) == {"kept": "k", "set": ("new",), "sum": 42, "fresh": -7}


def test_an_update_needs_a_row(catalog: Catalog, write: Write, name: str) -> None:
    with pytest.raises(ConditionFailed) as failed:
        write(Update(key(name), add={"n": 1}))
    assert failed.value.rows == {0: None}
    assert catalog.get(key(name)) is None


def test_a_delete_removes_a_row_or_nothing(catalog: Catalog, write: Write, name: str) -> None:
    write(Put(key(name), {}))
    write(Delete(key(name)))
    write(Delete(key(name)))
    assert catalog.get(key(name)) is None


ROW: dict[str, Value] = {"n": 5, "s": "m", "b": b"\x80", "t": True, "l": ("x", "y")}
HOLDING = (
    PRESENT,
    (If("n", "=", 5),),
    (If("n", "<", 6),),
    (If("n", "<", 10),),
    (If("s", "=", "m"),),
    (If("s", "<", "ma"),),
    (If("b", "=", b"\x80"),),
    (If("b", "<", b"\x80\x00"),),
    (If("t", "=", True),),
    (If("l", "=", ("x", "y")),),
    (If("n", "=", 5), If("s", "=", "m"), If("n", "<", 6)),
)
FAILING = (
    Absent(),
    (If("n", "=", 4),),
    (If("n", "<", 5),),
    (If("n", "=", "5"),),
    (If("n", "<", "6"),),
    (If("s", "<", "m"),),
    (If("b", "<", b"\x7f"),),
    (If("t", "=", 1),),
    (If("t", "=", False),),
    (If("l", "=", ("y", "x")),),
    (If("absent", "=", 5),),
    (If("absent", "<", 5),),
    (If("n", "=", 5), If("s", "=", "z")),
)


def _conditional(at: Key, condition: Absent | tuple[If, ...]) -> list[Change]:
    changes: list[Change] = [Check(at, condition), Put(at, {"new": 1}, condition)]
    if not isinstance(condition, Absent):
        changes += [Update(at, assign={"new": 1}, condition=condition), Delete(at, condition)]
    return changes


@pytest.mark.parametrize("condition", HOLDING)
def test_a_change_happens_when_its_condition_holds(
    catalog: Catalog, write: Write, name: str, condition: tuple[If, ...]
) -> None:
    after: list[Attributes | None] = []
    for change in _conditional(key(name), condition):
        write(Put(key(name), ROW))
        write(change)
        after.append(stands(catalog, key(name)))
    assert after == [ROW, {"new": 1}, ROW | {"new": 1}, None]


@pytest.mark.parametrize("condition", FAILING)
def test_a_change_does_not_happen_when_its_condition_fails_and_the_row_is_shown(
    catalog: Catalog, write: Write, name: str, condition: Absent | tuple[If, ...]
) -> None:
    write(Put(key(name), ROW))
    for change in _conditional(key(name), condition):
        with pytest.raises(ConditionFailed) as failed:
            write(change)
        assert failed.value.rows == {0: Row(key(name), ROW)}
        assert failed.value.indices == (0,)
        assert stands(catalog, key(name)) == ROW


@pytest.mark.parametrize("condition", HOLDING)
def test_no_condition_but_absence_holds_of_an_absent_row(
    catalog: Catalog, write: Write, name: str, condition: tuple[If, ...]
) -> None:
    for change in _conditional(key(name), condition):
        with pytest.raises(ConditionFailed) as failed:
            write(change)
        assert failed.value.rows == {0: None}


def test_absence_holds_of_an_absent_row(catalog: Catalog, write: Write, name: str) -> None:
    write(Check(key(name, "b"), Absent()), Put(key(name), {"n": 1}, Absent()))
    assert stands(catalog, key(name)) == {"n": 1}


def test_a_transaction_happens_whole_or_not_at_all(
    catalog: Catalog, write: Write, name: str
) -> None:
    write(Put(key(name, "updated"), {"n": 1}), Put(key(name, "deleted"), {}))
    changes = (
        Put(key(name, "put"), {}),
        Update(key(name, "updated"), add={"n": 1}),
        Delete(key(name, "deleted")),
        Put(key(name, "elsewhere", Table.LEDGER), {}),
    )
    with pytest.raises(ConditionFailed) as failed:
        write(*changes, Check(key(name, "absent"), PRESENT))
    assert failed.value.rows == {4: None}
    assert sorts(catalog.page(Table.CATALOG, name).rows) == ["deleted", "updated"]
    assert stands(catalog, key(name, "updated")) == {"n": 1}
    assert catalog.page(Table.LEDGER, name).rows == ()
    write(*changes, Check(key(name, "absent"), Absent()))
    assert sorts(catalog.page(Table.CATALOG, name).rows) == ["put", "updated"]
    assert stands(catalog, key(name, "updated")) == {"n": 2}
    assert sorts(catalog.page(Table.LEDGER, name).rows) == ["elsewhere"]


def test_every_failed_condition_is_named_with_its_row(
    catalog: Catalog, write: Write, name: str
) -> None:
    write(*(Put(key(name, sort), {"sort": sort}) for sort in "abc"))
    with pytest.raises(ConditionFailed) as failed:
        write(
            Put(key(name, "a"), {}, Absent()),
            Check(key(name, "b"), PRESENT),
            Delete(key(name, "c"), (If("sort", "=", "z"),)),
            Update(key(name, "d"), add={"n": 1}),
            Put(key(name, "e"), {}),
        )
    assert failed.value.indices == (0, 2, 3)
    assert failed.value.rows == {
        0: Row(key(name, "a"), {"sort": "a"}),
        2: Row(key(name, "c"), {"sort": "c"}),
        3: None,
    }


def test_a_transaction_of_the_most_changes_happens(
    catalog: Catalog, write: Write, name: str
) -> None:
    write(*(Put(key(name, f"{n:03}"), {"n": n}) for n in range(TRANSACTION_CHANGES_MAX)))
    page = catalog.page(Table.CATALOG, name)
    assert [row.number("n") for row in page.rows] == list(range(TRANSACTION_CHANGES_MAX))


def test_the_same_token_again_changes_nothing_further(catalog: Catalog, name: str) -> None:
    changes = (
        Put(key(name, "made"), {"n": 1}, Absent()),
        Update(key(name, "sum"), add={"n": 1}),
    )
    catalog.put_many([Put(key(name, "sum"), {"n": 1})])
    token = str(uuid.uuid4())
    for _ in range(3):
        catalog.write(changes, token=token)
    assert stands(catalog, key(name, "sum")) == {"n": 2}
    catalog.delete_many([key(name, "made")])
    catalog.write(changes, token=token)
    assert catalog.get(key(name, "made")) is None


def test_another_token_is_another_attempt(catalog: Catalog, write: Write, name: str) -> None:
    catalog.put_many([Put(key(name), {"n": 0})])
    for _ in range(3):
        write(Update(key(name), add={"n": 1}))
    assert stands(catalog, key(name)) == {"n": 3}


def test_a_failed_attempt_may_be_made_again_with_its_token(catalog: Catalog, name: str) -> None:
    token = str(uuid.uuid4())
    changes = (Update(key(name), add={"n": 1}),)
    with pytest.raises(ConditionFailed):
        catalog.write(changes, token=token)
    catalog.put_many([Put(key(name), {"n": 1})])
    catalog.write(changes, token=token)
    assert stands(catalog, key(name)) == {"n": 2}


def test_a_token_is_for_one_set_of_changes(catalog: Catalog, name: str) -> None:
    token = str(uuid.uuid4())
    catalog.write((Put(key(name), {"n": 1}),), token=token)
    with pytest.raises(ValueError, match="token"):
        catalog.write((Put(key(name), {"n": 2}),), token=token)


# Limits


def test_a_row_of_the_greatest_size_fits_and_of_one_byte_more_does_not(
    catalog: Catalog, write: Write, name: str
) -> None:
    around = len("pk") + len("sk") + len(name) + len("a") + len("body")
    body = bytes(ROW_BYTES_MAX - around)
    write(Put(key(name), {"body": body}))
    catalog.put_many([Put(key(name), {"body": body})])
    assert stands(catalog, key(name)) == {"body": body}
    with pytest.raises(TooLarge, match="row"):
        write(Put(key(name), {"body": body + b"x"}))
    with pytest.raises(TooLarge, match="row"):
        catalog.put_many([Put(key(name), {"body": body + b"x"})])


def test_an_update_cannot_make_a_row_too_large(catalog: Catalog, write: Write, name: str) -> None:
    write(Put(key(name), {"one": bytes(300_000)}))
    with pytest.raises(TooLarge):
        write(Update(key(name), assign={"two": bytes(200_000)}))
    assert stands(catalog, key(name)) == {"one": bytes(300_000)}


def test_too_many_changes_are_refused(write: Write, name: str) -> None:
    with pytest.raises(TooLarge, match="at most 100"):
        write(*(Put(key(name, str(n)), {}) for n in range(TRANSACTION_CHANGES_MAX + 1)))


def test_too_large_a_transaction_is_refused(catalog: Catalog, write: Write, name: str) -> None:
    with pytest.raises(TooLarge, match="transaction"):
        write(*(Put(key(name, str(n)), {"body": bytes(400_000)}) for n in range(11)))
    assert catalog.page(Table.CATALOG, name).rows == ()


@pytest.mark.parametrize(
    ("partition", "sort"), [("p" * 2049, "s"), ("p", "s" * 1025), ("é" * 1025, "s")]
)
def test_too_long_a_key_is_refused(
    catalog: Catalog, write: Write, partition: str, sort: str
) -> None:
    with pytest.raises(TooLarge, match="key"):
        write(Put(key(partition, sort), {}))
    with pytest.raises(TooLarge, match="key"):
        catalog.get(key(partition, sort))


def test_the_longest_key_is_kept(catalog: Catalog, write: Write, name: str) -> None:
    longest = key(name.ljust(2048, "p"), "é" * 512)
    write(Put(longest, {"n": 1}))
    assert stands(catalog, longest) == {"n": 1}


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (Put(key("p"), {}), Check(key("p"), Absent())),
        (Put(key("", "s"), {}),),
        (Put(key("p", ""), {}),),
        (Put(key("p", "nul\0"), {}),),
        (Put(key("p"), {"pk": "x"}),),
        (Put(key("p"), {"": "x"}),),
        (Put(key("p"), {"n": 10**38}),),
        (Put(key("p"), {"s": "\ud800"}),),
        (Update(key("p")),),
        (Update(key("p"), assign={"n": 1}, add={"n": 1}),),
    ],
)
def test_what_only_a_bug_can_ask_for_is_refused(write: Write, changes: tuple[Change, ...]) -> None:
    with pytest.raises(ValueError):
        write(*changes)


@pytest.mark.parametrize("value", [1.5, None, ["list"], bytearray(b"x"), (1,)])
def test_a_value_of_another_type_is_refused(write: Write, value: Value) -> None:
    with pytest.raises(TypeError):
        write(Put(key("p"), {"value": value}))


@pytest.mark.parametrize("token", ["", "x" * 37])
def test_a_token_has_1_to_36_characters(catalog: Catalog, token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        catalog.write((Put(key("p"), {}),), token=token)


# Races


def test_of_racing_creations_one_wins(catalog: Catalog, write: Write, name: str) -> None:
    def create(racer: int) -> bool:
        for _ in range(20):
            try:
                write(Put(key(name), {"racer": racer}, Absent()))
            except ConditionFailed as failed:
                if failed.indices:
                    return False
            else:
                return True
        raise AssertionError("twenty collisions")

    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(create, range(20)))
    assert won.count(True) == 1
    assert stands(catalog, key(name)) == {"racer": won.index(True)}


def test_no_addition_is_lost(catalog: Catalog, write: Write, name: str) -> None:
    catalog.put_many([Put(key(name), {"n": 0})])

    def add(count: int) -> None:
        done = 0
        while done < count:
            try:
                write(Update(key(name), add={"n": 1}))
            except ConditionFailed as failed:
                if failed.indices:  # It did more than collide.
                    raise
            else:
                done += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [10] * 8))
    assert stands(catalog, key(name)) == {"n": 80}


def test_money_moved_by_racing_transactions_is_neither_made_nor_lost(
    catalog: Catalog, write: Write, name: str
) -> None:
    accounts = [key(name, str(account)) for account in range(4)]
    catalog.put_many([Put(account, {"money": 100}) for account in accounts])

    def move(step: int) -> None:
        for _ in range(50):
            source, target = accounts[step % 4], accounts[(step * 3 + 1) % 4]
            if source == target:
                return
            try:
                write(
                    Update(source, add={"money": -7}, condition=(If("open", "=", False),))
                    if step % 10 == 0
                    else Update(source, add={"money": -7}),
                    Update(target, add={"money": 7}),
                )
            except ConditionFailed as failed:
                if failed.indices:
                    return
            else:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(40)))
    page = catalog.page(Table.CATALOG, name)
    assert sum(row.number("money") for row in page.rows) == 400
