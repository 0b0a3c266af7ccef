"""The main job, start to end, through the deployed API: ``datavault demo``.

A corpus goes in over HTTPS routes, is committed, edited and committed again, and comes out of
both versions byte for byte; then one stored bit is flipped, and reading it is refused.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datavault.domain.access import Caller, Role
from datavault.domain.ids import DatasetId, WorkspaceId
from datavault.local.cloud import LocalCloud
from datavault.local.session import Refused, Session
from datavault.local.synth import checkout
from datavault.local.vault import DeployedVault, deploy_vault
from datavault.local.workspace import make_workspace, operator_vault
from datavault.services.datasets import find_dataset
from datavault.services.keys import describe_store_keys

CORPUS = Path("tests", "corpora", "sentences.jsonl")
BATCH_RECORDS = 1000
EDITED, ADDED, REMOVED = 38, 5, 3

type Say = Callable[[str], None]


class DemoFailed(RuntimeError):
    """The vault did not do what it promises."""


@dataclass(slots=True)
class Demo:
    """One run: what it talks to, and what it found."""

    say: Say
    cloud: LocalCloud
    deployed: DeployedVault
    session: Session
    workspace: WorkspaceId
    dataset: str = ""
    timings: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        started = time.perf_counter()
        yield
        took = time.perf_counter() - started
        self.timings.append((what, took))
        self.say(f"  {took:7.2f} s  {what}")


def run_demo(say: Say) -> None:
    """Do the main job in a cloud of its own, say what happens, and leave nothing behind.

    Raises:
        DemoFailed: an answer is not what it has to be.
    """
    started = time.perf_counter()
    say("LLM Data Vault: the main job, through the API of a cloud on this machine\n")
    with LocalCloud.start() as cloud:
        say(
            f"  {time.perf_counter() - started:7.2f} s  the local cloud answers at {cloud.endpoint}"
        )
        before = time.perf_counter()
        deployed = deploy_vault(cloud)
        took = time.perf_counter() - before
        say(f"  {took:7.2f} s  the CDK app's stage local is synthesized and deployed")
        demo = _open(say, cloud, deployed)
        _main_job(demo)
    say(f"\nEverything that was started has been stopped. {time.perf_counter() - started:.1f} s.")


def _open(say: Say, cloud: LocalCloud, deployed: DeployedVault) -> Demo:
    workspace = make_workspace(operator_vault(cloud, deployed), "demo")
    token = cloud.issuer.token(workspace=workspace, roles=["admin"], subject="demo@vault.test")
    session = Session(deployed.api_url, token)
    return Demo(say, cloud, deployed, session, workspace)


def _main_job(demo: Demo) -> None:
    lines = (checkout() / CORPUS).read_bytes().splitlines()
    first = {json.loads(line)["id"]: line for line in lines}
    with demo.step("a dataset is created, with a store and keys of its own"):
        created = demo.session.call(
            "POST", "/datasets", {"name": "Labelled sentences", "record_key": "id"}
        )
        demo.dataset = created["id"]
    base = stored_bytes(demo)
    with demo.step(f"{len(lines)} records are appended in batches of {BATCH_RECORDS}"):
        for at in range(0, len(lines), BATCH_RECORDS):
            batch = b"\n".join(lines[at : at + BATCH_RECORDS])
            demo.session.append_lines(demo.dataset, batch)
    v1 = _commit(demo, "Take in the corpus")
    after_first = stored_bytes(demo)
    second = _edit(demo, first)
    v2 = _commit(demo, "Correct some sentences")
    after_second = stored_bytes(demo)
    _read_one(demo, first, second, v1["id"], v2["id"])
    _show_log(demo, (v2, v1))
    _compare(demo, v1["id"], first)
    _compare(demo, v2["id"], second)
    _flip_a_bit(demo, v2["id"], second)
    _summarise(demo, first, second, after_first - base, after_second - after_first)


def _commit(demo: Demo, message: str) -> Any:  # noqa: ANN401
    with demo.step(f"a commit: {message}"):
        commit = demo.session.call(
            "POST", f"/datasets/{demo.dataset}/commits", {"message": message}
        )
    demo.say(
        f"             {commit['id'][:12]}  {commit['records']} records:"
        f" {commit['added']} added, {commit['changed']} changed, {commit['removed']} removed"
    )
    return commit


def _edit(demo: Demo, first: dict[str, bytes]) -> dict[str, bytes]:
    """Stage some edits; what the corpus is after them."""
    chosen = random.Random(7).sample(sorted(first), EDITED + REMOVED)  # noqa: S311
    second = dict(first)
    for record_id in chosen[:EDITED]:
        record = json.loads(first[record_id])
        record["reviewed"] = True
        second[record_id] = json.dumps(record, ensure_ascii=False).encode()
    for number in range(ADDED):
        record_id = f"added-{number}"
        second[record_id] = b'{"id":"%s","text":"One more, of 1.0 and 1e400."}' % record_id.encode()
    changed = [line for record_id, line in second.items() if line != first.get(record_id)]
    with demo.step(f"{EDITED} records are edited, {ADDED} added, {REMOVED} deleted"):
        demo.session.append_lines(demo.dataset, b"\n".join(changed))
        for record_id in chosen[EDITED:]:
            demo.session.call("DELETE", f"/datasets/{demo.dataset}/records/{record_id}")
            del second[record_id]
    return second


def _read_one(
    demo: Demo, first: dict[str, bytes], second: dict[str, bytes], v1: str, v2: str
) -> None:
    edited = next(name for name, line in second.items() if line != first.get(name, line))
    with demo.step(f"record {edited} is read at both versions: different, and each as it went in"):
        _expect(demo.session.record(demo.dataset, edited, ref=v1) == first[edited], "version 1")
        _expect(demo.session.record(demo.dataset, edited, ref=v2) == second[edited], "version 2")


def _show_log(demo: Demo, expected: tuple[Any, ...]) -> None:
    with demo.step("the log is listed, newest first"):
        log = demo.session.call("GET", f"/datasets/{demo.dataset}/commits")["data"]
    _expect([row["id"] for row in log[:2]] == [commit["id"] for commit in expected], "the log")
    for commit in log:
        demo.say(f"             {commit['id'][:12]}  {commit['author']}  {commit['message']}")


def _compare(demo: Demo, version: str, expected: dict[str, bytes]) -> None:
    with demo.step(f"version {version[:12]} is paged out and compared byte for byte"):
        out = b"".join(demo.session.pages(demo.dataset, ref=version))
    ordered = sorted(expected, key=str.encode)
    _expect(out == b"".join(expected[name] + b"\n" for name in ordered), f"version {version}")


def _flip_a_bit(demo: Demo, version: str, expected: dict[str, bytes]) -> None:
    """Flip one bit in the largest pack, see that reading is refused, and flip it back."""
    s3 = demo.cloud.boto3("s3")
    bucket = demo.deployed.values["ObjectBucket"]
    packs = [item for item in _objects(demo) if "/packs/" in item["Key"]]
    name = max(packs, key=lambda item: item["Size"])["Key"]
    whole = s3.get_object(Bucket=bucket, Key=name)["Body"].read()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0b0001_0000
    s3.put_object(Bucket=bucket, Key=name, Body=bytes(flipped))
    with demo.step("one bit of a stored pack is flipped: reading it is refused"):
        refusal = ""
        try:
            for _ in demo.session.pages(demo.dataset, ref=version):
                pass
        except Refused as refused:
            refusal = refused.problem["code"]
    _expect(refusal == "corrupt", "the answer to a flipped bit")
    s3.put_object(Bucket=bucket, Key=name, Body=whole)
    _compare(demo, version, expected)


def _summarise(
    demo: Demo, first: dict[str, bytes], second: dict[str, bytes], v1_bytes: int, v2_bytes: int
) -> None:
    logical = sum(map(len, first.values()))
    changed = sum(1 for name, line in second.items() if line != first.get(name))
    vault = operator_vault(demo.cloud, demo.deployed)
    caller = Caller("demo", demo.workspace, frozenset({Role.ADMIN}), correlation_id="demo")
    dataset = find_dataset(vault, caller, DatasetId(demo.dataset))
    demo.say(
        f"""
