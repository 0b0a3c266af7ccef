"""The twin and DynamoDB answer the same to any sequence of calls."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.domain.rows import (
    Absent,
    Change,
    Check,
    Condition,
    Delete,
    If,
    Key,
    Put,
    Table,
    Update,
    Value,
)
from datavault.ports import Catalog, ConditionFailed
from tests.contract.played import AwsPlayed

SORTS = ("a", "a/1", "a/2", "b", "é", "\U0001f512")
TABLES = (Table.CATALOG, Table.STAGING)

# Each name has values of one type, because only numbers are added to.
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "n": st.integers(-3, 3),
    "s": st.sampled_from(["", "a", "b", "é"]),
    "b": st.sampled_from([b"", b"\0", b"\xff"]),
    "t": st.booleans(),
    "l": st.sampled_from([(), ("x",), ("x", "y")]),
}
ANY_VALUE = st.one_of(*VALUES.values())


@dataclass(frozen=True)
class Call:
    """One call, made of the partition it is about; ``str`` of it says which."""

    text: str
    make: Callable[[Catalog, str], object]

    def __repr__(self) -> str:
        return self.text


attributes = st.fixed_dictionaries({}, optional=dict(VALUES))
terms = st.builds(
    If,
    attribute=st.sampled_from([*VALUES, "absent"]),
    is_=st.just("="),
    value=ANY_VALUE,
) | st.builds(
    If,
    attribute=st.sampled_from([*VALUES, "absent"]),
    is_=st.just("<"),
    value=st.one_of(VALUES["n"], VALUES["s"], VALUES["b"]),
)
joined = st.lists(terms, max_size=2).map(tuple)
conditions: st.SearchStrategy[Condition] = st.one_of(st.builds(Absent), joined)
places = st.tuples(st.sampled_from(TABLES), st.sampled_from(SORTS))


@st.composite
def changes(draw: st.DrawFn) -> list[Callable[[Key], Change]]:
    """The changes of one transaction, each waiting for its key."""
    kind = draw(st.sampled_from(["put", "update", "delete", "check"]))
    match kind:
        case "put":
            row, condition = draw(attributes), draw(st.none() | conditions)
            return [lambda key: Put(key, row, condition)]
        case "update":
            assign, terms = draw(attributes), draw(joined)
            add = {"n": draw(st.integers(-2, 2))} if "n" not in assign else {}
            return [lambda key: Update(key, assign, add, terms)]
        case "delete":
            needed = draw(st.none() | joined)
            return [lambda key: Delete(key, needed)]
        case _:
            must = draw(conditions)
            return [lambda key: Check(key, must)]


@st.composite
def writes(draw: st.DrawFn) -> Call:
    where = draw(st.lists(places, min_size=1, max_size=4, unique=True))
    waiting = [draw(changes())[0] for _ in where]
    token = draw(st.integers(0, 3).map(str) | st.uuids().map(str))

    def made(partition: str) -> list[Change]:
        return [
            change(Key(table, partition, sort))
            for change, (table, sort) in zip(waiting, where, strict=True)
        ]

    return Call(
        f"write({made('p')}, {token})",
        # A token is known for ten minutes, to all examples.
        lambda catalog, partition: catalog.write(
            made(partition), token=str(uuid.uuid5(uuid.NAMESPACE_OID, partition + token))
        ),
    )


@st.composite
def pages(draw: st.DrawFn) -> Call:
    table = draw(st.sampled_from(TABLES))
    options: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "prefix": st.sampled_from(["", "a", "a/", "c", "é"]),
                "after": st.sampled_from([None, "", "0", "a", "a/15", "b", "z", "\U0010ffff"]),
                "limit": st.integers(1, 7),
                "newest_first": st.booleans(),
            }
        )
    )
    return Call(
        f"page({table}, {options})",
        lambda catalog, partition: catalog.page(table, partition, **options),
    )


@st.composite
def reads(draw: st.DrawFn) -> Call:
    where = draw(st.lists(places, max_size=8))
    return Call(
        f"get_many({where})",
        lambda catalog, partition: catalog.get_many(
            [Key(table, partition, sort) for table, sort in where]
        ),
    )


@st.composite
def many(draw: st.DrawFn) -> Call:
    where = draw(st.lists(places, max_size=6, unique=True))
    rows = [draw(attributes) for _ in where]

    def put(catalog: Catalog, partition: str) -> None:
        keys = [Key(table, partition, sort) for table, sort in where]
        catalog.put_many([Put(key, row) for key, row in zip(keys, rows, strict=True)])

    def delete(catalog: Catalog, partition: str) -> None:
        catalog.delete_many([Key(table, partition, sort) for table, sort in where])

    if draw(st.booleans()):
        return Call(f"put_many({where}, {rows})", put)
    return Call(f"delete_many({where})", delete)


def whole(table: Table) -> Call:
    return Call(f"page({table})", lambda catalog, partition: catalog.page(table, partition))


def outcome(call: Call, catalog: Catalog, partition: str) -> Any:
    try:
        return call.make(catalog, partition)
    except ConditionFailed as failed:
        return "ConditionFailed", failed.rows
    except ValueError as error:
        return "ValueError", str(error)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=st.lists(st.one_of(writes(), writes(), pages(), reads(), many()), max_size=12))
def test_the_twin_and_dynamodb_answer_the_same(aws: AwsPlayed, calls: list[Call]) -> None:
    twin, real, partition = MemoryCatalog(), aws.vault.catalog, uuid.uuid4().hex
    everything = [whole(table) for table in TABLES]
    for call in [*calls, *everything]:
        assert outcome(call, twin, partition) == outcome(call, real, partition), call
