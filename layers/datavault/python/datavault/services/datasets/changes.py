"""Changes of datasets themselves: update, archive, restore.

Each is one transaction on the version of the dataset that was read, with its index rows, its name
and its ledger entry. A lost answer is answered again for a request with a key; without one, the
repetition of an update fails its precondition, and archiving or restoring again changes nothing.
"""

from dataclasses import dataclass, replace

from datavault.domain import keyspace, ledger
from datavault.domain.access import Action, Caller, require
from datavault.domain.dataset_index import reindex
from datavault.domain.datasets import (
    Dataset,
    Labels,
    Metadata,
    State,
    open_gates,
    shut_gates,
)
from datavault.domain.ids import DatasetId, DatasetName
from datavault.domain.preconditions import Precondition
from datavault.domain.record_schema import RecordSchema
from datavault.domain.requests import Request
from datavault.domain.rows import Change, Check, If, Put, Update
from datavault.ports import Vault
from datavault.services.attempts import archived, attempt, attempts, earlier_outcome, remember
from datavault.services.datasets import (
    find_dataset,
    give_up_name,
    name_holder,
    name_taken,
    take_name,
)
from datavault.services.keys import open_store, open_workspace
from datavault.services.record_schemas import Named, name_schema


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be said of a dataset from now on; ``None`` leaves it as it is."""

    name: DatasetName | None = None
    description: str | None = None
    labels: Labels | None = None
    metadata: Metadata | None = None

    def of(self, dataset: Dataset) -> Dataset:
        """The dataset with all that said of it."""
        return replace(
            dataset,
            name=dataset.name if self.name is None else self.name,
            description=dataset.description if self.description is None else self.description,
            labels=dataset.labels if self.labels is None else self.labels,
            metadata=dataset.metadata if self.metadata is None else self.metadata,
        )


def update_dataset(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    edit: Edit,
    precondition: Precondition,
    request: Request | None,
    schema: RecordSchema | None = None,
) -> Dataset:
    """Say something else of a dataset, if it still is the version the caller has seen.

    What changes nothing makes no new version. A name moves in the same transaction. ``schema``,
    where it is given, is what records that come in from now on are checked by; those that are
    there, staged ones included, stay. One that takes all is none.

    Raises:
        PreconditionFailed: the dataset has been changed since.
        Conflict: it is archived, or another one has the name.
        Invalid: the schema is none.
    """
    require(caller, Action.UPDATE_DATASET)
    workspace, key = open_workspace(vault, caller)
    named = None if schema is None else name_schema(vault, schema, key)
    for token in attempts(vault, "the dataset"):
        old = find_dataset(vault, caller, dataset_id)
        wanted = edit.of(old)
        if named is not None:
            wanted = replace(wanted, schema=named.hash)
        holder = name_holder(vault, workspace, wanted.name, key)
        # After dataset and name: if this very request has changed them, that is seen here.
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return Dataset.decode(before)
        precondition.require(old.etag)
        if old.state is State.ARCHIVED:
            raise archived()
        now_ms = vault.clock.now_ms()
        if wanted == old:
            if _left_so(vault, caller, request, old, token):
                return old
            continue
        if holder is not None and holder != old.id:
            raise name_taken(holder)
        new = replace(wanted, version=old.version + 1, updated_ms=now_ms)
        changes = [
            _rewritten(old, new),
            *_renamed(old, new, key),
            *_kept(vault, new, named),
            *reindex(old, new, key),
            *remember(vault, caller, request, new.encode(), now_ms),
            _entry(caller, Action.UPDATE_DATASET, "update_dataset", new),
        ]
        if attempt(vault, changes, token):
            return new
    raise AssertionError("attempts ends by raising")


def archive_dataset(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, request: Request | None
) -> Dataset:
    """Take no more changes to a dataset; it is read as before. What is archived stays so.

    Once this is acknowledged, no write to the dataset happens any more, one in flight included:
    it is refused with ``Conflict``, or was made before. A commit that was under way stays
    unfinished, its changes visible as staged ones are, until the dataset is restored.
    """
    require(caller, Action.ARCHIVE_DATASET)
    return _set_state(vault, caller, dataset_id, State.ARCHIVED, request)


def restore_dataset(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, request: Request | None
) -> Dataset:
    """Take changes to an archived dataset again. What is active stays so."""
    require(caller, Action.ARCHIVE_DATASET)
    return _set_state(vault, caller, dataset_id, State.ACTIVE, request)


def _set_state(
    vault: Vault,
    caller: Caller,
    dataset_id: DatasetId,
    state: State,
    request: Request | None,
) -> Dataset:
    key = open_workspace(vault, caller)[1]
    for token in attempts(vault, "the dataset"):
        old = find_dataset(vault, caller, dataset_id)
        before = earlier_outcome(vault, caller, request)
        if before is not None:
            return Dataset.decode(before)
        now_ms = vault.clock.now_ms()
        if old.state is state:
            if _left_so(vault, caller, request, old, token):
                return old
            continue
        new = replace(old, state=state, version=old.version + 1, updated_ms=now_ms)
        archiving = state is State.ARCHIVED
        operation = "archive_dataset" if archiving else "restore_dataset"
        changes = [
            _rewritten(old, new),
            *(shut_gates(new) if archiving else open_gates(new)),
            *reindex(old, new, key),
            *remember(vault, caller, request, new.encode(), now_ms),
            _entry(caller, Action.ARCHIVE_DATASET, operation, new),
        ]
        if attempt(vault, changes, token):
            return new
    raise AssertionError("attempts ends by raising")


def _left_so(
    vault: Vault, caller: Caller, request: Request | None, dataset: Dataset, token: str
) -> bool:
    """Let a repeated request find that it changed nothing; whether nothing has changed since."""
    if request is None:
        return True
    row = keyspace.dataset(dataset.workspace, dataset.id)
    unchanged = Check(row, (If("version", "=", dataset.version),))
    remembered = remember(vault, caller, request, dataset.encode(), vault.clock.now_ms())
    return attempt(vault, [unchanged, *remembered], token)


def _rewritten(old: Dataset, new: Dataset) -> Update:
    return Update(
        keyspace.dataset(old.workspace, old.id),
        assign=new.attributes(),
        condition=(If("version", "=", old.version),),
    )


def _renamed(old: Dataset, new: Dataset, workspace_key: bytes) -> list[Change]:
    if old.name == new.name:
        return []
    return [give_up_name(old, workspace_key), take_name(new, workspace_key)]


def _kept(vault: Vault, dataset: Dataset, named: Named | None) -> list[Put]:
    if named is None:
        return []
    return named.row(dataset.workspace, dataset.store, open_store(vault, dataset))


def _entry(caller: Caller, action: Action, operation: str, dataset: Dataset) -> Put:
    return ledger.entry(
        caller, action, operation, dataset.id, dataset.updated_ms, version=dataset.version
    )
