"""What a row, a transaction and an object key may be: checked by every adapter before it acts.

What a caller can make large is ``TooLarge``; what only a bug can bring about (a key twice in one
transaction, an empty sort key, a float) is a ``ValueError`` or ``TypeError``. Sizes are counted
as DynamoDB counts them, so that the twin refuses what the table would refuse.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import assert_never

from datavault.domain.deliveries import Notice
from datavault.domain.errors import TooLarge
from datavault.domain.rows import (
    ROW_BYTES_MAX,
    TRANSACTION_BYTES_MAX,
    TRANSACTION_CHANGES_MAX,
    Attributes,
    Change,
    Check,
    Condition,
    Delete,
    If,
    Key,
    Put,
    Update,
    Value,
)

PARTITION_KEY = "pk"
SORT_KEY = "sk"
PARTITION_BYTES_MAX = 2048
SORT_BYTES_MAX = 1024
TOKEN_CHARS_MAX = 36
ATTRIBUTE_NAME_BYTES_MAX = 255
# DynamoDB numbers have 38 significant digits.
NUMBER_MAX = 10**38 - 1
OBJECT_KEY_BYTES_MAX = 1024
# One PUT, not a multipart upload: only then is "create, do not replace" a single step.
OBJECT_BYTES_MAX = 5 * 2**30
PARTS_PAGE_MAX = 1000
# PutEvents: entries and bytes of a call. Time and source of an entry count 14 and 17 bytes.
EVENT_CALL_ENTRIES_MAX = 10
EVENT_CALL_BYTES_MAX = 1_000_000
EVENT_BYTES = 31
# How many letters are taken at a time, and for how long they are hidden from others.
LETTERS_TAKEN_MAX = 10
HIDDEN_S = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_key(key: Key) -> int:
    """Refuse a key that DynamoDB would, and NUL, which some tools cut a text at; its bytes."""
    partition = _key_text_bytes("partition", key.partition, PARTITION_BYTES_MAX)
    return partition + _key_text_bytes("sort", key.sort, SORT_BYTES_MAX)


def check_partition(partition: str) -> None:
    """``check_key`` for the partition alone."""
    _key_text_bytes("partition", partition, PARTITION_BYTES_MAX)


def row_bytes(key: Key, attributes: Attributes) -> int:
    """The size of a row, refusing values that no table takes."""
    return _row_bytes(_text_bytes(key.partition) + _text_bytes(key.sort), attributes)


def check_row_bytes(key: Key, size: int) -> None:
    """Refuse a row of more than ``ROW_BYTES_MAX``."""
    if size > ROW_BYTES_MAX:
        raise TooLarge(f"row of {size} bytes in {key.table}, at most {ROW_BYTES_MAX} allowed")


def check_transaction(changes: Sequence[Change], token: str) -> None:
    """Refuse what can be known to be refused without reading a row."""
    if not 1 <= len(token) <= TOKEN_CHARS_MAX:
        raise ValueError(f"a token has 1 to {TOKEN_CHARS_MAX} characters, this has {len(token)}")
    if not changes:
        raise ValueError("a transaction has at least one change")
    if len(changes) > TRANSACTION_CHANGES_MAX:
        raise TooLarge(
            f"transaction of {len(changes)} changes, at most {TRANSACTION_CHANGES_MAX} allowed"
        )
    _check_different([change.key for change in changes])
    check_transaction_bytes(sum(map(_change_bytes, changes)))


def check_transaction_bytes(size: int) -> None:
    """Refuse a transaction of more than ``TRANSACTION_BYTES_MAX``."""
    if size > TRANSACTION_BYTES_MAX:
        raise TooLarge(f"transaction of {size} bytes, at most {TRANSACTION_BYTES_MAX} allowed")


def check_puts(rows: Sequence[Put]) -> None:
    """Refuse rows that cannot be written in any order without conditions."""
    _check_different([row.key for row in rows])
    for row in rows:
        if row.condition is not None:
            raise ValueError("put_many takes no conditions")
        _change_bytes(row)


def check_page(partition: str, limit: int) -> None:
    """Refuse a page of nothing or of nowhere."""
    check_partition(partition)
    if limit < 1:
        raise ValueError(f"a page has at least one row, not {limit}")


def check_object_key(key: str) -> None:
    """Refuse an object key that S3, a URL or a file system would read as another one."""
    if not key or _text_bytes(key) > OBJECT_KEY_BYTES_MAX:
        raise ValueError(f"an object key has 1 to {OBJECT_KEY_BYTES_MAX} bytes")
    if _CONTROL.search(key):
        raise ValueError("an object key has no control characters")
    if any(part in {"", ".", ".."} for part in key.split("/")):
        raise ValueError("an object key has no part that is empty, '.' or '..'")


def check_object_bytes(size: int) -> None:
    """Refuse an object of more than one PUT."""
    if size > OBJECT_BYTES_MAX:
        raise TooLarge(f"object of {size} bytes, at most {OBJECT_BYTES_MAX} allowed")


def check_range(start: int, length: int) -> None:
    """Refuse a range before the object's start."""
    if start < 0 or length < 0:
        raise ValueError(f"range of {length} bytes from {start}")


