"""Where every row and every object lives: the only place that spells a key.

Partitions are spread on purpose: what one branch's writers touch at the same time (heads, staged
records, ledger entries) is divided by shard, what is read together is kept together. What belongs
to a workspace has the workspace in its partition, so that a foreign id finds nothing.
"""

from collections.abc import Iterable

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
from datavault.domain.rows import Key, Table

# Writers to one branch queue on a head item only if they draw the same shard (DESIGN 3).
HEAD_SHARDS = 4
# 16 partitions of 1,000 writes a second take what a branch's generation can hold in 4 seconds.
STAGED_SHARDS = 16
LEDGER_SHARDS = 16
MINUTE_MS = 60_000
SWEEP_SHARDS = 16
OPEN_JOB_SHARDS = 16
LANDING_SHARDS = 16
# As many as a token's last digit tells apart; a multiple of HEAD_SHARDS (``domain.datasets``).
GATE_SHARDS = 16

BRANCH_PREFIX = "branch/"
TAG_PREFIX = "tag/"
DATASET_PREFIX = "dataset/"
# What is put under it in the landing bucket is ingested (``domain.drops``, ``infra.landing``).
LANDING_PREFIX = "landing/"
_GATE = "gate/"
# Stands where a workspace's id would, for what concerns them all; no id looks so.
STAGE = "stage"


def workspace(ws: WorkspaceId) -> Key:
    """The workspace itself."""
    return Key(Table.CATALOG, f"workspace/{ws}", "workspace")


def maintenance(ws: WorkspaceId | None) -> Key:
    """That a workspace is read-only, or the whole stage; not there, it is not."""
    return Key(Table.CATALOG, f"maintenance/{ws or STAGE}", "read-only")


def workspace_dataset(ws: WorkspaceId, ds: DatasetId) -> Key:
    """That the workspace has the dataset; listed by creation time."""
    return Key(Table.CATALOG, f"workspace/{ws}", f"{DATASET_PREFIX}{ds}")


def dataset_name(ws: WorkspaceId, name_hash: str) -> Key:
    """That a dataset's name is taken."""
    return Key(Table.CATALOG, f"workspace/{ws}/names", name_hash)


def dataset(ws: WorkspaceId, ds: DatasetId) -> Key:
    """The dataset itself."""
    return Key(Table.CATALOG, f"dataset/{ws}/{ds}", "dataset")


def indexed_partition(ws: WorkspaceId, term: str) -> str:
    """The datasets of a workspace to which a term applies, oldest first."""
    return f"workspace/{ws}/datasets/{term}"


def indexed_dataset(ws: WorkspaceId, term: str, ds: DatasetId) -> Key:
    """That a term of the index applies to a dataset."""
    return Key(Table.CATALOG, indexed_partition(ws, term), ds)


def gate(ws: WorkspaceId, ds: DatasetId, shard: int) -> Key:
    """That a dataset takes no changes: a row that is there while it is archived."""
    return Key(Table.CATALOG, f"{_GATE}{ws}/{ds}/{shard:x}", "shut")


def gates(ws: WorkspaceId, ds: DatasetId) -> list[Key]:
    """All gates of a dataset."""
    return [gate(ws, ds, shard) for shard in range(GATE_SHARDS)]


def is_gate(key: Key) -> bool:
    """Whether the row is a gate."""
    return key.partition.startswith(_GATE)


def clone(ws: WorkspaceId, origin: DatasetId, ds: DatasetId) -> Key:
    """That a dataset has been cloned: its commits and its store are the clone's too."""
    return Key(Table.CATALOG, f"clones/{ws}/{origin}", ds)


def branch(ws: WorkspaceId, ds: DatasetId, name: BranchName) -> Key:
    """A branch by name."""
    return Key(Table.CATALOG, f"dataset/{ws}/{ds}", f"{BRANCH_PREFIX}{name}")


def tag(ws: WorkspaceId, ds: DatasetId, name: TagName) -> Key:
    """A tag by name."""
    return Key(Table.CATALOG, f"dataset/{ws}/{ds}", f"{TAG_PREFIX}{name}")


