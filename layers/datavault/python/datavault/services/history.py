"""Commits: making one from changes on a parent, keeping it, and moving a branch to it.

Objects first (packs, nodes, the commit object; all repeatable), then one transaction that moves
the branch's heads, keeps the commit's row and adds the ledger entry. A crash before that leaves
garbage and the old state.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.history import Commit, Counts, Kept
from datavault.domain.ids import CommitId
from datavault.domain.rows import Put, Row
from datavault.domain.store.columns import Changes
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services.nodes import NodePacks, open_tree


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who says what when: the part of a commit that a job freezes."""

    author: str
    message: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Built:
    """A tree that is stored, and what was changed to make it."""

    root: Pointer
    counts: Counts


def first_commit(vault: Vault, keys: StoreKeys, *, author: str, time_ms: int) -> Commit:
    """The commit of an empty dataset, stored."""
    said = Authorship(author, "Create the dataset", time_ms)
    return write_commit(vault, keys, None, build_tree(vault, keys, None, ()), said)


def build_tree(
    vault: Vault, keys: StoreKeys, parent: Commit | None, changes: Iterable[Changes]
) -> Built:
    """Apply ``changes`` (parts in ascending, disjoint ranges of ids) to the parent's tree.

    All nodes are stored when it returns; nothing refers to them yet.
    """
    nodes = NodePacks(vault, keys)
    tree = open_tree(vault, keys)
    root = None if parent is None else parent.root
    added = changed = removed = 0
    for part in changes:
        applied = tree.apply(root, part, nodes)
        nodes.flush()
        root = applied.root
        added += applied.added
        changed += applied.changed
        removed += applied.removed
    if root is None:
        root = tree.apply(None, Changes.merge_sorted(()), nodes).root
        nodes.flush()
    return Built(root, Counts(root.count, added, changed, removed))


def write_commit(
    vault: Vault, keys: StoreKeys, parent: Commit | None, built: Built, said: Authorship
) -> Commit:
    """The commit of a tree on a parent, stored as an object.

    The same parent, tree and authorship give the same commit id, whoever does it and however
    often.
    """
    parents = () if parent is None else (parent.id,)
    commit = Commit(built.root, parents, said.author, said.message, said.time_ms, built.counts)
    try:
        vault.objects.put(keyspace.commit_object(keys.store, commit.id), [_seal(keys, commit)])
    except Conflict:
        return commit  # A former attempt stored the same commit: the id is the hash of it.
    return commit


def commit_row(keys: StoreKeys, dataset: Dataset, commit: Commit, *, trail: bytes) -> Put:
    """The change that keeps a commit in the catalog."""
    return Put(
        keyspace.commit(dataset.workspace, dataset.id, commit.id),
        {"sealed": _seal(keys, commit), "trail": trail},
    )


def read_commit(vault: Vault, keys: StoreKeys, dataset: Dataset, commit_id: CommitId) -> Kept:
    """The commit of that id, verified; from memory when it was read before."""
    cached = vault.commits.get(_cache_key(dataset, commit_id))
    if cached is not None:
        return cached
    row = vault.catalog.get(keyspace.commit(dataset.workspace, dataset.id, commit_id))
    if row is None:
        raise NotFound(f"dataset {dataset.id} has no commit {commit_id}")
    kept = open_commit_row(keys, row)
    vault.commits.put(_cache_key(dataset, commit_id), kept)
    return kept


def open_commit_row(keys: StoreKeys, row: Row) -> Kept:
    """The commit in a row of the catalog, verified against the id in its key."""
    commit_id = CommitId(row.key.sort)
    encoded = keys.unseal(
        row.binary("sealed"), purpose="commit", context=commit_id, place=keys.store
    )
    return Kept(Commit.decode(encoded, commit_id), row.binary("trail"))


def _seal(keys: StoreKeys, commit: Commit) -> bytes:
    return keys.seal(commit.encode(), purpose="commit", context=commit.id, place=keys.store)


def _cache_key(dataset: Dataset, commit_id: CommitId) -> str:
    return f"{dataset.id}/{commit_id}"
