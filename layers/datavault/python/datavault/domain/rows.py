"""Rows: what the catalog holds, and the conditional changes that are the vault's commit points.

A row lives in a table under a partition and a sort key and has flat attributes. A *transaction*
is a tuple of changes that all happen or none does. The transactions of the vault are values,
built by pure functions (``domain.refs`` and its neighbours) and given to ``ports.Catalog``; so
the protocol that ships is the very one that the simulation breaks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

type Value = str | int | bytes | bool | tuple[str, ...]
type Attributes = Mapping[str, Value]

# DynamoDB's limits, which are the strictest of any adapter's.
ROW_BYTES_MAX = 400 * 1024
TRANSACTION_CHANGES_MAX = 100
TRANSACTION_BYTES_MAX = 4 * 1024 * 1024
# An attribute of this name, in seconds since the epoch, lets the table drop the row afterwards.
# Dropping may come days late: readers that care compare it with the clock themselves.
EXPIRES_AT = "expires_at"


class Table(StrEnum):
    """The catalog's tables, by how long and how safely their rows are kept."""

    CATALOG = "catalog"
    """Workspaces, datasets, branches, commits, keys, jobs: kept, with point-in-time recovery."""
    STAGING = "staging"
    """Staged changes and idempotency rows: short-lived, never in a backup."""
    LEDGER = "ledger"
    """The ledger's entries: only ever added to; streamed."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Where a row lives. Rows of one partition are kept in the byte order of ``sort``."""

    table: Table
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read: its key and its attributes."""

    key: Key
    attributes: Attributes

    def text(self, name: str) -> str:
        """The attribute ``name``, which is a string."""
        value = self.attributes[name]
        assert isinstance(value, str), name
        return value

    def number(self, name: str) -> int:
        """The attribute ``name``, which is an integer."""
        value = self.attributes[name]
        assert isinstance(value, int), name
        return value

    def binary(self, name: str) -> bytes:
        """The attribute ``name``, which is bytes."""
        value = self.attributes[name]
        assert isinstance(value, bytes), name
        return value

    def flag(self, name: str) -> bool:
        """The attribute ``name``, which is a truth."""
        value = self.attributes[name]
        assert isinstance(value, bool), name
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """The attribute ``name``, which is a tuple of strings."""
        value = self.attributes[name]
        assert isinstance(value, tuple), name
        return value


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows of a partition in order; ``more`` says whether others follow the last one."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class If:
    """One thing that must hold of a row for a change to happen; several are joined by *and*.

    ``attribute`` compared with ``value`` by ``is_``. An absent attribute satisfies nothing.
    """

    attribute: str
    is_: Literal["=", "<"]
    value: Value


@dataclass(frozen=True, slots=True)
class Absent:
    """The row must not exist."""


type Condition = Absent | tuple[If, ...]
PRESENT: tuple[If, ...] = ()
"""The row must exist; nothing is asked of its attributes."""


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole row, replacing what was there. ``condition=None`` asks for nothing."""

    key: Key
    attributes: Attributes
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Set some attributes of an existing row and add to some of its numbers."""

    key: Key
    assign: Attributes = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    condition: tuple[If, ...] = PRESENT


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a row. ``condition=None`` makes removing an absent row succeed."""

    key: Key
    condition: tuple[If, ...] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, but let the transaction happen only if the condition holds."""

    key: Key
    condition: Condition


type Change = Put | Update | Delete | Check
