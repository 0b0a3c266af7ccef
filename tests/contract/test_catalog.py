"""What ``ports.Catalog`` promises."""

import uuid
from collections.abc import Callable
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

type Write = Callable[..., None]


@pytest.fixture
def write(catalog: Catalog) -> Write:
    """One attempt at a transaction of these changes."""
    return lambda *changes: catalog.write(changes, token=str(uuid.uuid4()))


def key(partition: str, sort: str = "a", table: Table = Table.CATALOG) -> Key:
    return Key(table, partition, sort)


def sorts(rows: tuple[Row, ...]) -> list[str]:
    return [row.key.sort for row in rows]


def stands(catalog: Catalog, at: Key) -> Attributes | None:
    row = catalog.get(at)
    return None if row is None else dict(row.attributes)


# Reading


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "ünï\u0000cødé \U0001f512",
        0,
        -1,
        10**38 - 1,
        -(10**38) + 1,
        b"",
        bytes(range(256)),
        True,
        False,
        (),
        ("one",),
        ("b", "", "a", "b"),
    ],
)
def test_a_value_comes_back_with_its_type(catalog: Catalog, name: str, value: Value) -> None:
    catalog.put_many([Put(key(name), {"value": value})])
    row = catalog.get(key(name))
    assert row is not None
    assert row == Row(key(name), {"value": value})
    assert type(row.attributes["value"]) is type(value)


def test_a_row_may_have_no_attributes(catalog: Catalog, name: str) -> None:
    catalog.put_many([Put(key(name), {})])
    assert catalog.get(key(name)) == Row(key(name), {})


def test_attributes_may_have_the_names_of_reserved_words(
    catalog: Catalog, write: Write, name: str
) -> None:
    write(Put(key(name), {"name": "x", "count": 1, "a.b": "dot", "#n": "sign", ":v": "colon"}))
    write(
        Update(
            key(name),
            assign={"a.b": "point", "status": "s"},
            add={"count": 1},
            condition=(If("name", "=", "x"), If(":v", "=", "colon")),
        )
    )
    assert stands(catalog, key(name)) == {
        "name": "x",
        "count": 2,
        "a.b": "point",
        "#n": "sign",
        ":v": "colon",
        "status": "s",
    }


def test_an_absent_row_is_none(catalog: Catalog, name: str) -> None:
    assert catalog.get(key(name)) is None


def test_a_row_that_was_read_is_the_readers_own(catalog: Catalog, name: str) -> None:
    catalog.put_many([Put(key(name), {"n": 1})])
    row = catalog.get(key(name))
    assert row is not None
    assert isinstance(row.attributes, dict)
    row.attributes["n"] = 2
    assert stands(catalog, key(name)) == {"n": 1}


def test_what_was_written_does_not_follow_its_writer(
    catalog: Catalog, write: Write, name: str
) -> None:
    attributes: dict[str, Value] = {"n": 1}
    write(Put(key(name), attributes))
    attributes["n"] = 2
    assert stands(catalog, key(name)) == {"n": 1}


def test_get_many_finds_what_exists_in_any_number_and_table(catalog: Catalog, name: str) -> None:
    tables = list(Table)
    keys = [Key(tables[index % 3], name, f"{index:04}") for index in range(250)]
    there = keys[::2]
    catalog.put_many([Put(at, {"sort": at.sort}) for at in there])
    found = catalog.get_many([*keys, keys[0], keys[1]])
    assert found == {at: Row(at, {"sort": at.sort}) for at in there}


def test_get_many_of_nothing_is_nothing(catalog: Catalog) -> None:
    assert catalog.get_many([]) == {}


def test_get_many_of_rows_beyond_one_answer_is_whole(catalog: Catalog, name: str) -> None:
    # 100 rows of 300 KB are 30 MB; DynamoDB answers with at most 16 MB.
    keys = [key(name, f"{index:02}") for index in range(60)]
    catalog.put_many([Put(at, {"body": bytes(300_000)}) for at in keys])
    assert catalog.get_many(keys).keys() == set(keys)


def test_the_same_key_in_another_table_is_another_row(catalog: Catalog, name: str) -> None:
    catalog.put_many([Put(Key(table, name, "a"), {"table": table.value}) for table in Table])
    for table in Table:
        assert stands(catalog, Key(table, name, "a")) == {"table": table.value}


# Pages

# In byte order, which is not the order of UTF-16 (U+FF5E comes before U+1F512) nor of a dictionary.
IN_ORDER = ("!", "A", "B", "Z", "a", "a!", "aa", "ab", "b", "é", "日本", "～", "\U0001f512")


@pytest.fixture
def thirteen(catalog: Catalog, name: str) -> str:
    """A partition with a row under each of ``IN_ORDER``, and rows beside it."""
    rows = [Put(key(name, sort), {"n": at}) for at, sort in enumerate(IN_ORDER)]
    catalog.put_many(rows[::-1])
    catalog.put_many([Put(key(name + "x"), {}), Put(key(name, "a", Table.STAGING), {})])
    return name


