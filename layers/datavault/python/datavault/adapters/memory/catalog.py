"""The catalog in memory: a sorted list of rows per partition, under one lock.

Stricter than DynamoDB: it refuses NUL in keys, counts the rows that a transaction only reads or
removes towards its size, and cuts every page at ``PAGE_BYTES_MAX``.
"""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import assert_never

from datavault.adapters.limits import (
    NUMBER_MAX,
    check_key,
    check_page,
    check_puts,
    check_row_bytes,
    check_transaction,
    check_transaction_bytes,
    row_bytes,
)
from datavault.domain.rows import (
    Absent,
    Attributes,
    Change,
    Check,
    Condition,
    Delete,
    If,
    Key,
    Put,
    Row,
    RowPage,
    Table,
    Update,
    Value,
)
from datavault.ports import ConditionFailed

# DynamoDB answers a query with at most 1 MB; here callers meet pages shorter than they asked for.
PAGE_BYTES_MAX = 1024 * 1024
# More attempts than any simulation repeats; DynamoDB remembers a token for ten minutes.
TOKENS_MAX = 10_000


@dataclass(slots=True)
class _Held:
    """A row's attributes, replaced and never changed, and its size."""

    attributes: dict[str, Value]
    size: int


@dataclass(slots=True)
class _Partition:
    """``sorts`` is sorted; Python orders texts by code point, which is their UTF-8 byte order."""

    rows: dict[str, _Held] = field(default_factory=dict)
    sorts: list[str] = field(default_factory=list)


