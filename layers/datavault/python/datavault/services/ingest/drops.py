"""Drops: what others put into the landing bucket becomes a job, once.

What holds: an event asks for one job, whose id follows from the event, however often and late it
comes; what it is to read is frozen in the job's input by whichever attempt comes first. An object
that has been replaced meanwhile is left to the event of the one that replaced it. What asks for a
job and gets none is told: as a job that has failed where a dataset takes one, else as a code that
is logged and counted. Nothing here tells a key: people name files.
"""

from contextlib import suppress
from dataclasses import dataclass

import msgspec

from datavault.domain import jobs, keyspace, ledger, uploads
from datavault.domain.access import Action, Caller
from datavault.domain.datasets import Dataset, still_active
from datavault.domain.drops import (
    Dropped,
    DropPlace,
    parse_drop_key,
    require_inside,
    why_left,
)
from datavault.domain.errors import (
    Conflict,
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unavailable,
    VaultError,
)
from datavault.domain.formats.sources import MANIFEST_BYTES_MAX, Source, parse_manifest
from datavault.domain.ids import JobId
from datavault.domain.jobs import Failure, Job, JobState
from datavault.domain.landing import Landed
from datavault.domain.papers import JobInput, Mode, SourceRef
from datavault.domain.refs import require_unprotected
from datavault.domain.rows import Change
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts
from datavault.services.datasets import find_writable_dataset
from datavault.services.ingest.uploads import INPUT, asked_job
from datavault.services.job_steps import end_job, start_job
from datavault.services.keys import open_store
from datavault.services.papers import write_paper
from datavault.services.refs import open_work
from datavault.services.staging import read_head

