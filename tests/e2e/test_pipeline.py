"""Files become commits: from S3 through the state machine to records, as they were sent."""

import gzip
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from datavault.domain.drops import drop_prefix
from datavault.domain.ids import BranchName
from tests.e2e.deployment import Deployment, Shelf, Tenant
from tests.e2e.uploads import upload

PART = 5 * 2**20
# A machine of some ten steps, each in a process that may have to be started.
SECONDS_MAX = 120
OPEN = {"queued", "running", "cancelling"}


def records(count: int) -> list[bytes]:
    """Lines in order of their ids."""
    return [b'{"id":"%06d","text":"%s"}' % (at, b"%06d" % (at * 7) * 150) for at in range(count)]


def text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def sent(shelf: Shelf, content: bytes, **said: Any) -> Any:
    """The job of a file that was uploaded, when it has ended."""
    parts = [content[at : at + PART] for at in range(0, len(content), PART)]
    upload_id, claims = upload(shelf, parts, part_bytes=PART, **said)
    reply = shelf.person.post(f"/uploads/{upload_id}/complete", {"parts": claims})
    assert reply.status == 202, reply.content
    return ended(shelf, reply.json()["id"])


def ended(shelf: Shelf, job: str) -> Any:
    """A job as it is when it has ended."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        found = shelf.person.get(f"/jobs/{job}").json()
        if found["state"] not in OPEN:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def jobs(shelf: Shelf) -> list[Any]:
    """The dataset's jobs, newest first."""
    listed: list[Any] = shelf.person.get(f"/jobs?dataset_id={shelf.id}").json()["data"]
    return listed


def head(shelf: Shelf) -> str:
    return str(shelf.log()[0]["id"])