class MemoryCatalog:
    """Keeps ``ports.Catalog``."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._partitions: dict[tuple[Table, str], _Partition] = {}
        self._tokens: OrderedDict[str, tuple[Change, ...]] = OrderedDict()

    def copy(self) -> "MemoryCatalog":
        """Another catalog with the same rows, and the same tokens used."""
        made = MemoryCatalog()
        with self._lock:
            made._partitions = {
                name: _Partition(dict(held.rows), list(held.sorts))
                for name, held in self._partitions.items()
            }
            made._tokens = self._tokens.copy()
        return made

    def get(self, key: Key) -> Row | None:
        check_key(key)
        with self._lock:
            return self._row(key)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        for key in keys:
            check_key(key)
        with self._lock:
            return {key: row for key in keys if (row := self._row(key)) is not None}

    def page(
        self,
        table: Table,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> RowPage:
        check_page(partition, limit)
        with self._lock:
            held = self._partitions.get((table, partition))
            if held is None:
                return RowPage((), more=False)
            first, last = _bounds(held.sorts, prefix)
            if after is not None and newest_first:
                last = min(last, bisect_left(held.sorts, after))
            elif after is not None:
                first = max(first, bisect_right(held.sorts, after))
            sorts = held.sorts[first:last]
            if newest_first:
                sorts.reverse()
            count = _count_that_fits(held, sorts[:limit])
            rows = tuple(
                Row(Key(table, partition, sort), dict(held.rows[sort].attributes))
                for sort in sorts[:count]
            )
            return RowPage(rows, more=len(sorts) > count)

    def write(self, changes: Sequence[Change], *, token: str) -> None:
        changes = tuple(_copy(change) for change in changes)
        check_transaction(changes, token)
        with self._lock:
            done = self._tokens.get(token)
            if done is not None:
                if done != changes:
                    raise ValueError("the same token for other changes")
                return
            failed = {
                index: self._row(change.key)
                for index, change in enumerate(changes)
                if not _holds(change, self._held(change.key))
            }
            if failed:
                raise ConditionFailed(failed)
            after = [_changed(change, self._held(change.key)) for change in changes]
            check_transaction_bytes(
                sum(
                    max(_size(self._held(change.key)), _size(held))
                    for change, held in zip(changes, after, strict=True)
                )
            )
            for change, held in zip(changes, after, strict=True):
                self._store(change.key, held)
            self._tokens[token] = changes
            if len(self._tokens) > TOKENS_MAX:
                self._tokens.popitem(last=False)

    def put_many(self, rows: Sequence[Put]) -> None:
        check_puts(rows)
        with self._lock:
            for row in rows:
                self._store(row.key, _hold(row.key, row.attributes))

    def delete_many(self, keys: Sequence[Key]) -> None:
        for key in keys:
            check_key(key)
        with self._lock:
            for key in keys:
                self._store(key, None)

    def ping(self) -> None:
        pass

    def _row(self, key: Key) -> Row | None:
        held = self._held(key)
        return None if held is None else Row(key, dict(held.attributes))

    def _held(self, key: Key) -> _Held | None:
        partition = self._partitions.get((key.table, key.partition))
        return None if partition is None else partition.rows.get(key.sort)

    def _store(self, key: Key, held: _Held | None) -> None:
        partition = self._partitions.setdefault((key.table, key.partition), _Partition())
        was_there = key.sort in partition.rows
        if held is not None:
            partition.rows[key.sort] = held
            if not was_there:
                insort(partition.sorts, key.sort)
        elif was_there:
            del partition.rows[key.sort]
            del partition.sorts[bisect_left(partition.sorts, key.sort)]
        if not partition.rows:
            del self._partitions[key.table, key.partition]


def _bounds(sorts: list[str], prefix: str) -> tuple[int, int]:
    """Where the texts that start with ``prefix`` begin and end."""
    first = bisect_left(sorts, prefix)
    last = bisect_right(sorts, prefix, lo=first, key=lambda sort: sort[: len(prefix)])
    return first, last


def _count_that_fits(partition: _Partition, sorts: list[str]) -> int:
    size = 0
    for count, sort in enumerate(sorts):
        size += partition.rows[sort].size
        if size > PAGE_BYTES_MAX and count > 0:
            return count
    return len(sorts)


def _copy(change: Change) -> Change:
    """The change with mappings of its own; their values cannot change."""
    match change:
        case Put():
            return Put(change.key, dict(change.attributes), change.condition)
        case Update():
            return Update(change.key, dict(change.assign), dict(change.add), change.condition)
        case Delete() | Check():
            return change
        case _:
            assert_never(change)


def _holds(change: Change, held: _Held | None) -> bool:
    condition: Condition | None = change.condition
    if condition is None:
        return True
    if isinstance(condition, Absent):
        return held is None
    return held is not None and all(_is_true(term, held.attributes) for term in condition)


def _is_true(term: If, attributes: Attributes) -> bool:
    """Values of different types are neither equal nor in order; so True is not 1."""
    value = attributes.get(term.attribute)
    if value is None or _kind(value) is not _kind(term.value):
        return False
    if term.is_ == "=":
        return value == term.value
    return value < term.value  # type: ignore[operator]


def _kind(value: Value) -> type:
    """The type a value is kept as: a text's, whatever enumeration it comes from."""
    return str if isinstance(value, str) else type(value)


def _changed(change: Change, held: _Held | None) -> _Held | None:
    match change:
        case Put():
            return _hold(change.key, change.attributes)
        case Update():
            assert held is not None
            sums = {name: _sum(held, name, number) for name, number in change.add.items()}
            return _hold(change.key, held.attributes | dict(change.assign) | sums)
        case Delete():
            return None
        case Check():
            return held
        case _:
            assert_never(change)


def _sum(held: _Held, name: str, number: int) -> int:
    """An absent attribute counts as 0."""
    total = held.attributes.get(name, 0)
    if type(total) is not int:
        raise TypeError(f"{name} is of type {type(total).__name__}; only numbers are added to")
    if abs(total + number) > NUMBER_MAX:
        raise ValueError(f"{name} would have more than 38 digits")
    return total + number


def _hold(key: Key, attributes: Attributes) -> _Held:
    size = row_bytes(key, attributes)
    check_row_bytes(key, size)
    return _Held(dict(attributes), size)


def _size(held: _Held | None) -> int:
    return 0 if held is None else held.size