def reflog_partition(ws: WorkspaceId, ds: DatasetId, name: BranchName) -> str:
    """Where a branch of that name has been, and those that had the name before it."""
    return f"reflog/{ws}/{ds}/{name}"


def reflog(
    ws: WorkspaceId, ds: DatasetId, name: BranchName, branch_id: BranchId, number: int
) -> Key:
    """One step of a branch."""
    return Key(Table.CATALOG, reflog_partition(ws, ds, name), f"{branch_id}/{number:012d}")


def head(branch_id: BranchId, shard: int) -> Key:
    """One of a branch's identical heads."""
    return Key(Table.CATALOG, f"head/{branch_id}/{shard:x}", "head")


def commit(ws: WorkspaceId, ds: DatasetId, commit_id: CommitId | str) -> Key:
    """A commit by id, or where the ids with a prefix begin."""
    return Key(Table.CATALOG, f"commits/{ws}/{ds}", commit_id)


def commit_job(job: JobId) -> Key:
    """A commit under way."""
    return Key(Table.CATALOG, f"commit-job/{job}", "job")


def store_key(ws: WorkspaceId, st: StoreId, purpose: str, epoch: int) -> Key:
    """A wrapped key of a store."""
    return Key(Table.CATALOG, f"store/{ws}/{st}", f"key/{purpose}/{epoch:08d}")


def record_schema(ws: WorkspaceId, st: StoreId, schema_hash: str) -> Key:
    """A schema that datasets of a store have or had."""
    return Key(Table.CATALOG, f"store/{ws}/{st}", f"schema/{schema_hash}")


def moved_pack(st: StoreId, pack_id: bytes) -> Key:
    """Where a pack that was moved or rewritten is now: the pack directory."""
    name = pack_id.hex()
    return Key(Table.CATALOG, f"packs/{st}/{name[:2]}", name)


def request(ws: WorkspaceId, digest: str) -> Key:
    """An idempotent request that was carried out."""
    return Key(Table.STAGING, f"request/{ws}/{digest}", "request")


def staged(branch_id: BranchId, generation: int, staged_id: str) -> tuple[str, str]:
    """Partition and sort-key prefix of what is staged for one record id in one generation."""
    return staged_partition(branch_id, generation, _staged_shard(staged_id)), f"{staged_id}/"


def staged_row(
    branch_id: BranchId, generation: int, staged_id: str, tick: int, batch: BatchId
) -> Key:
    """One staged change; the newest of a record id has the greatest tick."""
    (row,) = staged_rows(branch_id, generation, [staged_id], tick, batch)
    return row


def staged_rows(
    branch_id: BranchId, generation: int, staged_ids: Iterable[str], tick: int, batch: BatchId
) -> list[Key]:
    """``staged_row`` of each of one batch's changes."""
    partitions = [staged_partition(branch_id, generation, shard) for shard in range(STAGED_SHARDS)]
    end = f"/{tick:012x}/{batch}"
    return [Key(Table.STAGING, partitions[_staged_shard(each)], each + end) for each in staged_ids]


def staged_partition(branch_id: BranchId, generation: int, shard: int) -> str:
    """One shard of a generation's staged changes."""
    return f"staged/{branch_id}/{generation}/{shard:x}"


def _staged_shard(staged_id: str) -> int:
    return int(staged_id[:2], 16) % STAGED_SHARDS


def batch_partition(branch_id: BranchId, generation: int, shard: int) -> str:
    """The batches of a generation that went through one head shard."""
    return f"batches/{branch_id}/{generation}/{shard:x}"


def batch(branch_id: BranchId, generation: int, shard: int, tick: int, batch_id: BatchId) -> Key:
    """A batch of staged changes: its row makes them visible."""
    return Key(
        Table.STAGING,
        batch_partition(branch_id, generation, shard),
        f"{tick:012x}/{batch_id}",
    )


def sweep_partition(shard: int) -> str:
    """One shard of the queue of generations to be swept."""
    return f"sweep/{shard:x}"


