"""What ``ports.Catalog`` promises of reading rows and of writing many."""

import pytest

from datavault.domain.rows import (
    Absent,
    If,
    Key,
    Put,
    Row,
    Table,
    Update,
    Value,
)
from datavault.ports import Catalog
from tests.contract.rows import Write, key, sorts, stands

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


def test_a_ping_of_a_catalog_that_answers_is_quiet(catalog: Catalog) -> None:
    catalog.ping()
