"""Keys: no two things share one, and what belongs to a workspace says so."""

import inspect
import itertools

from datavault.domain import keyspace
from datavault.domain.ids import (
    BatchId,
    BranchId,
    BranchName,
    CommitId,
    DatasetId,
    EntryId,
    JobId,
    StoreId,
    TagName,
    UploadId,
    WorkspaceId,
)
from datavault.domain.rows import Key

WS, WS2 = WorkspaceId("ws_1"), WorkspaceId("ws_2")
DS, ST, BR = DatasetId("ds_1"), StoreId("st_1"), BranchId("br_0")


def keys_of(ws: WorkspaceId) -> dict[str, Key]:
    return {
        "workspace": keyspace.workspace(ws),
        "maintenance": keyspace.maintenance(ws),
        "workspace_dataset": keyspace.workspace_dataset(ws, DS),
        "dataset_name": keyspace.dataset_name(ws, "hash"),
        "dataset": keyspace.dataset(ws, DS),
        "indexed_dataset": keyspace.indexed_dataset(ws, "term", DS),
        "gate": keyspace.gate(ws, DS, 0),
        "clone": keyspace.clone(ws, DS, DatasetId("ds_2")),
        "branch": keyspace.branch(ws, DS, BranchName("main")),
        "tag": keyspace.tag(ws, DS, TagName("main")),
        "reflog": keyspace.reflog(ws, DS, BranchName("main"), BR, 0),
        "commit": keyspace.commit(ws, DS, CommitId("c")),
        "store_key": keyspace.store_key(ws, ST, "dek", 1),
        "record_schema": keyspace.record_schema(ws, ST, "00"),
        "job": keyspace.job(ws, JobId("job_1")),
        "dataset_job": keyspace.dataset_job(ws, DS, JobId("job_1")),
        "upload": keyspace.upload(ws, UploadId("up_1")),
        "last_number": keyspace.last_number(ws, DS),
        "event_number": keyspace.event_number(ws, EntryId("le_1")),
        "request": keyspace.request(ws, "digest"),
        "ledger": keyspace.ledger(ws, 60_000, EntryId("le_1")),
    }


def others() -> dict[str, Key]:
    return {
        "head": keyspace.head(BR, 0),
        "commit_job": keyspace.commit_job(JobId("job_1")),
        "open_job": keyspace.open_job(JobId("job_1")),
        "job_part": keyspace.job_part(JobId("job_1"), 1),
        "landing_due": keyspace.landing_due(1, UploadId("up_1")),
        "moved_pack": keyspace.moved_pack(ST, bytes(16)),
        "staged_row": keyspace.staged_row(BR, 0, "00" * 16, 1, BatchId("bt_1")),
        "batch": keyspace.batch(BR, 0, 1, 1, BatchId("bt_1")),
        "sweep": keyspace.sweep(BR, 1, 0),
    }


def test_no_two_things_share_a_key_and_none_is_forgotten() -> None:
    made = {**keys_of(WS), **others()}
    assert len(set(made.values())) == len(made)
    functions = {
        name
        for name, function in inspect.getmembers(keyspace, inspect.isfunction)
        if function.__annotations__.get("return") is Key
    }
    assert functions == made.keys()


def test_what_belongs_to_a_workspace_has_it_in_its_partition() -> None:
    for key in keys_of(WS).values():
        assert WS in key.partition
    mine = {(key.table, key.partition) for key in keys_of(WS).values()}
    theirs = {(key.table, key.partition) for key in keys_of(WS2).values()}
    assert not mine & theirs


def test_staged_rows_sort_by_tick_within_a_record() -> None:
    rows = [
        keyspace.staged_row(BR, 2, "ab" * 16, tick, BatchId("bt_1")) for tick in (1, 9, 16, 2**40)
    ]
    assert [row.sort for row in rows] == sorted(row.sort for row in rows)
    partition, prefix = keyspace.staged(BR, 2, "ab" * 16)
    assert all(row.partition == partition and row.sort.startswith(prefix) for row in rows)
    assert partition == keyspace.staged_partition(BR, 2, 0xAB % keyspace.STAGED_SHARDS)


def test_rows_of_a_batch_are_where_each_alone_would_be() -> None:
    ids = [f"{byte:02x}" * 16 for byte in range(256)]
    batch = BatchId("bt_1")
    alone = [keyspace.staged_row(BR, 2, each, 7, batch) for each in ids]
    assert keyspace.staged_rows(BR, 2, ids, 7, batch) == alone


def test_every_staged_record_is_in_a_shard_that_is_swept() -> None:
    shards = {keyspace.staged_partition(BR, 0, shard) for shard in range(keyspace.STAGED_SHARDS)}
    made = {keyspace.staged(BR, 0, f"{byte:02x}" * 16)[0] for byte in range(256)}
    assert made == shards
    batches = {
        keyspace.batch(BR, 0, shard, 1, BatchId("b")).partition
        for shard in range(keyspace.HEAD_SHARDS)
    }
    assert len(batches) == keyspace.HEAD_SHARDS


def test_sweeps_sort_by_the_time_they_are_due() -> None:
    times = (0, 999, 10**12, 10**14)
    keys = [keyspace.sweep(BR, at, 0).sort for at in times]
    assert keys == sorted(keys)
    parts = {keyspace.sweep(BranchId(f"br_{digit:x}"), 0, 0).partition for digit in range(16)}
    assert parts == {keyspace.sweep_partition(shard) for shard in range(keyspace.SWEEP_SHARDS)}


def test_objects_of_different_stores_and_kinds_have_different_names() -> None:
    names = [
        keyspace.pack_object(store, kind, pack)
        for store, kind, pack in itertools.product(
            (ST, StoreId("st_2")), ("packs", "nodes", "staged"), (bytes(16), b"\1" * 16)
        )
    ]
    names += [keyspace.commit_object(store, CommitId("00" * 32)) for store in (ST, StoreId("s"))]
    assert len(set(names)) == len(names)
    assert names[0].startswith("00/")
