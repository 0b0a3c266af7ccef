"""Reading records: one, a batch, a list; how many there are, and what of them is staged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from operator import itemgetter

import numpy as np

from datavault.domain import digests
from datavault.domain.access import Action, Caller, require
from datavault.domain.changes import ChangeKind
from datavault.domain.errors import Invalid, NotFound
from datavault.domain.ids import BranchName, DatasetId, RecordId
from datavault.domain.pages import Page
from datavault.domain.staging import (
    Count,
    RecordBatch,
    RecordView,
    StagedChange,
    StagedKind,
    StagedPage,
)
from datavault.domain.store.columns import Entries
from datavault.domain.store.places import Locator
from datavault.domain.store.tree import Entry
from datavault.ports import Vault
from datavault.services.bodies import read_bodies, read_body
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.portions import portions
from datavault.services.refs import View, open_work, resolve, view_branch
from datavault.services.staging import (
    FoundName,
    find_staged,
    open_change,
    staged_bodies,
    staged_names,
    staged_rows,
)

# A page of records goes through a function, whose reply holds 6 MB; in JSON or base64 a page of
# 4 MB of bodies stays below that.
PAGE_BYTES_MAX = 4 * 1024 * 1024
IDS_MAX = 100


def get_record(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, record_id: RecordId
) -> RecordView:
    """One record as a ref has it: what is staged first, then what is committed.

    Raises:
        NotFound: the ref has no such record.
        Corrupt: what is stored is not what was.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    work = view.work
    for generation in view.generations:
        change = find_staged(work, generation, record_id)
        if change is not None:
            if change.digest is None:
                raise _no_record()
            return _staged_view(view, change, staged_bodies(work, [change])[0])
    root = read_commit(vault, work.keys, work.dataset, view.commit).commit.root
    entry = open_tree(vault, work.keys).get(root, record_id.encode())
    if entry is None:
        raise _no_record()
    return _committed_view(view, entry, read_body(vault, work.keys, entry.locator, entry.digest))


def list_records(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    ref: str,
    limit: int,
    cursor: str | None,
) -> Page[RecordView]:
    """Records of a ref in the byte order of their ids.

    A page ends at ``limit`` records or at about 4 MB. On a branch, pages see what is staged when
    each is read; a list that must not move is a list of a commit.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    scope = f"list_records/{dataset_id}/{ref}"
    position = open_cursor(vault, caller, scope, cursor)
    after = b"" if position is None else position.encode()
    sources = list(islice(_sources_after(view, after), limit + 1))
    items: list[RecordView] = []
    size = 0
    more = len(sources) > limit
    for record in _views(view, sources[:limit]):
        if items and size + len(record.body) > PAGE_BYTES_MAX:
            more = True
            break
        items.append(record)
        size += len(record.body)
    last = items[-1].id if more else None
    return Page(tuple(items), seal_cursor(vault, caller, scope, last))


def batch_get_records(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, ids: Sequence[RecordId]
) -> RecordBatch:
    """Up to 100 records as a ref has them, in the order asked.

    What is staged is found in one pass over what the branch has staged, what is committed in one
    walk through the tree, and each block of bodies is read once. After about 4 MB of bodies the
    rest of the ids is given back, to be asked for again.

    Raises:
        Invalid: an id is there twice.
    """
    require(caller, Action.READ_RECORDS)
    _check_ids(ids)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    sources = _sources_of(view, ids)
    views = _views(view, list(sources.values()))
    found: list[RecordView] = []
    missing: list[RecordId] = []
    size = 0
    for at, record_id in enumerate(ids):
        if record_id not in sources:
            missing.append(record_id)
            continue
        record = next(views)
        if found and size + len(record.body) > PAGE_BYTES_MAX:
            return RecordBatch(tuple(found), tuple(missing), tuple(ids[at:]))
        found.append(record)
        size += len(record.body)
    return RecordBatch(tuple(found), tuple(missing), ())


def count_records(vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str) -> Count:
    """How many records a ref has.

    The committed ones are counted in their root; of the tree only those leaves are read that
    staged changes fall on.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    root = read_commit(vault, view.work.keys, view.work.dataset, view.commit).commit.root
    staged = _staged_over(view)
    if not staged:
        return Count(view.commit, root.count, 0)
    ids = sorted(staged)
    known = open_tree(vault, view.work.keys).get_many(root, np.array(ids, np.bytes_)).found
    removed = np.array([staged[each].found.removed for each in ids], np.bool_)
    more = int((~known & ~removed).sum()) - int((known & removed).sum())
    return Count(view.commit, root.count + more, len(staged))


def list_staged(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    limit: int,
    cursor: str | None,
) -> StagedPage:
    """What committing a branch would do to its records, in the byte order of their ids.

    A record put as it was counts as changed: that would take its text. What is removed that was
    never committed is left out, so a page may be short although there is more. Pages see what is
    staged when each is read.
    """
    require(caller, Action.READ_RECORDS)
    view = view_branch(open_work(vault, find_dataset(vault, caller, dataset_id), branch))
    work = view.work
    scope = f"list_staged/{dataset_id}/{branch}"
    position = open_cursor(vault, caller, scope, cursor)
    after = b"" if position is None else position.encode()
    staged = _staged_over(view)
    ids = sorted(each for each in staged if each > after)
    some = ids[:limit]
    changes: list[StagedKind] = []
    if some:
        root = read_commit(vault, work.keys, work.dataset, view.commit).commit.root
        known = open_tree(vault, work.keys).get_many(root, np.array(some, np.bytes_)).found
        for record_id, is_known in zip(some, known.tolist(), strict=True):
            if staged[record_id].found.removed:
                kind = ChangeKind.REMOVED if is_known else None
            else:
                kind = ChangeKind.CHANGED if is_known else ChangeKind.ADDED
            if kind is not None:
                changes.append(StagedKind(RecordId(record_id.decode()), kind))
    last = some[-1].decode() if len(ids) > limit else None
    return StagedPage(view.commit, tuple(changes), seal_cursor(vault, caller, scope, last))


