"""A file through the whole pipeline, counted: ``uv run python -m tests.benchmarks.pipeline``.

In a local cloud: a generated corpus goes up by presigned parts, the state machine takes it in, and
it comes out again and is compared record for record. Every request is counted where the cloud
answers it, so that what is counted is what AWS would bill. Times are of this machine, which also
runs the cloud; calls are the same everywhere. From them ``tests.benchmarks.aws_model`` says what
10 TB would take.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from datavault.client import Vault, pages
from datavault.contracts.jobs import JobReply
from datavault.local.cloud import LocalCloud
from datavault.local.vault import DeployedVault, deploy_vault
from datavault.local.workspace import make_workspace, operator_vault
from tests.benchmarks.aws_model import Counted, model_lines
from tests.benchmarks.corpus import make_corpus
from tests.benchmarks.peak_memory import PeakMemory

RSS_MB_MAX = 300
MACHINE = "datavault-local-ingest-objects"
STAGES = ("PlanIngest", "IngestParts", "MergeGroups", "BuildIngest", "PublishIngest", "CleanIngest")


@dataclass(frozen=True)
class Request:
    """A line of the cloud's log of requests."""

    at: float
    service: str
    operation: str
    taken: int
    given: int
    units: int

    @classmethod
    def all_in(cls, log: Path) -> list["Request"]:
        """Every request so far."""
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return [
            cls(
                each["at"],
                each["service"],
                each["operation"],
                each["in"],
                each["out"],
                each.get("units", 0),
            )
            for each in lines
        ]


@dataclass
class Stage:
    """One stage: when it ran, and what was asked for meanwhile."""

    name: str
    began_s: float
    ended_s: float
    requests: list[Request] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.ended_s - self.began_s

    def calls(self) -> Counter[tuple[str, str]]:
        """Calls by service and operation."""
        return Counter((each.service, each.operation) for each in self.requests)


def main() -> None:
    """Make the corpus, run it through, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=200, help="size of the corpus")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="datavault-pipeline-"))
    try:
        corpus = make_corpus(folder, options.mb)
        size = corpus.first.stat().st_size
        print(f"{corpus.records} records, {size / 1e6:.0f} MB\n")
        log = folder / "requests.jsonl"
        with LocalCloud.start(requests=log) as cloud, PeakMemory(cloud.endpoint) as memory:
            deployed = deploy_vault(cloud)
            measured = measure(cloud, deployed, corpus.first, log)
            tables(measured, corpus.records, size, memory.peaks_mb())
    finally:
        shutil.rmtree(folder)


@dataclass
class Measured:
    """What came of it. ``billed_s`` are the seconds of each function's calls, by its name."""

    stages: list[Stage]
    job: JobReply
    transitions: int
    billed_s: dict[str, list[float]]


def measure(cloud: LocalCloud, deployed: DeployedVault, file: Path, log: Path) -> Measured:
    """Upload, ingest, take out again, compare."""
    workspace = make_workspace(operator_vault(cloud, deployed), "benchmark")
    token = cloud.issuer.token(workspace=workspace, roles=["admin"], subject="benchmark")
    stages = []
    with Vault(endpoint=deployed.api_url, token=token) as vault:
        dataset = vault.create_dataset(name="corpus", record_key="id").id
        began = time.time()
        asked = vault.upload_file(dataset, file)
        stages.append(Stage("upload", began, time.time()))
        job = vault.wait_for_job(asked.id)
        history = executions(cloud, asked.id)
        stages += list(states(history[0]))
        began = time.time()
        require_equal(vault, dataset, job, file)
        stages.append(Stage("export (GET pages)", began, time.time()))
    for request in Request.all_in(log):
        for stage in stages:
            if stage.began_s <= request.at < stage.ended_s:
                stage.requests.append(request)
                break
    return Measured(stages, job, sum(map(transitions, history)), billed(cloud.home / "logs"))


def executions(cloud: LocalCloud, job: str) -> list[list[dict[str, Any]]]:
    """The events of the job's execution, then those of its maps' children."""
    states_client = cloud.boto3("stepfunctions")
    found = states_client.list_state_machines()["stateMachines"]
    (machine,) = [each["stateMachineArn"] for each in found if each["name"] == MACHINE]
    arns = [machine.replace(":stateMachine:", ":execution:") + f":{job}"]
    runs = states_client.list_map_runs(executionArn=arns[0])["mapRuns"]
    for run in runs:
        listed = states_client.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"])
        arns += [each["executionArn"] for page in listed for each in page["executions"]]
    return [_events(states_client, arn) for arn in arns]


