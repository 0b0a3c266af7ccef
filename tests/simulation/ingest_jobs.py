"""A job of the pipeline, run from its shipped file on the memory vault."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from datavault.domain import jobs
from datavault.domain.errors import VaultError
from datavault.domain.ids import BranchName, JobId, new_id
from datavault.domain.jobs import Job, JobKind, JobState, Tally
from datavault.domain.landing import Landed
from datavault.domain.papers import JobInput, Mode, SourceRef
from datavault.ports import Vault
from datavault.services.ingest.planning import INPUT
from datavault.services.jobs.requests import get_job
from datavault.services.keys import open_store
from datavault.services.papers import write_paper
from functions.ingest import (
    abort_ingest,
    build_ingest,
    clean_ingest,
    ingest_part,
    merge_runs,
    plan_ingest,
    publish_ingest,
)
from infra.workflows import FOLDER
from tests.support.asl import ExecutionFailed, Machine
from tests.support.builders import MAIN, Shelf
from tests.support.chaos import Crash

FILE = FOLDER / "ingest_objects.asl.json"
FUNCTIONS = {
    "PlanIngest": plan_ingest.handler,
    "IngestPart": ingest_part.handler,
    "MergeRuns": merge_runs.handler,
    "BuildIngest": build_ingest.handler,
    "PublishIngest": publish_ingest.handler,
    "CleanIngest": clean_ingest.handler,
    "AbortIngest": abort_ingest.handler,
}

type Process = Callable[[], Vault]


def lines(rows: Mapping[str, object]) -> bytes:
    """Records as NDJSON, each with its id."""
    return b"".join(
        json.dumps({"id": each, "n": value}).encode() + b"\n" for each, value in rows.items()
    )


@contextmanager
def told_to_the_machine() -> Iterator[None]:
    """A failure as the machine hears of it: an error by its name, a crash as a dead process."""
    try:
        yield
    except Crash as crash:
        raise ExecutionFailed("Runtime.ExitError") from crash
    except Exception as error:
        raise ExecutionFailed(type(error).__name__) from error


@dataclass
class Pipeline:
    """Asks for jobs on a shelf and runs them; every step in a process of its own."""

    shelf: Shelf
    process: Process
    crash: type[BaseException] | None = None
    trail: list[str] = field(default_factory=list)

    def ask(
        self,
        *files: bytes,
        names: tuple[str, ...] = (),
        branch: BranchName = MAIN,
        **options: Any,
    ) -> Job:
        """A job that takes in these files."""
        vault = self.shelf.vault
        job_id = JobId(new_id("job", vault.clock.now_ms()))
        sources = []
        for number, content in enumerate(files):
            name = names[number] if names else f"file-{number}.jsonl"
            landed = vault.landing.put(f"landing/{job_id}/{number}", content)  # type: ignore[attr-defined]
            sources.append(SourceRef(landed.key, landed.etag, landed.size, name))
        return self._asked(job_id, sources, branch, options)

    def ask_landed(self, landed: Landed, *, name: str, **options: Any) -> Job:
        """A job that takes in a file that is there."""
        job_id = JobId(new_id("job", self.shelf.vault.clock.now_ms()))
        source = SourceRef(landed.key, landed.etag, landed.size, name)
        return self._asked(job_id, [source], MAIN, options)

    def _asked(
        self, job_id: JobId, sources: list[SourceRef], branch: BranchName, options: dict[str, Any]
    ) -> Job:
        vault, dataset = self.shelf.vault, self.shelf.dataset
        now_ms = vault.clock.now_ms()
        asked = JobInput(sources, options.pop("mode", Mode.UPSERT), "files", **options)
        keys = open_store(vault, dataset)
        write_paper(vault, keys, job_id, INPUT, asked)
        job = Job(
            id=job_id,
            workspace=dataset.workspace,
            dataset=dataset.id,
            branch=branch,
            kind=JobKind.INGEST_OBJECTS,
            state=JobState.QUEUED,
            phase="queued",
            tally=Tally(),
            created_ms=now_ms,
            updated_ms=now_ms,
            ended_ms=None,
            created_by=self.shelf.caller.subject,
            correlation_id="correlation",
            warnings=(),
            failure=None,
            commit=None,
        )
        vault.catalog.write(jobs.request(job), token=job_id[-36:])
        return job

    def run(self, job: Job, *, between: Callable[[str], None] = lambda _: None) -> Job:
        """The job after its state machine has ended, well or not."""
        payload = {"workspace": job.workspace, "job": job.id, "correlation_id": "correlation"}

        def call(name: str, given: Any) -> Any:
            between(name)
            try:
                return FUNCTIONS[name].run(self.process(), given)
            except VaultError as error:
                raise ExecutionFailed(type(error).__name__) from error
            except BaseException as error:
                if self.crash is None or not isinstance(error, self.crash):
                    raise
                raise ExecutionFailed("Runtime.ExitError") from error

        machine = Machine.load(FILE, call)
        try:
            machine.run(payload)
        except ExecutionFailed as failed:
            if failed.error != "JobFailed":
                raise
        self.trail = machine.trail
        return get_job(self.shelf.vault, caller=self.shelf.caller, job_id=job.id)
