"""Commits: making one from changes on a parent, keeping it, and moving a branch to it.

Objects first (packs, nodes, the commit object; all repeatable), then one transaction that moves
the branch's heads, keeps the commit's row and adds the ledger entry. A crash before that leaves
garbage and the old state.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from datavault.domain import keyspace
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Conflict, Corrupt, NotFound
from datavault.domain.history import Commit, Counts, Kept, Lineage
from datavault.domain.ids import CommitId
from datavault.domain.rows import Put, Row, Table, Value
from datavault.domain.store.columns import Changes
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.node import Pointer
from datavault.ports import Vault
from datavault.services.keys import open_store
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
    vault: Vault,
    keys: StoreKeys,
    parent: Commit | None,
    built: Built,
    said: Authorship,
    *,
    merged: Sequence[CommitId] = (),
) -> Commit:
    """The commit of a tree on a parent and on what was ``merged`` into it, stored as an object.

    The same parents, tree and authorship give the same commit id, whoever does it and however
    often.
    """
    parents = (*merged,) if parent is None else (parent.id, *merged)
    commit = Commit(built.root, parents, said.author, said.message, said.time_ms, built.counts)
    try:
        vault.objects.put(keyspace.commit_object(keys.store, commit.id), [_seal(keys, commit)])
    except Conflict:
        return commit  # A former attempt stored the same commit: the id is the hash of it.
    return commit


def commit_row(keys: StoreKeys, dataset: Dataset, kept: Kept) -> Put:
    """The change that keeps a commit in the catalog."""
    commit = kept.commit
    row: dict[str, Value] = {"sealed": _seal(keys, commit), "trail": kept.trail}
    if kept.lineage is not None:
        row["lineage"] = keys.seal(
            kept.lineage.encode(), purpose="lineage", context=commit.id, place=keys.store
        )
    return Put(keyspace.commit(dataset.workspace, dataset.id, commit.id), row)


def read_commit(vault: Vault, keys: StoreKeys, dataset: Dataset, commit_id: CommitId) -> Kept:
    """The commit of that id, verified; from memory when it was read before.

    The id is one that the dataset itself names (a head, a parent); what a caller names goes
    through ``find_commits`` first, because a clone must not see its origin's other commits.
    """
    cached = vault.commits.get(_cache_key(dataset, commit_id))
    if cached is not None:
        return cached
    rows = find_commit_rows(vault, dataset, [commit_id])
    if commit_id not in rows:
        raise NotFound(f"dataset {dataset.id} has no commit {commit_id}")
    kept = open_commit_row(keys, rows[commit_id])
    vault.commits.put(_cache_key(dataset, commit_id), kept)
    return kept


def find_commit_rows(
    vault: Vault, dataset: Dataset, commit_ids: Sequence[CommitId]
) -> dict[CommitId, Row]:
    """The rows of commits that the dataset names itself, those that there are.

    A clone's history leads into its origins', whose rows are read where they are.
    """
    holders = (dataset.id, *(origin.dataset for origin in dataset.origins))
    keys = [
        keyspace.commit(dataset.workspace, holder, commit_id)
        for holder in holders
        for commit_id in commit_ids
    ]
    if len(keys) == 1:
        row = vault.catalog.get(keys[0])
        return {} if row is None else {commit_ids[0]: row}
    found = vault.catalog.get_many(keys)
    return {CommitId(key.sort): found[key] for key in keys if key in found}


def find_commits(vault: Vault, dataset: Dataset, prefix: str) -> set[CommitId]:
    """The commits of the dataset whose ids start with ``prefix``; of many, two or more.

    Of a clone these are its own, and those of its origins which its first commit comes from.
    Finding the latter takes a read of that history, 32 commits at a time, until they are met.
    """
    start = keyspace.commit(dataset.workspace, dataset.id, prefix)
    page = vault.catalog.page(Table.CATALOG, start.partition, prefix=prefix, limit=2)
    own = {CommitId(row.key.sort) for row in page.rows}
    if len(own) > 1 or not dataset.origins:
        return own
    others: set[CommitId] = set()
    for origin in dataset.origins:
        start = keyspace.commit(dataset.workspace, origin.dataset, prefix)
        page = vault.catalog.page(Table.CATALOG, start.partition, prefix=prefix)
        others |= {CommitId(row.key.sort) for row in page.rows} - own
    return own | _inherited(vault, dataset, others)


def _inherited(vault: Vault, dataset: Dataset, wanted: set[CommitId]) -> set[CommitId]:
    """Those of ``wanted`` that the clone's first commit is or comes from, by any parent."""
    keys = open_store(vault, dataset)
    found: set[CommitId] = set()
    seen: set[CommitId] = set()
    ahead = [dataset.origins[0].commit]
    while ahead and found != wanted:
        names = list(dict.fromkeys(ahead))
        rows = find_commit_rows(vault, dataset, names)
        ahead = []
        for name in names:
            if name in seen:
                continue
            if name not in rows:
                raise Corrupt(f"dataset {dataset.id} lacks a commit of its own history")
            seen.add(name)
            found |= wanted & {name}
            kept = open_commit_row(keys, rows[name])
            ahead += [parent for parent in kept.commit.parents if parent not in seen]
        # The trail of the one that leads furthest, so that a line of commits is read by 32.
        ahead += [name for name in kept.ancestors() if name not in seen]
    return found