def _events(client: Any, arn: str) -> list[dict[str, Any]]:
    listed = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in listed for event in page["events"]]


def states(events: list[dict[str, Any]]) -> Iterator[Stage]:
    """The stages of an execution, each from its first entry to its last exit."""
    for name in STAGES:
        times: list[datetime] = []
        for event in events:
            details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails")
            if details is not None and details["name"] == name:
                times.append(event["timestamp"])
        if times:
            yield Stage(name, min(times).timestamp(), max(times).timestamp())


def transitions(events: list[dict[str, Any]]) -> int:
    """State transitions as they are billed: states that were entered, retries counted too."""
    entered = sum(str(event["type"]).endswith("StateEntered") for event in events)
    scheduled = sum(event["type"] == "TaskScheduled" for event in events)
    tasks = sum(event["type"] == "TaskStateEntered" for event in events)
    return int(entered + max(0, scheduled - tasks))


def billed(logs: Path) -> dict[str, list[float]]:
    """Seconds of each call of each operation, as the functions' own logs have it."""
    found: dict[str, list[float]] = {}
    for path in logs.glob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("{") and '"latency_ms"' in line:
                entry = json.loads(line)
                found.setdefault(entry["operation"], []).append(entry["latency_ms"] / 1000)
    return found


def require_equal(vault: Vault, dataset: str, job: JobReply, file: Path) -> None:
    """Every record of the file is in the commit, byte for byte, and no other."""
    assert job.commit is not None, job
    wanted = set(file.read_bytes().splitlines())
    for page in pages(vault.list_records_as_lines, dataset, ref=job.commit, limit=1000):
        for line in page:
            wanted.remove(line)  # KeyError: another record, or twice.
    if wanted:
        raise SystemExit(f"{len(wanted)} records are missing")


def tables(measured: Measured, records: int, size: int, peaks_mb: dict[str, float]) -> None:
    """Print what was measured, and what follows."""
    gb = size / 1e9
    print(f"{'stage':<20}{'s':>8}{'MB/s':>8}   S3 / DynamoDB / KMS calls")
    for stage in measured.stages:
        services = Counter(each.service for each in stage.requests)
        told = " / ".join(f"{services[name]:,}" for name in ("s3", "dynamodb", "kms"))
        rate = size / 1e6 / max(stage.seconds, 0.001)
        print(f"{stage.name:<20}{stage.seconds:>8.2f}{rate:>8.0f}   {told}")
    pipeline = [stage for stage in measured.stages if stage.name in STAGES]
    print(f"\n{'calls of the pipeline':<44}{'in all':>10}{'a GB':>12}{'a 1000 records':>16}")
    calls: Counter[tuple[str, str]] = sum((stage.calls() for stage in pipeline), Counter())
    for (service, operation), count in sorted(calls.items()):
        name = f"{service} {operation}"
        print(f"{name:<44}{count:>10,}{count / gb:>12,.0f}{1000 * count / records:>16.2f}")
    units = sum(each.units for stage in pipeline for each in stage.requests)
    print(f"{'dynamodb write units, by size as JSON':<44}{units:>10,}{units / gb:>12,.0f}")
    print(
        f"{'states transitions':<44}{measured.transitions:>10,}{measured.transitions / gb:>12,.0f}"
    )
    print(f"\n{'function':<24}{'calls':>8}{'s':>10}{'peak RSS, MB':>14}   <= {RSS_MB_MAX}")
    for name in ("plan_ingest", "ingest_part", "merge_runs", "build_ingest", "publish_ingest"):
        times = measured.billed_s.get(name, [])
        peak = f"{peaks_mb[name]:.0f}" if name in peaks_mb else "-"
        print(f"{name:<24}{len(times):>8}{sum(times):>10.2f}{peak:>14}")
    print("\n" + "\n".join(model_lines(counted(measured, records, size))))


def counted(measured: Measured, records: int, size: int) -> Counted:
    """What the model is made of."""
    by_stage = {stage.name: stage.calls() for stage in measured.stages}
    parts = by_stage["IngestParts"]
    build = by_stage["BuildIngest"]
    seconds = {name: sum(times) for name, times in measured.billed_s.items()}
    return Counted(
        bytes=size,
        records=records,
        parts_put=_s3(parts, "PutObject"),
        parts_get=_s3(parts, "GetObject"),
        build_put=_s3(build, "PutObject"),
        build_get=_s3(build, "GetObject"),
        part_s=seconds["ingest_part"],
        build_s=seconds["build_ingest"],
    )


def _s3(calls: Counter[tuple[str, str]], operation: str) -> int:
    return calls["s3", operation]


if __name__ == "__main__":
    main()
