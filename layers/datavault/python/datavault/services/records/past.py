"""A record's past: the commits that changed it.

A commit that left the record alone costs little: its row (32 of them are one round trip) and, in
its tree, the nodes above the record down to the first that its parent has too. With n commits of
which k changed the leaf of the record, that is n roots, about one small object each, and k paths.
"""

from datavault.domain import digests
from datavault.domain.access import Action, Caller, require
from datavault.domain.history import Commit
from datavault.domain.ids import CommitId, DatasetId, RecordId
from datavault.domain.pages import Page
from datavault.domain.past import Event, Kind
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.tree import Entry, Tree
from datavault.ports import Vault
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import first_parents
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.refs import resolve

# At two or three reads of 15 ms each, a page takes 10 s at most.
COMMITS_OF_PAGE_MAX = 200


def list_record_history(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    ref: str,
    record_id: RecordId,
    limit: int,
    cursor: str | None,
) -> Page[Event]:
    """The commits that changed a record along the first parents of a ref, newest first.

    A page looks at 200 commits at most, so it may be short, or empty, although there is more.
    What is staged is in no commit yet. A record that never was has no history.
    """
    require(caller, Action.READ_RECORDS)
    dataset = find_dataset(vault, caller, dataset_id)
    keys = open_store(vault, dataset)
    scope = f"list_record_history/{dataset_id}/{ref}/{record_id}"
    position = open_cursor(vault, caller, scope, cursor)
    start = resolve(vault, dataset, ref).commit if position is None else CommitId(position)
    walk = first_parents(vault, keys, dataset, start, COMMITS_OF_PAGE_MAX + 1)
    tree = open_tree(vault, keys)
    events: list[Event] = []
    commit: Commit | None = next(walk)
    for _ in range(COMMITS_OF_PAGE_MAX):
        if commit is None or len(events) == limit:
            break
        parent = next(walk, None)
        event = _event(tree, keys, commit, parent, record_id.encode())
        events += [] if event is None else [event]
        commit = parent
    following = None if commit is None else commit.id
    return Page(tuple(events), seal_cursor(vault, caller, scope, following))


def _event(
    tree: Tree, keys: StoreKeys, commit: Commit, parent: Commit | None, record_id: bytes
) -> Event | None:
    """What ``commit`` did to the record, if anything."""
    before: Entry | None = None
    if parent is None:
        after = tree.get(commit.root, record_id)
    else:
        both = tree.get_both(parent.root, commit.root, record_id)
        if both is None:
            return None
        before, after = both
    if after is None:
        return None if before is None else Event(commit, Kind.REMOVED, None)
    if before is not None and before.digest == after.digest:
        return None
    kind = Kind.ADDED if before is None else Kind.CHANGED
    return Event(commit, kind, digests.record_etag(after.digest, keys.ids.etag))