@dataclass(frozen=True, slots=True)
class _Staged:
    """A record that is staged: in which generation, and where its newest change is."""

    generation: int
    found: FoundName


def _sources_after(view: View, after: bytes) -> Iterator[Entry | _Staged]:
    """What the view has after an id, in order of id: staged changes laid over the tree."""
    work = view.work
    staged = _staged_over(view)
    root = read_commit(work.vault, work.keys, work.dataset, view.commit).commit.root
    committed: Iterator[tuple[bytes, Entry | _Staged]] = (
        (entry.id, entry)
        for rows in open_tree(work.vault, work.keys).scan(root, after=after)
        for entry in Entry.each(rows)
        if entry.id not in staged
    )
    fresh: Iterator[tuple[bytes, Entry | _Staged]] = (
        (record_id, staged[record_id])
        for record_id in sorted(staged)
        if record_id > after and not staged[record_id].found.removed
    )
    if not staged:
        return (source for _, source in committed)
    return (source for _, source in merge(committed, fresh, key=itemgetter(0)))


def _staged_over(view: View) -> dict[bytes, _Staged]:
    """What is staged, by record id: of each the newest change."""
    staged: dict[bytes, _Staged] = {}
    for generation in reversed(view.generations):
        for record_id, found in staged_names(view.work, generation).items():
            staged[record_id.encode()] = _Staged(generation, found)
    return staged


def _check_ids(ids: Sequence[RecordId]) -> None:
    if not 1 <= len(ids) <= IDS_MAX:
        raise Invalid(f"1 to {IDS_MAX} records are asked for, these are {len(ids)}", field="ids")
    first: dict[RecordId, int] = {}
    for index, record_id in enumerate(ids):
        earlier = first.setdefault(record_id, index)
        if earlier != index:
            raise Invalid(f"ids {earlier} and {index} are the same", field=f"ids/{index}")


def _sources_of(view: View, ids: Sequence[RecordId]) -> dict[RecordId, Entry | _Staged]:
    """Where those of the records are that are there, in the order of ``ids``."""
    work = view.work
    staged = _staged_over(view)
    left = sorted(name for record_id in ids if (name := record_id.encode()) not in staged)
    committed: dict[bytes, Entry] = {}
    if left:
        root = read_commit(work.vault, work.keys, work.dataset, view.commit).commit.root
        names = np.array(left, np.bytes_)
        found = open_tree(work.vault, work.keys).get_many(root, names)
        rows = np.flatnonzero(found.found)
        entries = Entries(names[rows], found.digests[rows], found.locators[rows], found.packs)
        committed = {entry.id: entry for entry in Entry.each(entries)}
    sources: dict[RecordId, Entry | _Staged] = {}
    for record_id in ids:
        name = record_id.encode()
        if name in staged:
            if not staged[name].found.removed:
                sources[record_id] = staged[name]
        elif name in committed:
            sources[record_id] = committed[name]
    return sources


def _views(view: View, sources: Sequence[Entry | _Staged]) -> Iterator[RecordView]:
    """The records of a page; what several of them need is fetched once."""
    work = view.work
    wanted = [source.found.key for source in sources if isinstance(source, _Staged)]
    rows = staged_rows(work, wanted) if wanted else {}
    opened = (
        source
        if isinstance(source, Entry)
        else open_change(work, source.generation, rows[source.found.key])
        for source in sources
    )
    for part in portions(opened, _places):
        entries = [each for each in part if isinstance(each, Entry)]
        changes = [each for each in part if isinstance(each, StagedChange)]
        bodies = iter(read_bodies(work.vault, work.keys, Entry.columns(entries)) if entries else ())
        staged = iter(staged_bodies(work, changes))
        etags = digests.record_etags([each.digest or b"" for each in part], work.keys.ids.etag)
        for each, etag in zip(part, etags, strict=True):
            if isinstance(each, Entry):
                yield RecordView(RecordId(each.id.decode()), next(bodies), etag, staged=False)
            else:
                yield RecordView(each.id, next(staged), etag, staged=True)


def _places(source: Entry | StagedChange) -> tuple[Locator, ...]:
    """Where the body is, unless the change itself holds it."""
    if isinstance(source, Entry):
        return (source.locator,)
    return () if source.place is None else (source.place,)


def _staged_view(view: View, change: StagedChange, body: bytes) -> RecordView:
    etag = digests.record_etag(change.digest or b"", view.work.keys.ids.etag)
    return RecordView(change.id, body, etag, staged=True)


def _committed_view(view: View, entry: Entry, body: bytes) -> RecordView:
    etag = digests.record_etag(entry.digest, view.work.keys.ids.etag)
    return RecordView(RecordId(entry.id.decode()), body, etag, staged=False)


def _no_record() -> NotFound:
    return NotFound("the ref has no record of this id", field="record_id")
