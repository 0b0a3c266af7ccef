"""The catalog on DynamoDB: one table each for what is kept, staged and only added to.

Every read is strongly consistent. A transaction carries its token as ``ClientRequestToken``, so
that the client below may repeat it; puts and deletes of many rows bear repeating by themselves.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import batched

from msgspec import Raw

from datavault.adapters.aws.answers import (
    BatchGetAnswer,
    BatchWriteAnswer,
    GetItemAnswer,
    Nothing,
    QueryAnswer,
)
from datavault.adapters.aws.client import ATTEMPTS_MAX, Json, JsonClient, backoff_s
from datavault.adapters.aws.encoding import change_json, key_json, row_json, row_of
from datavault.adapters.aws.errors import AwsError, translated
from datavault.adapters.limits import (
    PARTITION_KEY,
    SORT_KEY,
    check_key,
    check_page,
    check_puts,
    check_transaction,
)
from datavault.domain.errors import TooLarge, Unavailable
from datavault.domain.rows import Change, Key, Put, Row, RowPage, Table
from datavault.ports import ConditionFailed

# DynamoDB's own bounds on one request.
_GET_MANY_MAX = 100
_WRITE_MANY_MAX = 25
# Each query answers at most 1 MB; a page of more than this many is cut short.
_QUERIES_MAX = 16
_THREADS = 8
# Keys to read or rows to write, by the table's name.
type _ByTable = Mapping[str, Sequence[Json | Raw]]
_PING = Key(Table.CATALOG, "ping", "ping")


class DynamoCatalog:
    """Keeps ``ports.Catalog``. ``tables`` are the names of the tables."""

    def __init__(
        self,
        client: JsonClient,
        tables: Mapping[Table, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._tables = dict(tables)
        self._table_of = {name: table for table, name in tables.items()}
        self._sleep = sleep

    def get(self, key: Key) -> Row | None:
        check_key(key)
        request = {
            "TableName": self._tables[key.table],
            "Key": key_json(key),
            "ConsistentRead": True,
        }
        item = self._call("GetItem", request, GetItemAnswer).Item
        return None if item is None else row_of(key.table, item)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        for key in keys:
            check_key(key)
        batches = batched(dict.fromkeys(keys), _GET_MANY_MAX, strict=False)
        found = [row for rows in self._each(self._get_batch, batches) for row in rows]
        return {row.key: row for row in found}

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
        request = self._query(table, partition, prefix)
        request["ScanIndexForward"] = not newest_first
        if after is not None:
            if after and after.startswith(prefix):
                start = Key(table, partition, after)
                check_key(start)
                request["ExclusiveStartKey"] = key_json(start)
            elif (after > prefix) is not newest_first:
                # The whole prefix lies before ``after``; otherwise the whole follows it.
                return RowPage((), more=False)
        # One row more than asked for, because LastEvaluatedKey does not say that rows follow.
        rows: list[Row] = []
        for _ in range(_QUERIES_MAX):
            request["Limit"] = limit + 1 - len(rows)
            answer = self._call("Query", request, QueryAnswer)
            rows += [row_of(table, item) for item in answer.Items]
            if len(rows) > limit:
                return RowPage(tuple(rows[:limit]), more=True)
            if answer.LastEvaluatedKey is None:
                return RowPage(tuple(rows), more=False)
            request["ExclusiveStartKey"] = key_json(row_of(table, answer.LastEvaluatedKey).key)
        # The last row is left for the next page: so it is certain that one follows.
        return RowPage(tuple(rows[:-1]), more=True)

    def write(self, changes: Sequence[Change], *, token: str) -> None:
        check_transaction(changes, token)
        request = {
            "ClientRequestToken": token,
            "TransactItems": [change_json(change, self._tables) for change in changes],
        }
        for attempt in range(ATTEMPTS_MAX):
            try:
                self._client.call("TransactWriteItems", request, Nothing)
            except AwsError as error:
                failure = _transaction_failure(error, changes)
                if not isinstance(failure, _TryAgain):
                    raise failure from error
            else:
                return
            self._sleep(backoff_s(attempt))
        raise Unavailable("the catalog is throttled")

    def put_many(self, rows: Sequence[Put]) -> None:
        check_puts(rows)
        self._write_many(
            [
                (row.key.table, {"PutRequest": {"Item": row_json(row.key, row.attributes)}})
                for row in rows
            ]
        )

    def delete_many(self, keys: Sequence[Key]) -> None:
        for key in keys:
            check_key(key)
        self._write_many(
            [(key.table, {"DeleteRequest": {"Key": key_json(key)}}) for key in dict.fromkeys(keys)]
        )

    def ping(self) -> None:
        try:
            self.get(_PING)
        except AwsError as error:
            raise Unavailable(f"the catalog answered {error.code}") from error

    def _query(self, table: Table, partition: str, prefix: str) -> Json:
        condition = f"{PARTITION_KEY} = :p"
        values: Json = {":p": {"S": partition}}
        if prefix:
            condition += f" AND begins_with({SORT_KEY}, :s)"
            values[":s"] = {"S": prefix}
        return {
            "TableName": self._tables[table],
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }

    def _get_batch(self, keys: Sequence[Key]) -> list[Row]:
        wanted: dict[str, list[Json | Raw]] = {}
        for key in keys:
            wanted.setdefault(self._tables[key.table], []).append(key_json(key))
        rows: list[Row] = []

        def ask(wanted: _ByTable) -> _ByTable:
            requests = {
                name: {"Keys": keys, "ConsistentRead": True} for name, keys in wanted.items()
            }
            answer = self._call("BatchGetItem", {"RequestItems": requests}, BatchGetAnswer)
            for name, items in answer.Responses.items():
                rows.extend([row_of(self._table_of[name], item) for item in items])
            return {name: left.Keys for name, left in answer.UnprocessedKeys.items()}

        self._until_done(ask, wanted)
        return rows

    def _write_many(self, requests: Sequence[tuple[Table, Json]]) -> None:
        batches = batched(requests, _WRITE_MANY_MAX, strict=False)
        self._each(self._write_batch, batches)

    def _write_batch(self, requests: Sequence[tuple[Table, Json]]) -> None:
        wanted: dict[str, list[Json | Raw]] = {}
        for table, request in requests:
            wanted.setdefault(self._tables[table], []).append(request)

        def ask(wanted: _ByTable) -> _ByTable:
            request = {"RequestItems": dict(wanted)}
            return self._call("BatchWriteItem", request, BatchWriteAnswer).UnprocessedItems

        self._until_done(ask, wanted)

    def _until_done(self, ask: Callable[[_ByTable], _ByTable], wanted: _ByTable) -> None:
        """Ask again for what an answer leaves over, patiently while it shrinks."""
        attempt = 0
        while attempt < ATTEMPTS_MAX:
            left = ask(wanted)
            if not left:
                return
            if _count(left) < _count(wanted):
                attempt = 0
            wanted = left
            self._sleep(backoff_s(attempt))
            attempt += 1
        raise Unavailable(f"the catalog leaves {_count(wanted)} rows over")

    def _each[T, R](
        self, work: Callable[[tuple[T, ...]], R], batches: Iterable[tuple[T, ...]]
    ) -> list[R]:
        """Work on all batches, at most ``_THREADS`` at a time."""
        listed = list(batches)
        if len(listed) <= 1:
            return [work(batch) for batch in listed]
        return list(self._threads.map(work, listed))

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="catalog")

    def _call[T](self, operation: str, request: Json, answer: type[T]) -> T:
        try:
            return self._client.call(operation, request, answer)
        except AwsError as error:
            raise translated(error, f"catalog {operation}") from error


class _TryAgain(Exception):
    """A transaction was throttled, not refused."""


def _transaction_failure(error: AwsError, changes: Sequence[Change]) -> Exception:
    if error.code == "IdempotentParameterMismatchException":
        return ValueError("the same token for other changes")
    if error.code != "TransactionCanceledException":
        return _too_large(error.code, str(error)) or translated(error, "catalog transaction")
    failed: dict[int, Row | None] = {}
    codes = set()
    for index, (reason, change) in enumerate(zip(error.reasons, changes, strict=True)):
        codes.add(reason.Code)
        if reason.Code == "ConditionalCheckFailed":
            failed[index] = row_of(change.key.table, reason.Item) if reason.Item else None
        elif too_large := _too_large(reason.Code, reason.Message or ""):
            return too_large
    if failed or "TransactionConflict" in codes:
        return ConditionFailed(failed)
    if codes & {"ThrottlingError", "ProvisionedThroughputExceeded"}:
        return _TryAgain()
    return error


def _too_large(code: str, message: str) -> TooLarge | None:
    """DynamoDB has no code for a row that an update would make too large, only these words."""
    if code.startswith("Validation") and "size" in message.lower() and "exceeded" in message:
        return TooLarge("a row or the transaction would be over DynamoDB's limit")
    return None


def _count(by_table: _ByTable) -> int:
    return sum(map(len, by_table.values()))
