"""What is stored is refused when it is not what was stored: bits, swaps, cuts, on real storage.

Each read is that of a fresh process: functions keep verified keys, nodes and commits for minutes,
and are right to answer from them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from datavault.adapters.limits import PARTITION_KEY, SORT_KEY
from datavault.domain import keyspace
from datavault.domain.errors import Corrupt
from datavault.domain.ids import BranchName, CommitId, DatasetName, JobId, StoreId
from datavault.services.datasets import create_dataset, find_dataset
from datavault.services.exports import export_lines
from datavault.services.keys import open_store
from datavault.services.records.reading import get_record, list_records
from datavault.services.refs import open_work, read_job
from datavault.services.versions.commits import get_commit, list_commits
from datavault.wiring import AwsVault
from tests.e2e.deployment import Deployment, Shelf, Tenant

KINDS = ("packs", "nodes", "staged", "commits")
POSITIONS = 16
MAIN = BranchName("main")


@dataclass(frozen=True)
class Vaulted:
    """A dataset with two versions and something staged, and the storage below it."""

    tenant: Tenant
    shelf: Shelf
    store: str
    commit: str

    @classmethod
    def make(cls, tenant: Tenant, name: str) -> "Vaulted":
        shelf, chance = tenant.admin.dataset(name), Random(7)
        # Bodies that do not compress, so that most of an object is what was put in.
        noise = {f"r{at}": f'{{"n":"{chance.randbytes(300).hex()}"}}' for at in range(20)}
        shelf.append(noise)
        shelf.commit("first")
        shelf.append({"r0": '{"n":0}', "large": f'{{"n":"{chance.randbytes(4000).hex()}"}}'})
        commit = shelf.commit("second")["id"]
        with tenant.deployment.vault() as vault:
            dataset = find_dataset(vault, tenant.caller(), shelf.dataset_id)
        # Larger than what was staged for the commit, which is there for an hour yet.
        staged = f'{{"n":"{chance.randbytes(6000).hex()}"}}'
        shelf.append({"r1": '{"n":1}', "staged": staged})
        return cls(tenant, shelf, dataset.store, commit)

    @property
    def deployment(self) -> Deployment:
        return self.tenant.deployment

    def objects(self, kind: str) -> list[str]:
        """The keys of its objects of one kind, the largest first."""
        s3 = self.deployment.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.deployment.bucket)
        found = [
            (-item["Size"], item["Key"])
            for page in pages
            for item in page.get("Contents", [])
            if f"/{self.store}/{kind}/" in item["Key"]
        ]
        return [key for _, key in sorted(found)]

    def content(self, key: str) -> bytes:
        s3 = self.deployment.client("s3")
        content: bytes = s3.get_object(Bucket=self.deployment.bucket, Key=key)["Body"].read()
        return content

    @contextmanager
    def with_object(self, key: str, content: bytes | None) -> Iterator[None]:
        """Let an object hold something else meanwhile, or be gone."""
        was = self.content(key)
        self._put(key, content)
        try:
            yield
        finally:
            self._put(key, was)

    def _put(self, key: str, content: bytes | None) -> None:
        s3, bucket = self.deployment.client("s3"), self.deployment.bucket
        s3.delete_object(Bucket=bucket, Key=key)  # The bucket's policy forbids to overwrite.
        if content is not None:
            s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")

    @contextmanager
    def with_attribute(
        self, table: str, row: dict[str, Any], name: str, value: bytes
    ) -> Iterator[None]:
        """Let a row's attribute hold something else meanwhile."""
        client, table_name = self.deployment.client("dynamodb"), self.deployment.table(table)
        client.put_item(TableName=table_name, Item=row | {name: {"B": value}})
        try:
            yield
        finally:
            client.put_item(TableName=table_name, Item=row)

    def read(self, do: "Read") -> object:
        """What a fresh process reads."""
        with self.deployment.vault() as vault:
            return do(vault, self)


type Read = Callable[[AwsVault, Vaulted], object]


def committed(vault: AwsVault, at: Vaulted) -> object:
    return _listed(vault, at, at.commit)


def staged(vault: AwsVault, at: Vaulted) -> object:
    return _listed(vault, at, "main")


