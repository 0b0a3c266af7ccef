"""Diff: what differs between two versions, listed page by page, or counted.

Both refs are read once, when the first page is; the cursor holds the commits that they named, so
all pages are of the same two versions wherever branches move meanwhile. Of a branch its committed
state counts, not what is staged. A page seeks in both trees and never reads what they share.

Counting is an operation of its own: a count costs the whole difference, and each page would pay
for it again. A count comes in pages too, of so many leaves, so that it ends in time however large
the difference is; whoever wants the whole count adds them up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, repeat
from operator import itemgetter

from datavault.domain.access import Action, Caller, require
from datavault.domain.changes import Compared, Counted, Held, Include, RecordChange
from datavault.domain.datasets import Dataset
from datavault.domain.digests import record_etags
from datavault.domain.history import Commit
from datavault.domain.ids import CommitId, DatasetId, RecordId
from datavault.domain.store.columns import Entries, Ids
from datavault.domain.store.diff import Difference
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.places import Locator
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


type _Row = tuple[bytes, bytes | None, bytes | None, Entries | None, Entries | None, int]
"""A change: its id, the digest that each side has, and for their places, where texts are asked
for, both sides' rows and which one it is. A plain tuple: a page has thousands of them."""


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
    pieces = pair.differences(vault)
    rows = list(islice(_rows(pieces, placed=include is Include.RECORDS), limit + 1))
    if include is Include.RECORDS:
        changes = _with_texts(vault, pair.keys, rows[:limit])
    else:
        changes = _changes(rows[:limit], pair.keys)
    more = len(rows) > len(changes)
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


def _rows(pieces: Iterable[Difference], *, placed: bool) -> Iterator[_Row]:
    """Every change, in order of id; with its places where these are asked for."""
    for piece in pieces:
        rows = list(_changed_rows(piece.after.ids, piece.before, piece.after, placed))
        if len(rows) < len(piece):
            rows += _changed_rows(piece.added.ids, None, piece.added, placed)
            rows += _changed_rows(piece.removed.ids, piece.removed, None, placed)
            rows.sort(key=itemgetter(0))
        yield from rows


def _changed_rows(
    ids: Ids, old: Entries | None, new: Entries | None, placed: bool
) -> Iterator[_Row]:
    """Changes of one kind."""
    before, after = _digests(old), _digests(new)
    # A page's changes are of as many leaves as it has changes: none of them is kept for their sake.
    old, new = (rows.settled() if rows is not None and placed else None for rows in (old, new))
    return zip(ids.tolist(), before, after, repeat(old), repeat(new), count())


def _digests(rows: Entries | None) -> Iterable[bytes | None]:
    if rows is None:
        return repeat(None)
    digests: list[bytes] = rows.values.tolist()
    return digests


def _entries(row: _Row) -> list[Entry]:
    """The sides that there are, in full."""
    record_id, before, after, old, new, at = row
    return [
        Entry(record_id, digest, rows.locator(at))
        for digest, rows in ((before, old), (after, new))
        if digest is not None and rows is not None
    ]


def _places(row: _Row) -> list[Locator]:
    """Where the texts are."""
    return [entry.locator for entry in _entries(row)]


def _with_texts(vault: Vault, keys: StoreKeys, rows: list[_Row]) -> list[RecordChange]:
    """The first of the rows, as many as a page has room for the texts of."""
    changes: list[RecordChange] = []
    size = 0
    for part in portions(rows, _places):
        entries = [entry for row in part for entry in _entries(row)]
        texts = read_bodies(vault, keys, Entry.columns(entries))
        for change in _changes(part, keys, texts):
            size += sum(len(held.body or b"") for held in (change.before, change.after) if held)
            if changes and size > PAGE_BYTES_MAX:
                return changes
            changes.append(change)
    return changes


def _changes(
    rows: Sequence[_Row], keys: StoreKeys, texts: Sequence[bytes] | None = None
) -> list[RecordChange]:
    """The rows as a page tells of them; ``texts`` are those of all their sides, in order."""
    digests = [digest for row in rows for digest in row[1:3] if digest is not None]
    etags = record_etags(digests, keys.ids.etag)
    sides = map(Held, etags, repeat(None) if texts is None else texts)
    return [
        RecordChange(
            RecordId(record_id.decode()),
            None if before is None else next(sides),
            None if after is None else next(sides),
        )
        for record_id, before, after, *_ in rows
    ]
