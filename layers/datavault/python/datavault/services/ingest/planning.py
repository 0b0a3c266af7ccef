"""Planning an ingest: what each file is, and which worker reads what.

A part is what one worker reads in one go: ranges of some files, about ``PART_BYTES`` together, or
one file that cannot be read from its middle, of ``CONTENT_BYTES_MAX`` at most. Small files share a
part.
"""

from collections.abc import Iterator, Sequence

from datavault.domain.errors import Invalid, TooLarge, VaultError
from datavault.domain.formats.decoding import CONTENT_BYTES_MAX
from datavault.domain.formats.detect import HEAD_BYTES, Format, detect
from datavault.domain.ids import JobId, WorkspaceId
from datavault.domain.jobs import Job, Tally
from datavault.domain.papers import JobInput, Plan, SourceRef
from datavault.domain.refs import require_unprotected
from datavault.ports import Vault
from datavault.services.datasets import find_writable_dataset
from datavault.services.job_steps import acting_for, open_job, report, report_part
from datavault.services.papers import find_paper, read_paper, write_paper
from datavault.services.refs import open_work, settled
from datavault.services.staging import Work

# Read at 50 MB/s it takes a worker five seconds; a worker has fifteen minutes.
PART_BYTES = 256 * 1024 * 1024
# A small file costs a worker a GET, some 50 ms: a thousand are a minute.
FILES_MAX = 1000
# Numbers of parts are state: 10,000 of them are 49 kB of 256 KiB.
PARTS_MAX = 10_000
INPUT, PLAN = "input", "plan"
# The plan reports in the same way as the parts, under a number that none of them has.
_PLAN_PART = 99_999_999

type Range = tuple[int, int, int]


def plan_ingest(vault: Vault, *, workspace: WorkspaceId, job_id: JobId) -> int:
    """Divide a job's files into parts and freeze the commit they are compared with, and the schema
    that they are checked by; how many parts there are.

    A repetition finds the plan made and changes nothing.

    Raises:
        Cancelled: somebody wants the job to end.
        Conflict: the dataset is archived, or the branch protected.
        NotFound: a file is gone, or is not the one that the job was asked for.
        TooLarge: a file that one worker has to read is more than it reads in time, or there are
            more than ``PARTS_MAX`` parts.
    """
    job = open_job(vault, workspace, job_id)
    work = open_job_work(vault, job)
    report(vault, job, "planning")
    made = find_paper(vault, work.keys, job.id, PLAN, Plan)
    if made is None:
        asked = read_paper(vault, work.keys, job.id, INPUT, JobInput)
        if not asked.sources:
            raise Invalid("the job has no files: what was put there was refused")
        head = settled(work, acting_for(job))
        require_unprotected(head)
        plan = Plan(head.commit, list(_parts(vault, asked.sources)), work.dataset.schema)
        made = write_paper(vault, work.keys, job.id, PLAN, plan)
    total = sum(end - start for part in made.parts for _, start, end in part)
    tally = Tally(parts_total=len(made.parts), bytes_total=total)
    report_part(vault, job, "reading", _PLAN_PART, tally, {})
    return len(made.parts)


def open_job_work(vault: Vault, job: Job) -> Work:
    """The branch that a job works on."""
    dataset = find_writable_dataset(vault, acting_for(job), job.dataset)
    return open_work(vault, dataset, job.branch)


def format_of(vault: Vault, source: SourceRef) -> Format:
    """What a file is, by its first bytes and what was said of it."""
    head = read_source(vault, source, 0, HEAD_BYTES)
    return detect(head, source.name, given=source.given())


def read_source(vault: Vault, source: SourceRef, at: int, length: int) -> bytes:
    """Bytes of a file from ``at`` on, counted in the file; fewer at its end."""
    length = min(length, source.size - at)
    if length <= 0:
        return b""
    return vault.landing.read(source.landed, source.start + at, length)


def _parts(vault: Vault, sources: Sequence[SourceRef]) -> Iterator[list[Range]]:
    total = sum(source.size for source in sources)
    # A file that ends within a part may leave it half empty: half as many would be enough.
    part_bytes = max(PART_BYTES, 2 * total // PARTS_MAX)
    part: list[Range] = []
    size = count = 0
    for piece in _ranges(vault, sources, part_bytes):
        length = piece[2] - piece[1]
        if part and (size + length > part_bytes or len(part) == FILES_MAX):
            yield part
            part, size = [], 0
            count += 1
            if count > PARTS_MAX:
                raise TooLarge(f"{len(sources)} files make more than {PARTS_MAX} parts")
        part.append(piece)
        size += length
    if part:
        yield part


def _ranges(
    vault: Vault, sources: Sequence[SourceRef], part_bytes: int
) -> Iterator[tuple[int, int, int]]:
    for number, source in enumerate(sources):
        if source.size <= part_bytes:
            if source.size:
                yield number, 0, source.size
            continue
        if not _splits(vault, source):
            if source.size > CONTENT_BYTES_MAX:
                raise TooLarge(
                    f"file {number + 1} has {source.size} bytes; one that cannot be read from its"
                    f" middle has at most {CONTENT_BYTES_MAX}: divide it"
                )
            yield number, 0, source.size
            continue
        for start in range(0, source.size, part_bytes):
            yield number, start, min(start + part_bytes, source.size)


def _splits(vault: Vault, source: SourceRef) -> bool:
    """Whether a file can be divided; one that is no good is met by who reads it."""
    try:
        return format_of(vault, source).splits
    except VaultError:
        return False
