"""Records: append, get, list, delete."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from operator import itemgetter

import numpy as np
from blake3 import blake3

from datavault.domain import digests
from datavault.domain.access import Action, Caller, require
from datavault.domain.errors import Invalid, NotFound, TooLarge
from datavault.domain.ids import BatchId, BranchName, DatasetId, RecordId, new_id, parse_record_id
from datavault.domain.pages import Page
from datavault.domain.records import parse_record
from datavault.domain.requests import Request
from datavault.domain.staging import (
    BATCH_BYTES_MAX,
    BATCH_RECORDS_MAX,
    NewRecord,
    Receipt,
    RecordView,
    StagedChange,
    assigned_id,
)
from datavault.domain.store.columns import DIGEST, Entries, locator_columns
from datavault.domain.store.tree import Entry
from datavault.ports import Vault
from datavault.services.attempts import earlier_outcome
from datavault.services.bodies import read_bodies, read_body
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset, find_writable_dataset
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.refs import View, open_work, resolve, view_branch
from datavault.services.staging import (
    FoundName,
    find_staged,
    open_change,
    stage_batch,
    staged_bodies,
    staged_names,
    staged_rows,
)

# A page of records goes through a function, whose reply holds 6 MB; in JSON or base64 a page of
# 4 MB of bodies stays below that.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# So many bodies of a page are fetched together: at 4 MiB each, the most they can be, 256 MiB.
_AT_ONCE = 64


def append_records(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    records: Sequence[NewRecord],
    request: Request | None,
) -> Receipt:
    """Stage records on a branch: all of them or, if one is bad, none.

    A record whose id the branch has already takes its place. Without ``record_key`` and without
    an id given, a record gets a UUIDv7; a repeated request gets the same ones.

    Raises:
        TooLarge, Malformed, Invalid: a limit or a record, named by its field.
        StagingFull: the branch holds all the uncommitted changes it can.
    """
    require(caller, Action.APPEND_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    _check_batch(records)
    batch = BatchId(new_id("bt", vault.clock.now_ms()))
    parsed = [_parse(record, dataset.record_key) for record in records]
    ids = _assign(batch, parsed)
    _check_unique(ids, records)
    before = earlier_outcome(vault, caller, request)
    if before is not None:
        return Receipt(branch, _assign(BatchId(before), parsed))
    work = open_work(vault, dataset, branch)
    key = work.keys.ids.record
    changes = [
        StagedChange(record_id, digests.record_digest(body, key), body)
        for record_id, (body, _) in zip(ids, parsed, strict=True)
    ]
    staged = stage_batch(
        work,
        changes,
        caller=caller,
        action=Action.APPEND_RECORDS,
        operation="append_records",
        batch=batch,
        request=request,
    )
    return Receipt(branch, ids if staged == batch else _assign(BatchId(staged), parsed))


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
            return _staged_view(view, change)
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


def delete_record(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    record_id: RecordId,
    request: Request | None,
) -> None:
    """Stage the removal of a record the branch has.

    Raises:
        NotFound: it has none of that id.
    """
    require(caller, Action.DELETE_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    view = view_branch(open_work(vault, dataset, branch))
    if not _has(view, record_id):
        # This very request may have removed it; looked up after the record, so that it is seen.
        if earlier_outcome(vault, caller, request) is not None:
            return
        raise _no_record()
    stage_batch(
        view.work,
        [StagedChange(record_id)],
        caller=caller,
        action=Action.DELETE_RECORDS,
        operation="delete_record",
        batch=BatchId(new_id("bt", vault.clock.now_ms())),
        request=request,
    )


def _check_batch(records: Sequence[NewRecord]) -> None:
    if not 1 <= len(records) <= BATCH_RECORDS_MAX:
        raise TooLarge(
            f"a batch has 1 to {BATCH_RECORDS_MAX} records, this has {len(records)}",
            field="records",
        )
    size = sum(len(record.text) for record in records)
    if size > BATCH_BYTES_MAX:
        raise TooLarge(
            f"a batch has at most {BATCH_BYTES_MAX} bytes of records, this has {size}",
            field="records",
        )


def _parse(record: NewRecord, record_key: str | None) -> tuple[bytes, RecordId | None]:
    """A record's stored text and its id, from its ``record_key`` or given beside it."""
    parsed = parse_record(record.text, record_key=record_key, field=record.field)
    if record.id is None:
        return parsed.body, parsed.id
    if record_key is not None:
        raise Invalid(
            "the dataset takes record ids from its record_key: leave out the id beside the record",
            field=f"{record.field}/id",
        )
    return parsed.body, parse_record_id(record.id, field=f"{record.field}/id")