def exported(vault: AwsVault, at: Vaulted) -> object:
    caller, dataset_id = at.tenant.caller(), at.shelf.dataset_id
    return b"".join(export_lines(vault, caller=caller, dataset_id=dataset_id, ref=at.commit))


def one_staged(vault: AwsVault, at: Vaulted) -> object:
    caller, dataset_id = at.tenant.caller(), at.shelf.dataset_id
    return [
        get_record(vault, caller=caller, dataset_id=dataset_id, ref="main", record_id=name)  # type: ignore[arg-type]
        for name in ("r1", "staged")
    ]


def history(vault: AwsVault, at: Vaulted) -> object:
    return list_commits(
        vault,
        caller=at.tenant.caller(),
        dataset_id=at.shelf.dataset_id,
        ref=at.commit,
        limit=10,
        cursor=None,
    )


def one_commit(vault: AwsVault, at: Vaulted) -> object:
    caller, dataset_id = at.tenant.caller(), at.shelf.dataset_id
    return get_commit(vault, caller=caller, dataset_id=dataset_id, commit_ref=at.commit)


def the_job(vault: AwsVault, at: Vaulted) -> object:
    """What whoever finishes a commit reads first."""
    caller, dataset_id = at.tenant.caller(), at.shelf.dataset_id
    dataset = find_dataset(vault, caller, dataset_id)
    return read_job(open_work(vault, dataset, MAIN), JobId(_job_id(at)))


def commit_object(vault: AwsVault, at: Vaulted) -> object:
    """No operation reads commit objects; they are there to rebuild a catalog from."""
    caller, dataset_id = at.tenant.caller(), at.shelf.dataset_id
    keys = open_store(vault, find_dataset(vault, caller, dataset_id))
    sealed = vault.objects.get(_own_commit(at))
    return keys.unseal(sealed, purpose="commit", context=at.commit, place=at.store)


def another_dataset(vault: AwsVault, at: Vaulted) -> object:
    return create_dataset(
        vault,
        caller=at.tenant.caller(),
        name=DatasetName("another"),
        description="",
        labels=(),
        record_key=None,
        request=None,
    )


def _listed(vault: AwsVault, at: Vaulted, ref: str) -> object:
    return list_records(
        vault,
        caller=at.tenant.caller(),
        dataset_id=at.shelf.dataset_id,
        ref=ref,
        limit=1000,
        cursor=None,
    ).items


READS: dict[str, tuple[Read, ...]] = {
    "packs": (committed, exported),
    "nodes": (committed, exported),
    "staged": (staged, one_staged),
    "commits": (commit_object,),
}


@dataclass(frozen=True)
class Sealed:
    """A sealed attribute: where it is (``{}`` are the dataset's ids), and who reads it."""

    table: str
    partition: str
    sort: str
    attribute: str
    read: Read


SEALED = {
    "workspace key": Sealed(
        "Catalog", "workspace/{workspace}", "workspace", "wrapped_key", another_dataset
    ),
    "id key": Sealed("Catalog", "store/{workspace}/{store}", "key/id", "wrapped", committed),
    "data key": Sealed("Catalog", "store/{workspace}/{store}", "key/dek", "wrapped", committed),
    "commit": Sealed("Catalog", "commits/{workspace}/{dataset}", "{commit}", "sealed", one_commit),
    "commit of a history": Sealed(
        "Catalog", "commits/{workspace}/{dataset}", "{parent}", "sealed", history
    ),
    "trail of a commit": Sealed(
        "Catalog", "commits/{workspace}/{dataset}", "{commit}", "trail", history
    ),
    "message of a job": Sealed("Catalog", "commit-job/{job}", "job", "message", the_job),
    "staged change": Sealed("Staging", "staged/{branch}/2/", "", "sealed", one_staged),
    "listed change": Sealed("Staging", "staged/{branch}/2/", "", "sealed", staged),
    "batch": Sealed("Staging", "batches/{branch}/2/", "", "sealed", staged),
}


def sealed_row(at: Vaulted, sealed: Sealed) -> dict[str, Any]:
    """The row that holds a sealed attribute."""
    words = {
        "workspace": at.tenant.id,
        "dataset": at.shelf.id,
        "store": at.store,
        "commit": at.commit,
        "parent": at.shelf.log(ref=at.commit)[1]["id"],
        "branch": _branch_id(at),
        "job": _job_id(at),
    }
    where = {PARTITION_KEY: sealed.partition, SORT_KEY: sealed.sort}
    starts = {key: start.format(**words) for key, start in where.items() if start}
    rows = at.deployment.rows(sealed.table, **starts)
    assert rows, sealed
    return min(rows, key=lambda row: str(row[SORT_KEY]))


