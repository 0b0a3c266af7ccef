"""What a version takes: counted exactly from its tree, without reading a record."""

import numpy as np

from datavault.domain.access import Action, Caller, require
from datavault.domain.errors import Corrupt, TooLarge
from datavault.domain.history import Commit
from datavault.domain.ids import CommitId, DatasetId
from datavault.domain.stats import DatasetStats, Stored
from datavault.domain.store.footprint import Footprint
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.refs import resolve
from datavault.services.sizes import read_sizes

# A function has 29 seconds; a million records in two versions take 0.8 s of CPU, and the nodes
# of each, some 17 MB, are fetched 2 MB at a time.
STATS_RECORDS_MAX = 5_000_000


def get_dataset_stats(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, base: str | None
) -> DatasetStats:
    """What the version at ``ref`` takes, and what of that ``base`` (or its first parent) shares.

    All exact, in whole blocks and nodes as sealed; headers and block tables of packs (a hundred
    bytes and 16 a block) belong to no version and are not counted. Reads every node of both trees
    and the lengths of their packs' records, and no record. What is staged is not in it.

    Raises:
        TooLarge: a version of more than five million records.
    """
    require(caller, Action.READ_HISTORY)
    dataset = find_dataset(vault, caller, dataset_id)
    keys = open_store(vault, dataset)
    commit = read_commit(vault, keys, dataset, resolve(vault, dataset, ref).commit).commit
    base_id: CommitId | None = commit.parents[0] if commit.parents else None
    if base is not None:
        base_id = resolve(vault, dataset, base).commit
    other = None if base_id is None else read_commit(vault, keys, dataset, base_id).commit
    _require_countable(commit, "ref")
    surveyor = open_tree(vault, keys).surveyor()
    own = surveyor.footprint(commit.root)
    logical = _logical_bytes(vault, keys, own)
    stored = Stored(own.blocks.size, own.nodes.size)
    shared, both_logical, both_stored = Stored(0, 0), logical, stored.total
    if other is not None:
        _require_countable(other, "base")
        theirs = surveyor.footprint(other.root)
        shared = Stored(own.blocks.shared_with(theirs.blocks), own.nodes.shared_with(theirs.nodes))
        both_logical += _logical_bytes(vault, keys, theirs)
        both_stored += theirs.blocks.size + theirs.nodes.size - shared.total
    return DatasetStats(
        commit=commit.id,
        base=base_id,
        records=commit.counts.records,
        logical_bytes=logical,
        stored=stored,
        unique=Stored(stored.records - shared.records, stored.nodes - shared.nodes),
        shared=shared,
        both_logical_bytes=both_logical,
        both_stored_bytes=both_stored,
    )


def _require_countable(commit: Commit, field: str) -> None:
    count = commit.counts.records
    if count > STATS_RECORDS_MAX:
        raise TooLarge(
            f"a version of {count} records is too large to be counted: at most {STATS_RECORDS_MAX}",
            field=field,
        )


def _logical_bytes(vault: Vault, keys: StoreKeys, footprint: Footprint) -> int:
    """The bytes of all records of a version, as they come out again."""
    order = np.argsort(footprint.records["pack"], kind="stable")
    records = footprint.records[order]
    numbers, starts = np.unique(records["pack"], return_index=True)
    edges = [*starts.tolist(), len(records)]
    total = 0
    for number, start, end in zip(numbers.tolist(), edges[:-1], edges[1:], strict=True):
        sizes = read_sizes(vault, keys, footprint.packs[number])
        slots = records["slot"][start:end]
        if int(slots.max(initial=0)) >= len(sizes):
            raise Corrupt("a pack holds fewer records than the tree says")
        total += int(sizes[slots].sum(dtype=np.int64))
    return total