def sweep(branch_id: BranchId, due_ms: int, generation: int) -> Key:
    """That a generation's staged changes can go after ``due_ms``."""
    shard = int(branch_id[-1], 16) % SWEEP_SHARDS
    return Key(Table.CATALOG, sweep_partition(shard), f"{due_ms:015d}/{branch_id}/{generation:08d}")


def job(ws: WorkspaceId, job_id: JobId) -> Key:
    """A job; listed by workspace in the order of ids, which is that of time."""
    return Key(Table.CATALOG, f"jobs/{ws}", job_id)


def dataset_job(ws: WorkspaceId, ds: DatasetId, job_id: JobId) -> Key:
    """That a job is about a dataset."""
    return Key(Table.CATALOG, f"jobs/{ws}/{ds}", job_id)


def open_jobs_partition(shard: int) -> str:
    """One shard of the jobs that have not ended."""
    return f"open-jobs/{shard:x}"


def open_job(job_id: JobId) -> Key:
    """That a job has not ended."""
    shard = int(job_id[-1], 16) % OPEN_JOB_SHARDS
    return Key(Table.CATALOG, open_jobs_partition(shard), job_id)


def job_part(job_id: JobId, part: int) -> Key:
    """What one part of a job has done."""
    return Key(Table.STAGING, job_parts_partition(job_id), f"{part:08d}")


def job_parts_partition(job_id: JobId) -> str:
    """The parts of a job that are done."""
    return f"job-parts/{job_id}"


def upload(ws: WorkspaceId, upload_id: UploadId) -> Key:
    """An upload. Its end is remembered for a week, and no backup needs it."""
    return Key(Table.STAGING, f"uploads/{ws}", upload_id)


def landing_due_partition(shard: int) -> str:
    """One shard of the queue of what is to be removed from the landing."""
    return f"landing-due/{shard:x}"


def landing_due(due_ms: int, what: UploadId | JobId) -> Key:
    """That an upload, or the sources of a job, are to be looked at after ``due_ms``."""
    shard = int(what[-1], 16) % LANDING_SHARDS
    return Key(Table.STAGING, landing_due_partition(shard), f"{due_ms:015d}/{what}")


def last_number(ws: WorkspaceId, ds: DatasetId) -> Key:
    """The greatest sequence number that an event of a dataset has."""
    return Key(Table.CATALOG, f"events/{ws}/{ds}", "last")


def event_number(ws: WorkspaceId, entry: EntryId) -> Key:
    """The sequence number of one event: a partition of its own, for events come in bursts."""
    return Key(Table.CATALOG, f"events/{ws}/{entry}", "number")


def ledger_partition(ws: WorkspaceId | None, minute: int, shard: int) -> str:
    """One shard of a minute of a workspace's ledger, or of the stage's."""
    return f"{ws or STAGE}/{minute}/{shard:x}"


def ledger(ws: WorkspaceId | None, at_ms: int, entry: EntryId) -> Key:
    """A ledger entry: by workspace, minute and shard, then by id."""
    shard = int(entry[-1], 16) % LEDGER_SHARDS
    return Key(Table.LEDGER, ledger_partition(ws, at_ms // MINUTE_MS, shard), entry)


def pack_object(st: StoreId, kind: str, pack_id: bytes) -> str:
    """The object key of a pack: hash prefix first, which spreads the load in S3."""
    name = pack_id.hex()
    return f"{name[:2]}/{st}/{kind}/{name}"


def commit_object(st: StoreId, commit_id: CommitId) -> str:
    """The object key of a commit."""
    return f"{commit_id[:2]}/{st}/commits/{commit_id}"


def job_object(st: StoreId, job_id: JobId, name: str) -> str:
    """The object key of a paper of a job; the job's last digits spread the load in S3."""
    return f"{job_id[-2:]}/{st}/jobs/{job_id}/{name}"


def landing_upload(ws: WorkspaceId, ds: DatasetId, upload_id: UploadId) -> str:
    """The key under which an upload lands: not under ``LANDING_PREFIX``, which starts jobs."""
    return f"uploads/{ws}/{ds}/{upload_id}"
