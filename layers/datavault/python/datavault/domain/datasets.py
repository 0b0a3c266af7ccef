"""Datasets and workspaces as values and as rows.

A dataset is written under an optimistic lock: every change of its row raises ``version``, and is
made on the version that was read.

An archived dataset is read as before and not written to. That has to hold against transactions in
flight, so each transaction that writes to a dataset checks that one of its ``GATE_SHARDS`` *gates*
is open (``still_active``), and archiving shuts all of them in the one transaction that archives.
An open gate is a row that is not there: it costs a write two units and no storage. There are
several because two checks of one row at the same time collide; the gate is drawn with the head's
shard, so writers to one branch that draw the same gate would have met on the head anyway.
Rejected: closing every branch, which is no one transaction and leaves out branches being made.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from datavault.domain import keyspace
from datavault.domain.ids import (
    BranchName,
    CommitId,
    DatasetId,
    DatasetName,
    StoreId,
    WorkspaceId,
)
from datavault.domain.rows import Absent, Attributes, Change, Check, Delete, Put, Row

DEFAULT_BRANCH = BranchName("main")
# Each label and field has its rows in the index of datasets, all written in the transaction that
# changes the dataset: with these bounds a change of all of them fits (``domain.dataset_index``).
LABELS_MAX = 16
METADATA_FIELDS_MAX = 10
# A commit is looked for in the dataset and all its origins at once: some more rows in one read.
CLONE_DEPTH_MAX = 16

type Labels = tuple[tuple[str, str], ...]
type Scalar = str | int | float | bool
type Metadata = tuple[tuple[str, Scalar], ...]


class State(StrEnum):
    """Whether a dataset takes changes."""

    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant. ``kek`` names the KMS key that wraps its other keys; ``wrapped_key`` is the
    workspace's own key (for cursors), wrapped under it.
    """

    id: WorkspaceId
    name: str
    kek: str
    wrapped_key: bytes
    created_ms: int

    def attributes(self) -> Attributes:
        """As a row holds it."""
        return {
            "id": self.id,
            "name": self.name,
            "kek": self.kek,
            "wrapped_key": self.wrapped_key,
            "created_ms": self.created_ms,
        }

    @classmethod
    def of(cls, row: Row) -> "Workspace":
        """From its row."""
        return cls(
            WorkspaceId(row.text("id")),
            row.text("name"),
            row.text("kek"),
            row.binary("wrapped_key"),
            row.number("created_ms"),
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a clone comes from: the commit at which it left a dataset."""

    dataset: DatasetId
    commit: CommitId


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named set of records. ``record_key`` is the field that holds a record's id, if any.

    ``schema`` is the hash of the schema that records are checked by, which has a row of its own in
    the store, as this row is read by every request; empty if there is none. ``origins`` are those
    of a clone, nearest first: its own, then those of its origin.
    """

    id: DatasetId
    workspace: WorkspaceId
    store: StoreId
    name: DatasetName
    description: str
    labels: Labels
    record_key: str | None
    created_ms: int
    created_by: str
    metadata: Metadata = ()
    state: State = State.ACTIVE
    version: int = 1
    updated_ms: int = 0
    origins: tuple[Origin, ...] = ()
    schema: str = ""

    def attributes(self) -> Attributes:
        """As a row holds it."""
        optional = {} if self.record_key is None else {"record_key": self.record_key}
        return {
            "id": self.id,
            "workspace": self.workspace,
            "store": self.store,
            "name": self.name,
            "description": self.description,
            "labels": json.dumps(dict(self.labels), ensure_ascii=False),
            "metadata": json.dumps(dict(self.metadata), ensure_ascii=False),
            "state": self.state.value,
            "version": self.version,
            "created_ms": self.created_ms,
            "created_by": self.created_by,
            "updated_ms": self.updated_ms,
            "origins": json.dumps([[origin.dataset, origin.commit] for origin in self.origins]),
            "schema": self.schema,
            **optional,
        }

    @classmethod
    def of(cls, row: Row) -> "Dataset":
        """From its row."""
        return cls._from(row.attributes)

    def encode(self) -> str:
        """As a remembered request keeps it."""
        return json.dumps(self.attributes(), ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> "Dataset":
        """What ``encode`` gave."""
        return cls._from(json.loads(text))

    @classmethod
    def _from(cls, held: Attributes) -> "Dataset":
        row = Row(keyspace.dataset(WorkspaceId(""), DatasetId("")), held)
        return cls(
            DatasetId(row.text("id")),
            WorkspaceId(row.text("workspace")),
            StoreId(row.text("store")),
            DatasetName(row.text("name")),
            row.text("description"),
            _sorted(json.loads(row.text("labels"))),
            row.text("record_key") if "record_key" in held else None,
            row.number("created_ms"),
            row.text("created_by"),
            _sorted(json.loads(row.text("metadata"))),
            State(row.text("state")),
            row.number("version"),
            row.number("updated_ms"),
            tuple(
                Origin(DatasetId(dataset), CommitId(commit))
                for dataset, commit in json.loads(row.text("origins"))
            ),
            row.text("schema"),
        )

    @property
    def etag(self) -> str:
        """The entity tag of this version of the row, without quotes."""
        return str(self.version)


def still_active(dataset: Dataset, token: str) -> Check:
    """What every transaction that writes to a dataset carries: it is not archived.

    ``token`` is the attempt's own; it draws the gate, as it draws the head's shard.
    """
    return Check(keyspace.gate(dataset.workspace, dataset.id, _drawn(token)), Absent())


def shut_gates(dataset: Dataset) -> list[Change]:
    """That from this transaction on no other one writes to the dataset."""
    return [Put(key, {}, Absent()) for key in keyspace.gates(dataset.workspace, dataset.id)]


def open_gates(dataset: Dataset) -> list[Change]:
    """That writes are let through again."""
    return [Delete(key, ()) for key in keyspace.gates(dataset.workspace, dataset.id)]


def _drawn(token: str) -> int:
    return int(token[-1], 16) % keyspace.GATE_SHARDS


def _sorted[T](members: Mapping[str, T]) -> tuple[tuple[str, T], ...]:
    return tuple(sorted(members.items()))