_MESSAGE = "Ingest what was put into the landing"
_REPLACED = "replaced: the event of the object that is there now counts"
# More files than this are looked up by listing their folder, a thousand at a time.
_LOOKED_UP_MAX = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of an event: a job, or the reason why there is none.

    ``refused`` is the code of the refusal where a job was asked for; without it none was.
    """

    job: JobId | None
    ignored: str | None = None
    refused: str | None = None


def open_drop(vault: Vault, *, dropped: Dropped) -> Opened:
    """Ask for the job of an object that was put under ``landing/``, and start it.

    Whoever could put it there may: that is decided by the bucket's policy and by IAM. The job
    takes the file in as its content says, replacing records of the same id; a bad record fails
    it. Of a manifest it takes in the files that this names, which have to be there by then. A
    manifest that is wrong, or a branch that takes nothing, makes a job that has failed, so that
    somebody can see it. A dataset that is archived or not there has no jobs: that is ``refused``.

    Raises:
        NotFound: the object is not there: it cannot be seen yet, so try again; or it is gone.
    """
    left = why_left(dropped.key)
    if left is not None:
        return Opened(None, left)
    try:
        place = parse_drop_key(dropped.key)
        earlier = _find_job(vault, place, dropped.job)
        if earlier is not None:
            return _started(vault, earlier)
        caller = Caller(
            f"aws:{dropped.requester}", place.workspace, frozenset(), dropped.correlation_id
        )
        dataset = find_writable_dataset(vault, caller, place.dataset)
    except (Invalid, NotFound, Conflict) as refusal:
        return _refused(refusal)
    try:
        landed = vault.landing.head(dropped.key)
    except NotFound:
        raise NotFound("the object that was put is not there") from None
    if landed.etag != dropped.etag:
        return Opened(None, _REPLACED)
    wanted, failure = _wanted(vault, dataset, place, landed)
    return _ask(vault, caller, dataset, place, dropped.job, wanted, failure)


def _ask(
    vault: Vault,
    caller: Caller,
    dataset: Dataset,
    place: DropPlace,
    job_id: JobId,
    wanted: JobInput,
    failure: Failure | None,
) -> Opened:
    """One transaction asks for the job. A job without sources fails, at the latest in its plan."""
    kept = write_paper(vault, open_store(vault, dataset), job_id, INPUT, wanted)
    for token in attempts(vault, "the dataset"):
        now_ms = vault.clock.now_ms()
        job = asked_job(caller, dataset, place.branch, job_id, now_ms)
        changes: list[Change] = [
            still_active(dataset, token),
            *jobs.request(job),
            uploads.remove_sources_later(place.workspace, dataset.id, job_id, now_ms),
            ledger.entry(caller, Action.UPLOAD, "open_drop", dataset.id, now_ms, job=job_id),
        ]
        try:
            asked = attempt(vault, changes, token)
        except Conflict as refusal:
            return _refused(refusal)
        earlier = job if asked else _find_job(vault, place, job_id)
        if earlier is None:
            continue
        if failure is not None and not kept.sources:
            end_job(vault, place.workspace, job_id, failure, operation="open_drop")
            return Opened(job_id)
        return _started(vault, earlier)
    raise AssertionError("attempts ends by raising")


def _started(vault: Vault, job: Job) -> Opened:
    """The job, started if it is not yet; what Step Functions does not answer, the sweep starts."""
    if job.state is JobState.QUEUED:
        with suppress(Unavailable):
            start_job(vault, job)
    return Opened(job.id)


def _refused(refusal: VaultError) -> Opened:
    return Opened(None, str(refusal), refusal.code)


def _find_job(vault: Vault, place: DropPlace, job_id: JobId) -> Job | None:
    row = vault.catalog.get(keyspace.job(place.workspace, job_id))
    return None if row is None else Job.of(row)


def _wanted(
    vault: Vault, dataset: Dataset, place: DropPlace, landed: Landed
) -> tuple[JobInput, Failure | None]:
    """What the job reads, which goes with it; or why it cannot."""
    put = SourceRef(landed.key, landed.etag, landed.size, place.name)
    # Not among the sources, so that nothing is read, but removed with the job.
    nothing = msgspec.structs.replace(_taking([]), manifest=put)
    try:
        require_unprotected(read_head(open_work(vault, dataset, place.branch)))
    except (NotFound, Conflict) as refusal:
        return nothing, Failure(refusal.code, f"the branch takes nothing: {refusal}")
    if not place.is_manifest:
        return _taking([put]), None
    try:
        return msgspec.structs.replace(_listed(vault, place, landed), manifest=put), None
    except PreconditionFailed:
        raise Unavailable("the manifest was replaced while it was read") from None
    except (Malformed, Invalid, TooLarge) as refusal:
        failure = Failure(refusal.code, f"the manifest that was dropped: {refusal}")
        return nothing, failure


def _taking(sources: list[SourceRef]) -> JobInput:
    return JobInput(sources, Mode.UPSERT, _MESSAGE)


def _listed(vault: Vault, place: DropPlace, manifest: Landed) -> JobInput:
    """To take in the files that a manifest names, each in the version that is there now."""
    if manifest.size > MANIFEST_BYTES_MAX:
        raise TooLarge(
            f"a manifest has at most {MANIFEST_BYTES_MAX} bytes; this has {manifest.size}"
        )
    parsed = parse_manifest(vault.landing.read(manifest, 0, manifest.size))
    named = parsed.sources
    for source in named:
        require_inside(source.name)
    there = _look_up(vault, place.folder, named)
    missing = [number for number, source in enumerate(named, 1) if source.name not in there]
    if missing:
        raise Invalid(
            f"{len(missing)} of its {len(named)} files are not there, file {missing[0]} being the"
            " first: put it after all files that it names"
        )
    wanted = _taking(
        [
            SourceRef(found.key, found.etag, found.size, source.name, source.shape)
            for source in named
            for found in [there[source.name]]
        ]
    )
    return msgspec.structs.replace(wanted, count_bounds=parsed.count_bounds)


def _look_up(vault: Vault, folder: str, named: tuple[Source, ...]) -> dict[str, Landed]:
    """Those of the files that are there, by name."""
    if len(named) > _LOOKED_UP_MAX:
        wanted = {source.name for source in named}
        names = ((found.key.removeprefix(folder), found) for found in vault.landing.list(folder))
        return {name: found for name, found in names if name in wanted}
    there: dict[str, Landed] = {}
    for source in named:
        with suppress(NotFound, ValueError):
            there[source.name] = vault.landing.head(folder + source.name)
    return there