Summary
  records                    {len(first)} in version 1, {len(second)} in version 2
  logical bytes              {logical:,} in version 1
  stored bytes               {v1_bytes:,} for version 1, sealed: {v1_bytes / logical:.2f} of them
  the second version cost    {v2_bytes:,} bytes for {changed} records new or changed
  privacy                    off: personal data is not looked for yet
  sealed by"""
    )
    for row in describe_store_keys(vault, dataset):
        purpose = {"id": "content hashes", "dek": "records, nodes, commits"}[row.text("purpose")]
        demo.say(
            f"    {purpose:24} key '{row.text('purpose')}' epoch {row.number('epoch')} of store"
            f" {dataset.store},\n{'':29} wrapped by {row.text('kek')}"
        )


def stored_bytes(demo: Demo) -> int:
    """All bytes of packs, nodes and commits in the bucket; staged ones are on their way out."""
    return sum(item["Size"] for item in _objects(demo) if "/staged/" not in item["Key"])


def _objects(demo: Demo) -> list[Any]:
    pages = demo.cloud.boto3("s3").get_paginator("list_objects_v2")
    bucket = demo.deployed.values["ObjectBucket"]
    return [item for page in pages.paginate(Bucket=bucket) for item in page.get("Contents", [])]


def _expect(holds: object, what: str) -> None:
    if not holds:
        raise DemoFailed(f"{what} is not what it has to be")
