"""Diff: what differs between two versions, listed page by page, or counted.

Both refs are read once, when the first page is; the cursor holds the commits that they named, so
all pages are of the same two versions wherever branches move meanwhile. Of a branch its committed
state counts, not what is staged. A page seeks in both trees and never reads what they share.

Counting is an operation of its own: a count costs the whole difference, and each page would pay
for it again. A count comes in pages too, of so many leaves, so that it ends in time however large
the difference is; whoever wants the whole count adds them up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from datavault.domain.access import Action, Caller, require
from datavault.domain.changes import Compared, Counted, Held, Include, RecordChange
from datavault.domain.datasets import Dataset
from datavault.domain.digests import record_etag
from datavault.domain.history import Commit
from datavault.domain.ids import CommitId, DatasetId, RecordId
from datavault.domain.store.columns import Ids, Locator
from datavault.domain.store.diff import Difference
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.tree import Entry
from datavault.ports import Vault
from datavault.services.bodies import read_bodies
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.portions import portions
from datavault.services.refs import resolve

# A page with texts ends at about so many bytes: with a factor two for JSON it fits a reply.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# A count's page looks at so many pairs of leaves: some ten seconds.
COUNT_PIECES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Row:
    """A change: its id and what each side has."""

    id: bytes
    before: Entry | None
    after: Entry | None

    def places(self) -> list[Locator]:
        """Where its texts are."""
        return [side.locator for side in (self.before, self.after) if side is not None]


def diff_refs(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    base: str,
    target: str,
    include: Include,
    limit: int,
    cursor: str | None,
) -> Compared:
    """What ``target`` has otherwise than ``base``, in the byte order of record ids.

    A page ends at ``limit`` changes, or at about 4 MB of texts where these are included.

    Raises:
        NotFound: a ref names nothing.
        Corrupt: what is stored is not what was.
    """
    require(caller, Action.COMPARE)
    dataset = find_dataset(vault, caller, dataset_id)
    scope = f"diff_refs/{dataset_id}/{base}/{target}"
    pair = _pair(vault, dataset, base, target, open_cursor(vault, caller, scope, cursor))
    rows = list(islice(_rows(pair.differences(vault)), limit + 1))
    more = len(rows) > limit
    changes: list[RecordChange] = []
    size = 0
    for change in _changes(vault, pair.keys, rows[:limit], include):
        held = sum(len(side.body or b"") for side in (change.before, change.after) if side)
        if changes and size + held > PAGE_BYTES_MAX:
            more = True
            break
        changes.append(change)
        size += held
    position = pair.position(changes[-1].id) if more else None
    following = seal_cursor(vault, caller, scope, position)
    return Compared(pair.base.id, pair.target.id, tuple(changes), following)


def count_changes(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    base: str,
    target: str,
    cursor: str | None,
) -> Counted:
    """How many records ``target`` has otherwise than ``base``: all, or as many as a page counts.

    Raises:
        NotFound: a ref names nothing.
    """
    require(caller, Action.COMPARE)
    dataset = find_dataset(vault, caller, dataset_id)
    scope = f"count_changes/{dataset_id}/{base}/{target}"
    pair = _pair(vault, dataset, base, target, open_cursor(vault, caller, scope, cursor))
    added = changed = removed = 0
    pieces = pair.differences(vault)
    last = b""
    for piece in islice(pieces, COUNT_PIECES_MAX):
        added += len(piece.added)
        changed += len(piece.after)
        removed += len(piece.removed)
        last = max(bytes(ids[-1]) for ids in _ids(piece) if len(ids))
    more = next(pieces, None) is not None
    position = pair.position(RecordId(last.decode())) if more else None
    following = seal_cursor(vault, caller, scope, position)
    return Counted(pair.base.id, pair.target.id, added, changed, removed, following)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two versions, and the id after which to go on comparing them."""

    keys: StoreKeys
    base: Commit
    target: Commit
    after: bytes

    def differences(self, vault: Vault) -> Iterator[Difference]:
        tree = open_tree(vault, self.keys)
        return tree.diff(self.base.root, self.target.root, after=self.after)

    def position(self, last: RecordId) -> str:
        """Where a page ends, as a cursor keeps it."""
        return f"{self.base.id}/{self.target.id}/{last}"


def _pair(vault: Vault, dataset: Dataset, base: str, target: str, position: str | None) -> _Pair:
    """The versions that the refs name, or that the page before was of."""
    if position is None:
        names = [resolve(vault, dataset, ref).commit for ref in (base, target)]
        after = ""
    else:
        first, second, after = position.split("/", 2)
        names = [CommitId(first), CommitId(second)]
    keys = open_store(vault, dataset)
    old, new = (read_commit(vault, keys, dataset, name).commit for name in names)
    return _Pair(keys, old, new, after.encode())


def _ids(piece: Difference) -> tuple[Ids, ...]:
    return piece.added.ids, piece.removed.ids, piece.after.ids


def _rows(pieces: Iterable[Difference]) -> Iterator[_Row]:
    """Every change, in order of id."""
    for piece in pieces:
        rows = [_Row(entry.id, None, entry) for entry in Entry.each(piece.added)]
        rows += [_Row(entry.id, entry, None) for entry in Entry.each(piece.removed)]
        both = zip(Entry.each(piece.before), Entry.each(piece.after), strict=True)
        rows += [_Row(new.id, old, new) for old, new in both]
        yield from sorted(rows, key=lambda row: row.id)


def _changes(
    vault: Vault, keys: StoreKeys, rows: list[_Row], include: Include
) -> Iterator[RecordChange]:
    fetched = include is Include.RECORDS
    for part in portions(rows, lambda row: row.places() if fetched else ()):
        texts: Iterator[bytes] = iter(())
        if fetched:
            sides = [side for row in part for side in (row.before, row.after) if side]
            texts = iter(read_bodies(vault, keys, Entry.columns(sides)))
        for row in part:
            before, after = (
                None
                if side is None
                else Held(record_etag(side.digest, keys.ids.etag), next(texts, None))
                for side in (row.before, row.after)
            )
            yield RecordChange(RecordId(row.id.decode()), before, after)
