"""Clones: another dataset on the same store, from one version on."""

from dataclasses import replace

from datavault.domain import keyspace, ledger
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import CLONE_DEPTH_MAX, Dataset, Labels, Metadata, Origin, State
from datavault.domain.errors import Conflict
from datavault.domain.ids import CommitId, DatasetId, DatasetName, new_id
from datavault.domain.requests import Request
from datavault.domain.rows import Absent, Put
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.datasets import find_dataset, name_holder, name_taken, register
from datavault.services.datasets.changes import Edit
from datavault.services.keys import open_workspace
from datavault.services.refs import resolve


def clone_dataset(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    ref: str,
    name: DatasetName,
    request: Request | None,
    description: str | None = None,
    labels: Labels | None = None,
    metadata: Metadata | None = None,
) -> Dataset:
    """Make a dataset whose branch ``main`` starts at the commit that ``ref`` names.

    Nothing is copied: keys, packs, nodes and the commits up to that one are shared, so it costs
    the same for any size. From then on the two go their own ways. What is staged stays behind.
    A description, labels and metadata of ``None`` are the origin's.

    Raises:
        Conflict: the workspace has a dataset of that name, or the origin is a clone of clones, as
            many as there may be.
    """
    require(caller, Action.CLONE_DATASET)
    workspace, key = open_workspace(vault, caller)
    for token in attempts(vault, "the workspace"):
        # After the name: if this very request has taken it, that is seen here.
        holder = name_holder(vault, workspace, name, key)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return Dataset.decode(before)
        if holder is not None:
            raise name_taken(holder)
        source = find_dataset(vault, caller, dataset_id)
        _require_shallow(source)
        commit = resolve(vault, source, ref).commit
        now_ms = vault.clock.now_ms()
        said = Edit(name, description, labels, metadata).of(source)
        dataset = _clone_of(said, commit, caller, now_ms)
        known = keyspace.clone(workspace.id, source.id, dataset.id)
        changes = [
            *register(dataset, commit, "clone_dataset", key),
            # Whoever removes a dataset or collects a store's garbage asks for these first.
            Put(known, {"commit": commit}, Absent()),
            *remember(vault, caller, request, dataset.encode(), now_ms),
            ledger.entry(
                caller,
                Action.CLONE_DATASET,
                "clone_dataset",
                dataset.id,
                now_ms,
                origin=source.id,
                commit=commit,
            ),
        ]
        if attempt(vault, changes, token):
            return dataset
    raise AssertionError("attempts ends by raising")


def _clone_of(said: Dataset, commit: CommitId, caller: Caller, now_ms: int) -> Dataset:
    """A new dataset of which is said what is to be said of the clone; ``said`` is the origin's."""
    return replace(
        said,
        id=DatasetId(new_id("ds", now_ms)),
        state=State.ACTIVE,
        version=1,
        created_ms=now_ms,
        created_by=caller.subject,
        updated_ms=now_ms,
        origins=(Origin(said.id, commit), *said.origins),
    )


def _require_shallow(source: Dataset) -> None:
    if len(source.origins) >= CLONE_DEPTH_MAX:
        raise Conflict(
            f"this is a clone of clones, {len(source.origins)} deep, at most {CLONE_DEPTH_MAX}"
            " allowed: clone one of its origins",
            field="dataset_id",
        )
