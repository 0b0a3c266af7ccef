"""Rows, conditions and changes as DynamoDB writes them.

A text is ``S``, an integer ``N``, bytes ``B``, a truth ``BOOL``, a tuple of texts ``L``. The
partition is the attribute ``pk``, the sort key ``sk``. Names never stand in an expression
themselves, so any word may be one.
"""

from collections.abc import Mapping
from typing import assert_never

from datavault.adapters.aws.answers import Cell, Item
from datavault.adapters.aws.client import Json
from datavault.adapters.limits import PARTITION_KEY, SORT_KEY
from datavault.domain.rows import (
    Absent,
    Attributes,
    Change,
    Check,
    Condition,
    Delete,
    Key,
    Put,
    Row,
    Table,
    Update,
    Value,
)

type Tables = Mapping[Table, str]


def key_json(key: Key) -> Json:
    """The key of a request."""
    return {PARTITION_KEY: {"S": key.partition}, SORT_KEY: {"S": key.sort}}


def row_json(key: Key, attributes: Attributes) -> Json:
    """The whole item."""
    item = key_json(key)
    for name, value in attributes.items():
        item[name] = _value_json(value)
    return item


def row_of(table: Table, item: Item) -> Row:
    """The row in ``item``."""
    values = {name: _value_of(cell) for name, cell in item.items()}
    partition, sort = values.pop(PARTITION_KEY), values.pop(SORT_KEY)
    assert isinstance(partition, str)
    assert isinstance(sort, str)
    return Row(Key(table, partition, sort), values)


def key_of(table: Table, item: Item) -> Key:
    """The key in ``item``."""
    partition, sort = item[PARTITION_KEY].S, item[SORT_KEY].S
    assert partition is not None
    assert sort is not None
    return Key(table, partition, sort)


def change_json(change: Change, tables: Tables) -> Json:
    """One element of a transaction, which shows the row if its condition does not hold."""
    words = _Words()
    shared = {
        "TableName": tables[change.key.table],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    condition = words.condition(change.condition)
    if condition:
        shared["ConditionExpression"] = condition
    own: Json = {"Key": key_json(change.key)}
    match change:
        case Put():
            verb, own = "Put", {"Item": row_json(change.key, change.attributes)}
        case Update():
            verb, own = "Update", own | {"UpdateExpression": words.update(change)}
        case Delete():
            verb = "Delete"
        case Check():
            verb = "ConditionCheck"
        case _:
            assert_never(change)
    return {verb: shared | own | words.definitions()}


class _Words:
    """The placeholders of one change's expressions."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: Json = {}

    def condition(self, condition: Condition | None) -> str:
        if condition is None:
            return ""
        if isinstance(condition, Absent):
            return f"attribute_not_exists({PARTITION_KEY})"
        terms = [
            f"{self._name(term.attribute)} {term.is_} {self._value(term.value)}"
            for term in condition
        ]
        return " AND ".join([f"attribute_exists({PARTITION_KEY})", *terms])

    def update(self, update: Update) -> str:
        assigned = [f"{self._name(name)} = {self._value(to)}" for name, to in update.assign.items()]
        added = [f"{self._name(name)} {self._value(by)}" for name, by in update.add.items()]
        clauses = [
            f"{verb} {', '.join(terms)}"
            for verb, terms in (("SET", assigned), ("ADD", added))
            if terms
        ]
        return " ".join(clauses)

    def definitions(self) -> Json:
        definitions: Json = {}
        if self._names:
            definitions["ExpressionAttributeNames"] = self._names
        if self._values:
            definitions["ExpressionAttributeValues"] = self._values
        return definitions

    def _name(self, name: str) -> str:
        word = f"#{len(self._names)}"
        self._names[word] = name
        return word

    def _value(self, value: Value) -> str:
        word = f":{len(self._values)}"
        self._values[word] = _value_json(value)
        return word


def _value_json(value: Value) -> Json:
    # Bytes become base64 when the request is written.
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case tuple():
            return {"L": [{"S": element} for element in value]}
        case _:
            assert_never(value)


def _value_of(cell: Cell) -> Value:
    if cell.S is not None:
        return cell.S
    if cell.B is not None:
        return cell.B
    if cell.N is not None:
        return int(cell.N)
    if cell.BOOL is not None:
        return cell.BOOL
    assert cell.L is not None
    return tuple([element.S for element in cell.L])
