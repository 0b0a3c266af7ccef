"""What a branch ought to be, and what it is: read from outside, compared step by step."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from datavault.adapters.memory.catalog import MemoryCatalog
from datavault.domain import digests, keyspace
from datavault.domain.ids import BranchId, BranchName, CommitId, JobId
from datavault.domain.refs import Head, agreed, head_keys
from datavault.domain.rows import Key, Row, Table, Value
from datavault.domain.store import columns
from datavault.domain.store.columns import DIGEST, Entries
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.places import LOCATOR, Locator, PackRef
from datavault.domain.store.tree import Tree
from datavault.ports import Vault

type Content = dict[str, bytes]
type Changes = dict[str, bytes | None]


@dataclass(frozen=True)
class Pending:
    """A commit under way, and what it has to hold when it is done."""

    job: JobId
    content: Content


@dataclass(frozen=True)
class State:
    """A branch. ``records`` is what its heads count in the open generation."""

    id: BranchId
    commit: CommitId
    generation: int
    pending: Pending | None
    visible: Content
    records: int

    def closed(self, job: JobId) -> "State":
        """After T1."""
        return replace(
            self,
            generation=self.generation + 1,
            pending=Pending(job, self.visible),
            records=0,
        )

    def moved(self, commit: CommitId) -> "State":
        """After T3."""
        return replace(self, commit=commit, pending=None)


def applied(content: Content, batches: Iterable[Changes]) -> Content:
    """``content`` with batches made on it, one after the other; ``None`` removes."""
    result = dict(content)
    for batch in batches:
        for key, body in batch.items():
            if body is None:
                result.pop(key, None)
            else:
                result[key] = body
    return result


@dataclass
class Versions:
    """Every commit known, with its content; and the commit that each job made."""

    content: dict[CommitId, Content] = field(default_factory=dict)
    parents: dict[CommitId, CommitId | None] = field(default_factory=dict)
    of_job: dict[JobId, CommitId] = field(default_factory=dict)

    def chain(self, commit: CommitId) -> list[CommitId]:
        """The commit and its ancestors, newest first."""
        found: list[CommitId] = []
        at: CommitId | None = commit
        while at is not None:
            found.append(at)
            at = self.parents[at]
        return found


def read_heads(vault: Vault, branch: BranchId) -> Head:
    """The branch's heads, which agree."""
    rows = vault.catalog.get_many(head_keys(branch))
    head = agreed(rows, branch)
    assert head is not None, f"the heads of {branch} disagree: {rows}"
    return head


def rows_of(catalog: object, table: Table) -> list[Row]:
    """Every row of a table, straight from the twin: no port lists partitions."""
    assert isinstance(catalog, MemoryCatalog)
    return [
        Row(Key(held_table, partition, sort), held.attributes)
        for (held_table, partition), rows in list(catalog._partitions.items())
        if held_table is table
        for sort, held in rows.rows.items()
    ]


def count_of(catalog: object, table: Table) -> int:
    """How many rows a table has."""
    assert isinstance(catalog, MemoryCatalog)
    return sum(len(held.rows) for (named, _), held in catalog._partitions.items() if named is table)


def ledger_of(catalog: object) -> Counter[tuple[str, Value, Value]]:
    """The ledger as operation, branch, and what tells two entries of those apart."""
    return Counter(
        (
            row.text("operation"),
            row.attributes.get("detail_branch", ""),
            next(
                (
                    row.attributes[name]
                    for name in ("detail_job", "detail_commit", "detail_records")
                    if name in row.attributes
                ),
                "",
            ),
        )
        for row in rows_of(catalog, Table.LEDGER)
    )


class Discard:
    """A sink of tree nodes for when only the root's address matters."""

    def __init__(self) -> None:
        self._slot = 0

    def add(self, payload: bytes) -> Locator:
        self._slot += 1
        return Locator(PackRef(bytes(16), 1, bytes(32)), self._slot, 96, len(payload))


class _NothingStored:
    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        raise AssertionError("a tree made from nothing reads nothing")

    def expect(self, locators: Iterable[Locator]) -> None:
        pass


def root_from_scratch(keys: StoreKeys, content: Content) -> bytes:
    """The address of the tree of ``content``, made in one go from nothing."""
    pairs = sorted((key.encode(), body) for key, body in content.items())
    ids = np.array([key for key, _ in pairs] or [b""], np.bytes_)[: len(pairs)]
    values = np.array(
        [digests.record_digest(body, keys.ids.record) for _, body in pairs] or [bytes(16)], DIGEST
    )[: len(pairs)]
    locators = np.zeros(len(pairs), LOCATOR)
    entries = Entries(ids, values, locators, (PackRef(bytes(16), 1, bytes(32)),))
    tree = Tree(_NothingStored(), keys.ids)
    return tree.apply(None, columns.Changes.put(entries), Discard()).root.address


def branch_row(vault: Vault, ws: str, ds: str, name: BranchName) -> Row | None:
    """The branch's row."""
    return vault.catalog.get(keyspace.branch(ws, ds, name))  # type: ignore[arg-type]
