"""Datasets: create, describe, and finding one; the modules beside this one do the rest."""

from dataclasses import dataclass

from datavault.domain import digests, keyspace, ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.dataset_index import index
from datavault.domain.datasets import DEFAULT_BRANCH, Dataset, Labels, Metadata, State, Workspace
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.history import child_of
from datavault.domain.ids import (
    BranchId,
    CommitId,
    DatasetId,
    DatasetName,
    StoreId,
    WorkspaceId,
    new_id,
)
from datavault.domain.record_schema import RecordSchema
from datavault.domain.requests import Request
from datavault.domain.rows import Absent, Change, Delete, If, Key, Put
from datavault.ports import Vault
from datavault.services.attempts import archived, attempt, attempts, earlier_outcome, remember
from datavault.services.history import commit_row, first_commit
from datavault.services.keys import make_store, open_workspace
from datavault.services.record_schemas import find_schema, name_schema


def create_dataset(
    vault: Vault,
    *,
    caller: Caller,
    name: DatasetName,
    description: str,
    labels: Labels,
    record_key: str | None,
    request: Request | None,
    metadata: Metadata = (),
    schema: RecordSchema | None = None,
) -> Dataset:
    """Make a dataset with its own store and keys, and its branch ``main`` at an empty commit.

    Raises:
        Conflict: the workspace has a dataset of that name.
        Invalid: the schema is none.
    """
    require(caller, Action.CREATE_DATASET)
    workspace, key = open_workspace(vault, caller)
    named = None if schema is None else name_schema(vault, schema, key)
    for token in attempts(vault, "the workspace"):
        # After the name: if this very request has taken it, that is seen here.
        holder = name_holder(vault, workspace, name, key)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return Dataset.decode(before)
        if holder is not None:
            raise name_taken(holder)
        # A new attempt is a new dataset, so that nothing half-made is met again.
        now_ms = vault.clock.now_ms()
        dataset = Dataset(
            DatasetId(new_id("ds", now_ms)),
            workspace.id,
            StoreId(new_id("st", now_ms)),
            name,
            description,
            tuple(sorted(labels)),
            record_key,
            now_ms,
            caller.subject,
            tuple(sorted(metadata)),
            updated_ms=now_ms,
            schema="" if named is None else named.hash,
        )
        keys, key_rows = make_store(vault, workspace, dataset.store, now_ms)
        commit = first_commit(vault, keys, author=caller.subject, time_ms=now_ms)
        changes = [
            *register(dataset, commit.id, "create_dataset", key),
            *key_rows,
            *([] if named is None else named.row(workspace.id, dataset.store, keys)),
            commit_row(keys, dataset, child_of([], commit)),
            *remember(vault, caller, request, dataset.encode(), now_ms),
            ledger.entry(caller, Action.CREATE_DATASET, "create_dataset", dataset.id, now_ms),
        ]
        if attempt(vault, changes, token):
            return dataset
    raise AssertionError("attempts ends by raising")


@dataclass(frozen=True, slots=True)
class Described:
    """A dataset, with its schema if it has one."""

    dataset: Dataset
    schema: RecordSchema | None


def describe_dataset(vault: Vault, *, caller: Caller, dataset_id: DatasetId) -> Described:
    """The dataset of that id in the caller's workspace."""
    require(caller, Action.DESCRIBE_DATASET)
    dataset = find_dataset(vault, caller, dataset_id)
    return Described(dataset, find_schema(vault, dataset))


def find_dataset(vault: Vault, caller: Caller, dataset_id: DatasetId) -> Dataset:
    """The dataset, for a service that has its own permission to ask for."""
    row = vault.catalog.get(keyspace.dataset(caller.workspace, dataset_id))
    if row is None:
        raise NotFound(f"there is no dataset {dataset_id}")
    return Dataset.of(row)


def find_writable_dataset(
    vault: Vault, caller: Caller, dataset_id: DatasetId, request: Request | None = None
) -> Dataset:
    """The dataset, for a service that will write to it.

    An archived one is found only to answer a request that was carried out before. That it stays
    active until the write is checked in the write's own transaction (``still_active``).

    Raises:
        Conflict: it is archived.
    """
    dataset = find_dataset(vault, caller, dataset_id)
    if dataset.state is State.ARCHIVED and earlier_outcome(vault, caller, request) is None:
        raise archived()
    return dataset


def name_holder(
    vault: Vault, workspace: Workspace, name: DatasetName, workspace_key: bytes
) -> DatasetId | None:
    """The dataset that has the name, if one has."""
    row = vault.catalog.get(_name_key(workspace.id, name, workspace_key))
    return None if row is None else DatasetId(row.text("dataset"))


def name_taken(holder: DatasetId) -> Conflict:
    """What a name is refused with that another dataset has."""
    return Conflict(f"dataset {holder} has this name already", field="name")


def take_name(dataset: Dataset, workspace_key: bytes) -> Put:
    """That the dataset has its name, which nothing else has."""
    key = _name_key(dataset.workspace, dataset.name, workspace_key)
    return Put(key, {"dataset": dataset.id}, Absent())


def give_up_name(dataset: Dataset, workspace_key: bytes) -> Delete:
    """That the name is free again."""
    key = _name_key(dataset.workspace, dataset.name, workspace_key)
    return Delete(key, (If("dataset", "=", dataset.id),))


def register(
    dataset: Dataset, commit: CommitId, operation: str, workspace_key: bytes
) -> list[Change]:
    """A new dataset with its name, its places in lists, and its default branch at a commit."""
    now_ms = dataset.created_ms
    branch = refs.Branch(
        BranchId(new_id("br", now_ms)), DEFAULT_BRANCH, commit, now_ms, dataset.created_by, False
    )
    return [
        Put(keyspace.dataset(dataset.workspace, dataset.id), dataset.attributes(), Absent()),
        Put(keyspace.workspace_dataset(dataset.workspace, dataset.id), {}, Absent()),
        take_name(dataset, workspace_key),
        *index(dataset, workspace_key),
        *refs.create(dataset.workspace, dataset.id, branch, operation),
    ]


def _name_key(ws: WorkspaceId, name: DatasetName, workspace_key: bytes) -> Key:
    return keyspace.dataset_name(ws, digests.name_hash(name, workspace_key))
