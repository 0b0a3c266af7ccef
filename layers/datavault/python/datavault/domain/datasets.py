"""Datasets and workspaces as values and as rows."""

import json
from dataclasses import dataclass

from datavault.domain.ids import BranchName, DatasetId, DatasetName, StoreId, WorkspaceId
from datavault.domain.rows import Attributes, Row

DEFAULT_BRANCH = BranchName("main")
LABELS_MAX = 50


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
class Dataset:
    """A named set of records. ``record_key`` is the field that holds a record's id, if any."""

    id: DatasetId
    workspace: WorkspaceId
    store: StoreId
    name: DatasetName
    description: str
    labels: tuple[tuple[str, str], ...]
    record_key: str | None
    created_ms: int
    created_by: str

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
            "created_ms": self.created_ms,
            "created_by": self.created_by,
            **optional,
        }

    @classmethod
    def of(cls, row: Row) -> "Dataset":
        """From its row."""
        return cls(
            DatasetId(row.text("id")),
            WorkspaceId(row.text("workspace")),
            StoreId(row.text("store")),
            DatasetName(row.text("name")),
            row.text("description"),
            tuple(sorted(json.loads(row.text("labels")).items())),
            row.text("record_key") if "record_key" in row.attributes else None,
            row.number("created_ms"),
            row.text("created_by"),
        )
