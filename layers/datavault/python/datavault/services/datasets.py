"""Datasets: create, describe, list."""

from dataclasses import replace

from datavault.domain import digests, keyspace, ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import DEFAULT_BRANCH, Dataset
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.ids import BranchId, DatasetId, DatasetName, StoreId, new_id
from datavault.domain.pages import Page
from datavault.domain.requests import Request
from datavault.domain.rows import Absent, Put, Table
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.history import commit_row, first_commit
from datavault.services.keys import make_store, open_workspace


def create_dataset(
    vault: Vault,
    *,
    caller: Caller,
    name: DatasetName,
    description: str,
    labels: tuple[tuple[str, str], ...],
    record_key: str | None,
    request: Request | None,
) -> Dataset:
    """Make a dataset with its own store and keys, and its branch ``main`` at an empty commit.

    Raises:
        Conflict: the workspace has a dataset of that name.
    """
    require(caller, Action.CREATE_DATASET)
    workspace, _ = open_workspace(vault, caller)
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
    )
    taken = keyspace.dataset_name(workspace.id, digests.name_hash(name))
    for token in attempts(vault, "the workspace"):
        row = vault.catalog.get(taken)
        # After the name: if this very request has taken it, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return describe_dataset(vault, caller=caller, dataset_id=DatasetId(before))
        if row is not None:
            raise Conflict(f"dataset {row.text('dataset')} has this name already", field="name")
        keys, key_rows = make_store(vault, workspace, dataset.store, now_ms)
        commit = first_commit(vault, keys, author=caller.subject, time_ms=now_ms)
        branch = refs.Branch(
            BranchId(new_id("br", now_ms)), DEFAULT_BRANCH, commit.id, now_ms, caller.subject, False
        )
        changes = [
            Put(keyspace.dataset(workspace.id, dataset.id), dataset.attributes(), Absent()),
            Put(keyspace.workspace_dataset(workspace.id, dataset.id), {}, Absent()),
            Put(taken, {"dataset": dataset.id}, Absent()),
            *key_rows,
            commit_row(keys, dataset, commit, trail=b""),
            *refs.create(workspace.id, dataset.id, branch, "create_dataset"),
            *remember(vault, caller, request, dataset.id, now_ms),
            ledger.entry(caller, Action.CREATE_DATASET, "create_dataset", dataset.id, now_ms),
        ]
        if attempt(vault, changes, token):
            return dataset
        # Another dataset took the name, or this very request was carried out meanwhile; a new
        # attempt is a new dataset, so that nothing half-made is met again.
        dataset = replace(
            dataset, id=DatasetId(new_id("ds", now_ms)), store=StoreId(new_id("st", now_ms))
        )
    raise AssertionError("attempts ends by raising")


def describe_dataset(vault: Vault, *, caller: Caller, dataset_id: DatasetId) -> Dataset:
    """The dataset of that id in the caller's workspace."""
    require(caller, Action.DESCRIBE_DATASET)
    return find_dataset(vault, caller, dataset_id)


def list_datasets(vault: Vault, *, caller: Caller, limit: int, cursor: str | None) -> Page[Dataset]:
    """The workspace's datasets, oldest first."""
    require(caller, Action.DESCRIBE_DATASET)
    scope = "list_datasets"
    page = vault.catalog.page(
        Table.CATALOG,
        keyspace.workspace(caller.workspace).partition,
        prefix=keyspace.DATASET_PREFIX,
        after=open_cursor(vault, caller, scope, cursor),
        limit=limit,
    )
    ids = [DatasetId(row.key.sort.removeprefix(keyspace.DATASET_PREFIX)) for row in page.rows]
    keys = [keyspace.dataset(caller.workspace, dataset_id) for dataset_id in ids]
    found = vault.catalog.get_many(keys)
    last = page.rows[-1].key.sort if page.more else None
    return Page(
        tuple(Dataset.of(found[key]) for key in keys if key in found),
        seal_cursor(vault, caller, scope, last),
    )


def find_dataset(vault: Vault, caller: Caller, dataset_id: DatasetId) -> Dataset:
    """The dataset, for a service that has its own permission to ask for."""
    row = vault.catalog.get(keyspace.dataset(caller.workspace, dataset_id))
    if row is None:
        raise NotFound(f"there is no dataset {dataset_id}")
    return Dataset.of(row)