def _branch_id(at: Vaulted) -> str:
    partition = f"dataset/{at.tenant.id}/{at.shelf.id}"
    (row,) = at.deployment.rows("Catalog", **{PARTITION_KEY: partition, SORT_KEY: "branch/main"})
    return str(row["id"]["S"])


def _job_id(at: Vaulted) -> str:
    """The job that made the commit."""
    jobs = at.deployment.rows("Catalog", **{PARTITION_KEY: "commit-job/"})
    (job,) = [row["id"]["S"] for row in jobs if row["commit"]["S"] == at.commit]
    return str(job)


@pytest.fixture(scope="module")
def two(deployed: Deployment) -> tuple[Vaulted, Vaulted]:
    """Two datasets of one workspace; each test leaves their storage as it was."""
    tenant = deployed.tenant()
    return Vaulted.make(tenant, "one"), Vaulted.make(tenant, "two")


@pytest.fixture(scope="module")
def one(two: tuple[Vaulted, Vaulted]) -> Vaulted:
    return two[0]


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_of_an_object_gets_into_data(kind: str, one: Vaulted) -> None:
    key = one.objects(kind)[0] if kind != "commits" else _own_commit(one)
    whole = one.content(key)
    for read in READS[kind]:
        good = one.read(read)
        refused = 0
        for turn in range(POSITIONS):
            with one.with_object(key, _flipped(whole, turn)):
                try:
                    assert one.read(read) == good
                except Corrupt:
                    refused += 1
        # Headers and footers are not read for a record; what is between them is.
        assert refused > POSITIONS // 2, read
        assert one.read(read) == good


# A commit object that is gone leaves nothing to open, and nothing else reads it.
SWAPS = [
    (kind, how)
    for kind in KINDS
    for how in ("gone", "empty", "cut", "another dataset's", "another kind's")
    if (kind, how) != ("commits", "gone")
]


