"""Changing records: append, delete, restore."""

from collections.abc import Iterator, Sequence

from blake3 import blake3

from datavault.domain import digests
from datavault.domain.access import Action, Caller, require
from datavault.domain.errors import Invalid, NotFound, TooLarge
from datavault.domain.expectations import Expectation, Version
from datavault.domain.ids import BatchId, BranchName, DatasetId, RecordId, new_id, parse_record_id
from datavault.domain.records import parse_record
from datavault.domain.requests import Request
from datavault.domain.staging import (
    BATCH_BYTES_MAX,
    BATCH_RECORDS_MAX,
    NewRecord,
    Receipt,
    StagedChange,
    assigned_ids,
)
from datavault.ports import Vault
from datavault.services.attempts import earlier_outcome
from datavault.services.batches import stage_batch
from datavault.services.datasets import find_writable_dataset
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.record_schemas import require_matching
from datavault.services.records.reading import get_record
from datavault.services.refs import View, open_work, view_branch
from datavault.services.staging import find_staged


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
        TooLarge, Malformed, Invalid: a limit or a record, named by its field; or one that does not
            match the schema that the dataset has as this begins.
        PreconditionFailed: a record, named by its field, is not at the version expected.
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
    fields = [record.field for record in records]
    require_matching(vault, dataset, [body for body, _ in parsed], fields)
    work = open_work(vault, dataset, branch)
    key = work.keys.ids.record
    changes = [
        StagedChange(record_id, digest, body)
        for record_id, digest, (body, _) in zip(ids, _digests(parsed, key), parsed, strict=True)
    ]
    staged = stage_batch(
        work,
        changes,
        caller=caller,
        action=Action.APPEND_RECORDS,
        operation="append_records",
        batch=batch,
        request=request,
        expectations=[
            Expectation(record_id, record.expected, f"records/{index}")
            for index, (record_id, record) in enumerate(zip(ids, records, strict=True))
            if record.expected is not None
        ],
    )
    return Receipt(branch, ids if staged == batch else _assign(BatchId(staged), parsed))


def delete_record(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    record_id: RecordId,
    expected: Version | None,
    request: Request | None,
) -> None:
    """Stage the removal of a record the branch has, at a certain version if one is stated.

    Raises:
        NotFound: it has none of that id.
        PreconditionFailed: it has it at another version.
    """
    require(caller, Action.DELETE_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    view = view_branch(open_work(vault, dataset, branch))
    if not _has(view, record_id):
        # This very request may have removed it; looked up after the record, so that it is seen.
        if earlier_outcome(vault, caller, request) is not None:
            return
        raise NotFound("the branch has no record of this id", field="record_id")
    stage_batch(
        view.work,
        [StagedChange(record_id)],
        caller=caller,
        action=Action.DELETE_RECORDS,
        operation="delete_record",
        batch=BatchId(new_id("bt", vault.clock.now_ms())),
        request=request,
        expectations=[]
        if expected is None
        else [Expectation(record_id, expected, "expected_version")],
    )


def restore_record(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    record_id: RecordId,
    ref: str,
    branch: BranchName,
    request: Request | None,
) -> Receipt:
    """Stage a record on a branch with the text that ``ref`` has it with, staged or committed.

    Raises:
        NotFound: ``ref`` has no such record; to remove one, delete it.
    """
    require(caller, Action.APPEND_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    receipt = Receipt(branch, (record_id,))
    if earlier_outcome(vault, caller, request) is not None:
        return receipt
    found = get_record(vault, caller=caller, dataset_id=dataset_id, ref=ref, record_id=record_id)
    work = open_work(vault, dataset, branch)
    digest = digests.record_digest(found.body, work.keys.ids.record)
    stage_batch(
        work,
        [StagedChange(record_id, digest, found.body)],
        caller=caller,
        action=Action.APPEND_RECORDS,
        operation="restore_record",
        batch=BatchId(new_id("bt", vault.clock.now_ms())),
        request=request,
    )
    return receipt


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
    made = assigned_ids(batch, blake3(batch.encode()).digest(8 * len(parsed)))
    return tuple(own or assigned for assigned, (_, own) in zip(made, parsed, strict=True))


def _digests(parsed: Sequence[tuple[bytes, RecordId | None]], key: bytes) -> Iterator[bytes]:
    size = digests.DIGEST_BYTES
    joined = digests.record_digests((body for body, _ in parsed), key)
    return (joined[at : at + size] for at in range(0, len(joined), size))


def _check_unique(ids: Sequence[RecordId], records: Sequence[NewRecord]) -> None:
    if len(set(ids)) == len(ids):
        return
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