def read_commits(
    vault: Vault, keys: StoreKeys, dataset: Dataset, ids: Sequence[CommitId]
) -> dict[CommitId, Kept]:
    """Those commits of the dataset that there are, verified; all rows in one read."""
    found: dict[CommitId, Kept] = {}
    for commit_id in ids:
        cached = vault.commits.get(_cache_key(dataset, commit_id))
        if cached is not None:
            found[commit_id] = cached
    wanted = [each for each in dict.fromkeys(ids) if each not in found]
    for row in find_commit_rows(vault, dataset, wanted).values() if wanted else ():
        kept = open_commit_row(keys, row)
        vault.commits.put(_cache_key(dataset, kept.commit.id), kept)
        found[kept.commit.id] = kept
    return found


def first_parents(
    vault: Vault, keys: StoreKeys, dataset: Dataset, start: CommitId, at_most: int
) -> Iterator[Commit]:
    """Up to ``at_most`` commits from ``start`` on, each the first parent of the one before it.

    Every commit is verified by its id; they are read some 32 in one round trip.
    """
    upcoming: CommitId | None = start
    left = at_most
    while upcoming is not None and left > 0:
        first = read_commit(vault, keys, dataset, upcoming)
        names = [upcoming, *first.ancestors()][:left]
        rows = find_commit_rows(vault, dataset, names)
        for name in names:
            if name not in rows:
                raise Corrupt(f"dataset {dataset.id} lacks a commit of its own history")
            if name != upcoming:
                raise Corrupt(f"commit {name} is not the parent of the one before it")
            commit = _open_commit(keys, rows[name], name)
            yield commit
            upcoming = commit.parents[0] if commit.parents else None
        left -= len(names)


def open_commit_row(keys: StoreKeys, row: Row) -> Kept:
    """The commit in a row of the catalog, verified against the id in its key."""
    commit_id = CommitId(row.key.sort)
    lineage = None
    if "lineage" in row.attributes:
        sealed = row.binary("lineage")
        lineage = Lineage.decode(
            keys.unseal(sealed, purpose="lineage", context=commit_id, place=keys.store)
        )
    return Kept(_open_commit(keys, row, commit_id), row.binary("trail"), lineage)


def _open_commit(keys: StoreKeys, row: Row, commit_id: CommitId) -> Commit:
    encoded = keys.unseal(
        row.binary("sealed"), purpose="commit", context=commit_id, place=keys.store
    )
    return Commit.decode(encoded, commit_id)


def _seal(keys: StoreKeys, commit: Commit) -> bytes:
    return keys.seal(commit.encode(), purpose="commit", context=commit.id, place=keys.store)


def _cache_key(dataset: Dataset, commit_id: CommitId) -> str:
    return f"{dataset.id}/{commit_id}"