def test_a_page_is_in_byte_order(catalog: Catalog, thirteen: str) -> None:
    page = catalog.page(Table.CATALOG, thirteen)
    assert sorts(page.rows) == list(IN_ORDER)
    assert [row.number("n") for row in page.rows] == list(range(len(IN_ORDER)))
    assert not page.more


def test_newest_first_is_the_reverse_order(catalog: Catalog, thirteen: str) -> None:
    page = catalog.page(Table.CATALOG, thirteen, newest_first=True)
    assert sorts(page.rows) == list(reversed(IN_ORDER))


def test_an_absent_partition_is_an_empty_page(catalog: Catalog, name: str) -> None:
    page = catalog.page(Table.CATALOG, name)
    assert page.rows == ()
    assert not page.more


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("prefix", ["", "a", "aa", "ac", "日", "\U0001f512", "~"])
@pytest.mark.parametrize("after", [None, "!", "0", "a", "a!", "aaa", "ab", "b", "é", "\U0001f513"])
def test_a_page_has_the_prefix_and_lies_beyond_after(
    catalog: Catalog, thirteen: str, prefix: str, after: str | None, *, newest_first: bool
) -> None:
    page = catalog.page(
        Table.CATALOG, thirteen, prefix=prefix, after=after, newest_first=newest_first
    )
    wanted = [
        sort
        for sort in (reversed(IN_ORDER) if newest_first else IN_ORDER)
        if sort.startswith(prefix)
        and (after is None or (sort < after if newest_first else sort > after))
    ]
    assert sorts(page.rows) == wanted
    assert not page.more


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_more_says_whether_rows_follow(
    catalog: Catalog, thirteen: str, limit: int, *, newest_first: bool
) -> None:
    wanted = [sort for sort in IN_ORDER if sort.startswith("a")]
    page = catalog.page(Table.CATALOG, thirteen, prefix="a", limit=limit, newest_first=newest_first)
    ordered = wanted[::-1] if newest_first else wanted
    assert sorts(page.rows) == ordered[:limit]
    assert page.more is (limit < len(wanted))


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_large_rows_join_to_the_whole(
    catalog: Catalog, name: str, *, newest_first: bool
) -> None:
    wanted = [f"{index:02}" for index in range(12)]
    catalog.put_many([Put(key(name, sort), {"body": bytes(250_000)}) for sort in wanted])
    found: list[str] = []
    more = True
    while more:
        page = catalog.page(
            Table.CATALOG,
            name,
            after=found[-1] if found else None,
            limit=7,
            newest_first=newest_first,
        )
        assert 1 <= len(page.rows) <= 7
        found += sorts(page.rows)
        more = page.more
    assert found == (wanted[::-1] if newest_first else wanted)


def test_a_page_of_no_rows_cannot_be_asked_for(catalog: Catalog, name: str) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        catalog.page(Table.CATALOG, name, limit=0)


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


# Many rows


def test_put_many_writes_any_number_and_replaces(catalog: Catalog, name: str) -> None:
    tables = list(Table)
    rows = [Put(Key(tables[n % 3], name, f"{n:04}"), {"n": n}) for n in range(1000)]
    catalog.put_many([Put(row.key, {"old": True}) for row in rows[:100]])
    catalog.put_many(rows)
    for offset, table in enumerate(tables):
        page = catalog.page(table, name)
        assert [row.attributes for row in page.rows] == [
            {"n": n} for n in range(offset, 1000, len(tables))
        ]


def test_put_many_writes_rows_beyond_one_request(catalog: Catalog, name: str) -> None:
    # 60 rows of 390 KB: batches of 25 would be 9.75 MB, in base64 13 MB.
    rows = [Put(key(name, f"{n:02}"), {"body": bytes(390_000)}) for n in range(50)]
    catalog.put_many(rows)
    assert catalog.get_many([row.key for row in rows]).keys() == {row.key for row in rows}


def test_put_many_takes_no_conditions(catalog: Catalog, name: str) -> None:
    with pytest.raises(ValueError, match="no conditions"):
        catalog.put_many([Put(key(name), {}, Absent())])


def test_delete_many_removes_what_is_there(catalog: Catalog, name: str) -> None:
    rows = [Put(key(name, f"{n:03}"), {}) for n in range(120)]
    catalog.put_many(rows)
    catalog.delete_many([row.key for row in rows[10:]] + [key(name, "absent"), rows[10].key])
    assert sorts(catalog.page(Table.CATALOG, name).rows) == [row.key.sort for row in rows[:10]]


def test_nothing_may_be_put_and_deleted(catalog: Catalog) -> None:
    catalog.put_many([])
    catalog.delete_many([])


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


def test_a_ping_of_a_catalog_that_answers_is_quiet(catalog: Catalog) -> None:
    catalog.ping()
