"""The schemas of datasets: kept sealed, opened once a process, and held against records.

A schema's row is written in the transaction that gives the schema to a dataset, under its hash, and
stays: whoever has read a dataset's row finds the schema that it names, and a clone, which shares
the store, has it too. What is in the vault already is never checked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from datavault.domain import digests, keyspace
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Corrupt
from datavault.domain.ids import StoreId, WorkspaceId
from datavault.domain.record_schema import RecordSchema
from datavault.domain.rows import Put
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault
from datavault.schema_ports import RecordChecker
from datavault.services.keys import open_store

_PURPOSE = "schema"


@dataclass(frozen=True, slots=True)
class Named:
    """A schema and its hash, under which it is kept; the hash is empty for one that takes all."""

    hash: str
    schema: RecordSchema

    def row(self, workspace: WorkspaceId, store: StoreId, keys: StoreKeys) -> list[Put]:
        """The row that keeps the schema, if there is something to keep; it may be there already."""
        if not self.hash:
            return []
        sealed = keys.seal(self.schema.text, purpose=_PURPOSE, context=self.hash, place=store)
        key = keyspace.record_schema(workspace, store, self.hash)
        return [Put(key, {"sealed": sealed})]


def name_schema(vault: Vault, schema: RecordSchema, workspace_key: bytes) -> Named:
    """A schema that compiles, by the hash that it has in the workspace.

    Raises:
        Invalid: it is none.
    """
    if schema.takes_all:
        return Named("", schema)
    name = digests.schema_hash(schema.text, workspace_key)
    if vault.schemas.held(name) is None:
        vault.schemas.compile(name, schema)
    return Named(name, schema)


def find_schema(vault: Vault, dataset: Dataset) -> RecordSchema | None:
    """The schema of a dataset, if it has one."""
    if not dataset.schema:
        return None
    row = vault.catalog.get(
        keyspace.record_schema(dataset.workspace, dataset.store, dataset.schema)
    )
    if row is None:
        raise Corrupt(f"dataset {dataset.id} has a schema that its store lacks")
    keys = open_store(vault, dataset)
    return RecordSchema(
        keys.unseal(
            row.binary("sealed"), purpose=_PURPOSE, context=dataset.schema, place=dataset.store
        )
    )


def open_checker(vault: Vault, dataset: Dataset) -> RecordChecker | None:
    """What checks the records of a dataset, if it has a schema: compiled once a process."""
    if not dataset.schema:
        return None
    held = vault.schemas.held(dataset.schema)
    if held is not None:
        return held
    schema = find_schema(vault, dataset)
    assert schema is not None, "its hash is not empty"
    return vault.schemas.compile(dataset.schema, schema)


def require_matching(
    vault: Vault, dataset: Dataset, bodies: Sequence[bytes], fields: Sequence[str]
) -> None:
    """Refuse records if one does not match the dataset's schema.

    ``fields`` say how to name each in an error.

    Raises:
        Invalid: the first that does not, with the keyword and the place in the record.
    """
    checker = open_checker(vault, dataset)
    if checker is None:
        return
    for index, mismatch in sorted(checker.mismatches(bodies).items()):
        raise mismatch.error(fields[index])