def check_part_number(number: int) -> None:
    """Refuse a part that no upload has."""
    # Here, because a function without uploads starts sooner without.
    from datavault.domain.uploads import PARTS_MAX

    if not 1 <= number <= PARTS_MAX:
        raise ValueError(f"parts are numbered 1 to {PARTS_MAX}, not {number}")


def check_parts_page(limit: int) -> None:
    """Refuse a page of parts that S3 would cut."""
    if not 1 <= limit <= PARTS_PAGE_MAX:
        raise ValueError(f"a page has 1 to {PARTS_PAGE_MAX} parts, not {limit}")


def _change_bytes(change: Change) -> int:
    """What is known of the row's size before it is read; checks all that the change says."""
    key_bytes = check_key(change.key)
    match change:
        case Put():
            _check_condition(change.condition)
            size = _row_bytes(key_bytes, change.attributes)
            check_row_bytes(change.key, size)
            return size
        case Update():
            _check_condition(change.condition)
            if not change.assign and not change.add:
                raise ValueError("an update assigns or adds; a Check does neither")
            if not change.assign.keys().isdisjoint(change.add):
                raise ValueError("an update assigns and adds to different attributes")
            size = _row_bytes(key_bytes, change.assign) + _numbers_bytes(change.add)
            check_row_bytes(change.key, size)
            return size
        case Delete() | Check():
            _check_condition(change.condition)
            return 0
        case _:
            assert_never(change)


def _check_condition(condition: Condition | None) -> None:
    if isinstance(condition, tuple):
        for term in condition:
            _check_term(term)


def _check_term(term: If) -> None:
    _attribute_bytes(term.attribute, term.value)
    if term.is_ == "<" and isinstance(term.value, bool | tuple):
        raise TypeError(f"{term.attribute} is compared by '<' with a value that has no order")


def _check_different(keys: Sequence[Key]) -> None:
    if len(set(keys)) != len(keys):
        raise ValueError("the same key twice")


def _key_text_bytes(name: str, text: str, bytes_max: int) -> int:
    if not text or "\0" in text:
        raise ValueError(f"a {name} key is not empty and holds no NUL")
    size = _text_bytes(text)
    if size > bytes_max:
        raise TooLarge(f"{name} key of {size} bytes, at most {bytes_max} allowed")
    return size


def _row_bytes(key_bytes: int, attributes: Attributes) -> int:
    return len(PARTITION_KEY) + len(SORT_KEY) + key_bytes + _attributes_bytes(attributes)


def _attributes_bytes(attributes: Attributes) -> int:
    return sum([_attribute_bytes(name, value) for name, value in attributes.items()])


def _numbers_bytes(numbers: Mapping[str, int]) -> int:
    for name, number in numbers.items():
        if type(number) is not int:
            raise TypeError(f"{name} is added to by {type(number).__name__}, not by an int")
    return _attributes_bytes(numbers)


def _attribute_bytes(name: str, value: Value) -> int:
    return _name_bytes(name) + _value_bytes(name, value)


# The names are the vault's own, some dozens.
@lru_cache(maxsize=256)
def _name_bytes(name: str) -> int:
    if name in {PARTITION_KEY, SORT_KEY} or not 1 <= len(name) <= ATTRIBUTE_NAME_BYTES_MAX:
        raise ValueError(f"no attribute can be called {name[:ATTRIBUTE_NAME_BYTES_MAX]!r}")
    return _text_bytes(name)


def _value_bytes(name: str, value: Value) -> int:
    match value:
        case str():
            return _text_bytes(value)
        case bytes():
            return len(value)
        case bool():
            return 1
        case int():
            return _number_bytes(name, value)
        case tuple():
            return 3 + sum([1 + _element_bytes(name, element) for element in value])
        case _:
            raise TypeError(f"{name} is of type {type(value).__name__}")


def _element_bytes(name: str, element: object) -> int:
    if not isinstance(element, str):
        raise TypeError(f"{name} holds an element of type {type(element).__name__}")
    return _text_bytes(element)


def _number_bytes(name: str, number: int) -> int:
    if not -NUMBER_MAX <= number <= NUMBER_MAX:
        raise ValueError(f"{name} has more than 38 digits")
    # Two digits a byte, one byte of exponent, one of sign: never less than DynamoDB counts.
    return number.bit_length() // 6 + 3


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def event_calls(notices: Sequence[Notice]) -> Iterator[list[int]]:
    """The indices of notices that go together in one call of PutEvents, in order.

    One that is too large for any call is in none.
    """
    call: list[int] = []
    size = 0
    for index, notice in enumerate(notices):
        own = EVENT_BYTES + len(notice.type.encode()) + len(notice.text.encode())
        if own > EVENT_CALL_BYTES_MAX:
            continue
        if call and (len(call) == EVENT_CALL_ENTRIES_MAX or size + own > EVENT_CALL_BYTES_MAX):
            yield call
            call, size = [], 0
        call.append(index)
        size += own
    if call:
        yield call