def _assign(
    batch: BatchId, parsed: Sequence[tuple[bytes, RecordId | None]]
) -> tuple[RecordId, ...]:
    """The ids of a batch's records: their own, or one made from the batch's id and the index."""
    return tuple(
        own or assigned_id(batch, index, blake3(f"{batch}/{index}".encode()).digest(10))
        for index, (_, own) in enumerate(parsed)
    )


def _check_unique(ids: Sequence[RecordId], records: Sequence[NewRecord]) -> None:
    first: dict[RecordId, int] = {}
    for index, record_id in enumerate(ids):
        earlier = first.setdefault(record_id, index)
        if earlier != index:
            raise Invalid(
                f"records {earlier} and {index} of this batch have the same id",
                field=records[index].field,
            )


def _has(view: View, record_id: RecordId) -> bool:
    for generation in view.generations:
        change = find_staged(view.work, generation, record_id)
        if change is not None:
            return change.digest is not None
    work = view.work
    root = read_commit(work.vault, work.keys, work.dataset, view.commit).commit.root
    return open_tree(work.vault, work.keys).get(root, record_id.encode()) is not None


@dataclass(frozen=True, slots=True)
class _Staged:
    """A record that is staged: in which generation, and where its newest change is."""

    generation: int
    found: FoundName


def _sources_after(view: View, after: bytes) -> Iterator[Entry | _Staged]:
    """What the view has after an id, in order of id: staged changes laid over the tree."""
    work = view.work
    staged: dict[bytes, _Staged] = {}
    for generation in reversed(view.generations):
        for record_id, found in staged_names(work, generation).items():
            staged[record_id.encode()] = _Staged(generation, found)
    root = read_commit(work.vault, work.keys, work.dataset, view.commit).commit.root
    committed: Iterator[tuple[bytes, Entry | _Staged]] = (
        (entry.id, entry)
        for rows in open_tree(work.vault, work.keys).scan(root, after=after)
        for entry in _entries(rows)
        if entry.id not in staged
    )
    fresh: Iterator[tuple[bytes, Entry | _Staged]] = (
        (record_id, staged[record_id])
        for record_id in sorted(staged)
        if record_id > after and not staged[record_id].found.removed
    )
    for _, source in merge(committed, fresh, key=itemgetter(0)):
        yield source


def _views(view: View, sources: Sequence[Entry | _Staged]) -> Iterator[RecordView]:
    """The records of a page; what several of them need is fetched once."""
    work = view.work
    wanted = [source.found.key for source in sources if isinstance(source, _Staged)]
    rows = staged_rows(work, wanted) if wanted else {}
    for at in range(0, len(sources), _AT_ONCE):
        part = sources[at : at + _AT_ONCE]
        entries = [source for source in part if isinstance(source, Entry)]
        bodies = iter(read_bodies(work.vault, work.keys, _columns(entries)) if entries else ())
        for source in part:
            if isinstance(source, Entry):
                yield _committed_view(view, source, next(bodies))
            else:
                row = rows[source.found.key]
                yield _staged_view(view, open_change(work, source.generation, row))


def _columns(entries: Sequence[Entry]) -> Entries:
    ids = np.array([entry.id for entry in entries], np.bytes_)
    values = np.frombuffer(b"".join(entry.digest for entry in entries), DIGEST)
    return Entries(ids, values, *locator_columns([entry.locator for entry in entries]))


def _entries(rows: Entries) -> Iterator[Entry]:
    for row in range(len(rows)):
        yield Entry(bytes(rows.ids[row]), rows.values[row].tobytes(), rows.locator(row))


def _staged_view(view: View, change: StagedChange) -> RecordView:
    if change.digest is None:
        raise _no_record()
    keys = view.work.keys
    body = staged_bodies(view.work, [change])[0]
    return RecordView(change.id, body, digests.record_etag(change.digest, keys.ids.etag), True)


def _committed_view(view: View, entry: Entry, body: bytes) -> RecordView:
    etag = digests.record_etag(entry.digest, view.work.keys.ids.etag)
    return RecordView(RecordId(entry.id.decode()), body, etag, staged=False)


def _no_record() -> NotFound:
    return NotFound("the ref has no record of this id", field="record_id")