def test_an_upload_becomes_a_commit_with_its_records(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    lines = records(7000)
    content = text(lines)
    job = sent(shelf, content, name="jane.ndjson", message="All of it")
    assert (job["state"], job["error"]) == ("succeeded", None)
    progress = job["progress"]
    assert (progress["records"], progress["stored"], progress["quarantined"]) == (7000, 7000, 0)
    assert progress["bytes"] == progress["bytes_total"] == len(content)
    assert progress["parts"] == progress["parts_total"] >= 1
    assert job["commit"] == head(shelf)
    assert shelf.log()[0]["message"] == "All of it"
    assert shelf.lines() == lines
    bucket = tenant.deployment.deployed.values["LandingBucket"]
    prefix = f"uploads/{tenant.id}/{shelf.id}/"
    landed = tenant.deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    assert "Contents" not in landed
    assert b"jane.ndjson" not in tenant.deployment.logs()


def test_an_object_that_is_put_becomes_a_commit_once(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    lines = records(500)
    with Events(tenant.deployment).listened() as events:
        put(tenant, shelf, "shard-0.ndjson", text(lines))
        event = events.received()
    job = ended(shelf, asked(shelf)["id"])
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["created_by"].startswith("aws:")
    assert shelf.lines() == lines
    assert job["commit"] == head(shelf)
    events.deliver(event)
    assert [each["id"] for each in jobs(shelf)] == [job["id"]]
    assert len(shelf.log()) == 2


def test_parquet_becomes_a_commit_with_its_rows(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    lines = records(2000)
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([json.loads(line) for line in lines]), target)
    job = sent(shelf, target.getvalue(), name="records")
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["progress"]["records"] == 2000
    assert shelf.lines() == lines


def test_bad_lines_are_kept_apart_and_can_be_had(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    lines = records(50)
    bad = [b'{"id":"torn', b'{"text":"without an id"}', b"[1,2]"]
    mixed = [*lines[:10], bad[0], *lines[10:20], bad[1], *lines[20:], bad[2]]
    job = sent(shelf, text(mixed), name="mixed.ndjson", format="ndjson", max_bad_records=3)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["progress"]["quarantined"] == 3
    assert shelf.lines() == lines
    listed = shelf.person.get(f"/jobs/{job['id']}/quarantine").json()["data"]
    assert [each["line"] for each in listed] == [11, 22, 53]
    offsets = [sum(len(line) + 1 for line in mixed[:at]) for at in (10, 21, 52)]
    assert [each["offset"] for each in listed] == offsets
    assert {each["file"] for each in listed} == {"mixed.ndjson"}
    assert all(each["code"] and each["reason"] for each in listed)
    had = shelf.person.get(f"/jobs/{job['id']}/quarantine", lines=True)
    assert had.content == text(bad)


def test_fewer_records_than_are_wanted_fail_the_job(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    before = shelf.state()
    job = sent(shelf, text(records(3)), format="ndjson", min_records=4, mode="replace")
    assert job["state"] == "failed"
    assert job["error"]["message"] == "the files have 3 records, min_records is 4"
    assert shelf.state() == before


def test_records_are_checked_by_the_schema_of_their_dataset(tenant: Tenant) -> None:
    schema = {"properties": {"text": {"type": "string", "minLength": 900}}, "required": ["text"]}
    shelf = tenant.admin.dataset(record_key="id", schema=schema)
    assert shelf.person.get(f"/datasets/{shelf.id}").json()["schema"] == schema
    refused = shelf.person.post(
        f"/datasets/{shelf.id}/records", {"records": [{"data": {"id": "x"}}]}
    )
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "records/0/data/text")
    lines = records(50)
    mixed = [*lines[:10], b'{"id":"short","text":"a"}', *lines[10:], b'{"id":"none"}']
    job = sent(shelf, text(mixed), name="mixed.ndjson", format="ndjson", max_bad_records=2)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert shelf.lines() == lines
    listed = shelf.person.get(f"/jobs/{job['id']}/quarantine").json()["data"]
    assert [(each["line"], each["reason"]) for each in listed] == [
        (11, "does not match the dataset's schema at /text: minLength"),
        (52, "does not match the dataset's schema at /text: required"),
    ]


def test_more_bad_lines_than_are_allowed_fail_the_job(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    before = shelf.state()
    job = sent(shelf, text([*records(3), b"{torn"]), format="ndjson")
    assert job["state"] == "failed"
    assert job["error"]["message"].startswith("more than 0 records are bad")
    assert shelf.state() == before


def test_a_file_that_was_cut_short_fails_its_job_and_moves_nothing(tenant: Tenant) -> None:
    shelf = tenant.admin.dataset(record_key="id")
    shelf.append_lines(b'{"id":"before"}')
    shelf.commit()
    before = shelf.state()
    whole = gzip.compress(text(records(2000)))
    job = sent(shelf, whole[: len(whole) // 2], name="cut.ndjson.gz")
    assert (job["state"], job["commit"]) == ("failed", None)
    assert job["error"]["code"] == "malformed"
    assert "gzip" in job["error"]["message"]
    assert shelf.state() == before


def put(tenant: Tenant, shelf: Shelf, name: str, content: bytes) -> None:
    """Put an object where a drop belongs, as an AWS principal does."""
    key = drop_prefix(tenant.id, shelf.dataset_id, BranchName("main")) + name
    bucket = tenant.deployment.deployed.values["LandingBucket"]
    tenant.deployment.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def asked(shelf: Shelf) -> Any:
    """The dataset's one job, which somebody's event asks for."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (found := jobs(shelf)):
        assert time.monotonic() < deadline, "no job was asked for"
        time.sleep(0.2)
    (job,) = found
    return job


@dataclass(frozen=True)
class Events:
    """S3's events as EventBridge passes them on."""

    deployed: Deployment
    url: str = ""

    @contextmanager
    def listened(self) -> Iterator["Events"]:
        """Beside the vault's own rule, another one with a queue."""
        sqs, events = self.deployed.client("sqs"), self.deployed.client("events")
        name = f"drops-{uuid4().hex[:12]}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(
            Rule=name, Targets=[{"Id": "queue", "Arn": found["Attributes"]["QueueArn"]}]
        )
        try:
            yield Events(self.deployed, url)
        finally:
            events.remove_targets(Rule=name, Ids=["queue"])
            events.delete_rule(Name=name)
            sqs.delete_queue(QueueUrl=url)

    def received(self) -> str:
        """The next event."""
        sqs = self.deployed.client("sqs")
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            got = sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1)
            for message in got.get("Messages", ()):
                return str(message["Body"])
        raise AssertionError("no event came")

    def deliver(self, event: str) -> None:
        """Pass an event on again, and wait until the machine has taken it."""
        states = self.deployed.client("stepfunctions")
        machine = "datavault-local-ingest-objects"
        (arn,) = [
            each["stateMachineArn"]
            for each in states.list_state_machines()["stateMachines"]
            if each["name"] == machine
        ]
        run = states.start_execution(stateMachineArn=arn, input=event)["executionArn"]
        deadline = time.monotonic() + SECONDS_MAX
        while (status := states.describe_execution(executionArn=run)["status"]) == "RUNNING":
            assert time.monotonic() < deadline, "the machine goes on"
            time.sleep(0.2)
        assert status == "SUCCEEDED"