@pytest.mark.parametrize(("kind", "how"), SWAPS)
def test_an_object_that_is_another_is_corrupt(
    kind: str, how: str, two: tuple[Vaulted, Vaulted]
) -> None:
    one, other = two
    key = one.objects(kind)[0] if kind != "commits" else _own_commit(one)
    whole = one.content(key)
    content: bytes | None = None
    match how:
        case "empty":
            content = b""
        case "cut":
            content = whole[: len(whole) // 2]
        case "another dataset's":
            content = other.content(other.objects(kind)[0])
        case "another kind's":
            content = one.content(one.objects("nodes" if kind == "packs" else "packs")[0])
    with one.with_object(key, content):
        for read in READS[kind]:
            with pytest.raises(Corrupt):
                one.read(read)


@pytest.mark.parametrize("kind", ["packs", "staged"])
def test_the_api_says_corrupt_and_gives_no_data(kind: str, one: Vaulted) -> None:
    ref, record_id = {"packs": (one.commit, "large"), "staged": ("main", "staged")}[kind]
    key = one.objects(kind)[0]
    whole = one.content(key)
    with one.with_object(key, _flipped(whole, POSITIONS // 2)):
        answers = [
            one.shelf.person.get(f"{one.shelf.path}/records?ref={ref}", lines=lines)
            for lines in (True, False)
        ]
        if kind == "staged":
            answers.append(one.shelf.record(record_id, ref=ref))
        for reply in answers:
            assert (reply.status, reply.code) == (500, "corrupt")
            assert reply.headers["content-type"] == "application/problem+json"
            assert set(reply.json()) == {
                "type",
                "title",
                "status",
                "code",
                "detail",
                "correlation_id",
                "errors",
            }
    assert one.shelf.record(record_id, ref=ref).status == 200


@pytest.mark.parametrize("name", SEALED)
def test_a_flipped_bit_of_a_sealed_attribute_is_corrupt(name: str, one: Vaulted) -> None:
    sealed = SEALED[name]
    row = sealed_row(one, sealed)
    whole = row[sealed.attribute]["B"]
    for turn in range(POSITIONS):
        changed = _flipped(whole, turn)
        with (
            one.with_attribute(sealed.table, row, sealed.attribute, changed),
            pytest.raises(Corrupt),
        ):
            one.read(sealed.read)
    if sealed.read is not another_dataset:
        one.read(sealed.read)


@pytest.mark.parametrize("name", [name for name in SEALED if name != "workspace key"])
def test_a_sealed_attribute_of_another_dataset_does_not_open(
    name: str, two: tuple[Vaulted, Vaulted]
) -> None:
    one, other = two
    sealed = SEALED[name]
    row, foreign = sealed_row(one, sealed), sealed_row(other, sealed)
    value = foreign[sealed.attribute]["B"]
    with one.with_attribute(sealed.table, row, sealed.attribute, value), pytest.raises(Corrupt):
        one.read(sealed.read)


def test_a_workspace_key_of_another_workspace_does_not_open(one: Vaulted) -> None:
    sealed = SEALED["workspace key"]
    row = sealed_row(one, sealed)
    other = one.deployment.tenant()
    (foreign,) = one.deployment.rows(
        "Catalog", **{PARTITION_KEY: f"workspace/{other.id}", SORT_KEY: "workspace"}
    )
    value = foreign[sealed.attribute]["B"]
    with one.with_attribute("Catalog", row, sealed.attribute, value), pytest.raises(Corrupt):
        one.read(another_dataset)


def test_staged_changes_that_change_places_do_not_open(one: Vaulted) -> None:
    rows = one.deployment.rows("Staging", **{PARTITION_KEY: f"staged/{_branch_id(one)}/2/"})
    first, second = rows
    with (
        one.with_attribute("Staging", first, "sealed", second["sealed"]["B"]),
        one.with_attribute("Staging", second, "sealed", first["sealed"]["B"]),
    ):
        for read in (staged, one_staged):
            with pytest.raises(Corrupt):
                one.read(read)


def test_a_staged_change_of_an_earlier_generation_does_not_open(one: Vaulted) -> None:
    old = one.deployment.rows("Staging", **{PARTITION_KEY: f"staged/{_branch_id(one)}/1/"})[0]
    row = sealed_row(one, SEALED["staged change"])
    value = old["sealed"]["B"]
    with one.with_attribute("Staging", row, "sealed", value), pytest.raises(Corrupt):
        one.read(one_staged)


def test_one_commit_in_the_place_of_another_does_not_open(one: Vaulted) -> None:
    row, parent = (sealed_row(one, SEALED[name]) for name in ("commit", "commit of a history"))
    value = parent["sealed"]["B"]
    with one.with_attribute("Catalog", row, "sealed", value), pytest.raises(Corrupt):
        one.read(one_commit)


def test_what_is_corrupt_gets_into_no_version_and_nothing_else_is_lost(tenant: Tenant) -> None:
    at = Vaulted.make(tenant, "unlucky")
    key = at.objects("staged")[0]
    with at.with_object(key, _flipped(at.content(key), POSITIONS // 2)):
        for _ in range(2):
            reply = at.shelf.person.post(f"{at.shelf.path}/commits", {"message": "third"})
            assert (reply.status, reply.code) == (500, "corrupt")
        assert at.shelf.log()[0]["id"] == at.commit
        assert at.shelf.record("r1").content == b'{"n":1}\n'
        at.shelf.append({"r2": '{"n":2}'})
    # Storage is well again: the commit that was under way is finished, then what came later.
    commit = at.shelf.commit("fourth")
    assert [row["message"] for row in at.shelf.log()[:3]] == ["fourth", "third", "second"]
    assert (commit["added"], commit["changed"]) == (0, 1)
    assert [at.shelf.record(name).status for name in ("staged", "r1", "r2")] == [200] * 3


def _own_commit(at: Vaulted) -> str:
    return keyspace.commit_object(StoreId(at.store), CommitId(at.commit))


def _flipped(whole: bytes, turn: int) -> bytes:
    """One bit flipped, at one of ``POSITIONS`` places from the first byte to the last."""
    changed = bytearray(whole)
    changed[turn * (len(whole) - 1) // (POSITIONS - 1)] ^= 1 << turn % 8
    return bytes(changed)
