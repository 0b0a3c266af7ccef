"""One part of an ingest: ranges of files become stored bodies and one sorted run.

What holds: a part may be done twice, by two workers at once. Each stores packs of its own; the
first whose outcome is written down counts, and what the other stored is garbage.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from datavault.domain import jobs
from datavault.domain.errors import Invalid, VaultError
from datavault.domain.formats.batch import Batches, Refused
from datavault.domain.formats.detect import Format, Shape
from datavault.domain.formats.pieces import LineCount, bytes_before
from datavault.domain.formats.reading import read_file, read_range
from datavault.domain.ids import JobId, WorkspaceId
from datavault.domain.jobs import Job, Tally
from datavault.domain.papers import (
    JobInput,
    PartOutcome,
    Plan,
    Quarantine,
    Quarantined,
    SourceRef,
    StoredSlice,
    quarantine_name,
)
from datavault.domain.store.columns import Locator, PackRef
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.history import read_commit
from datavault.services.ingest.planning import (
    INPUT,
    PLAN,
    Range,
    format_of,
    open_job_work,
    read_source,
)
from datavault.services.ingest.reading import Reading
from datavault.services.job_steps import open_job, report_part
from datavault.services.papers import find_paper, read_paper, write_paper
from datavault.services.staging import Work

# What is asked of S3 at a time, with one more on its way.
CHUNK_BYTES = 8 * 1024 * 1024
# Refused records are kept in papers of this size, or of one record: each is a page of a list.
QUARANTINE_BYTES = 1024 * 1024


def ingest_part(vault: Vault, *, workspace: WorkspaceId, job_id: JobId, part: int) -> None:
    """Read one part of a job, store what is new, and leave its run and its refused records.

    Raises:
        Cancelled: somebody wants the job to end.
        Malformed, TooLarge, Invalid: a file cannot be read on, or more records are bad than the
            job allows.
        NotFound: a file is gone, or is not the one that the job was asked for.
    """
    job = open_job(vault, workspace, job_id)
    work = open_job_work(vault, job)
    plan = read_paper(vault, work.keys, job.id, PLAN, Plan)
    name = outcome_name(0, part)
    outcome = find_paper(vault, work.keys, job.id, name, PartOutcome)
    if outcome is None:
        done = _read_part(work, job, plan, part)
        outcome = write_paper(vault, work.keys, job.id, name, done)
    size = sum(end - start for _, start, end in plan.parts[part])
    add = Tally(outcome.records, outcome.stored, outcome.quarantined, size, parts=1)
    lines = {jobs.LINES: outcome.lines} if outcome.lines else {}
    report_part(vault, job, "reading", part, add, lines)


def outcome_name(level: int, number: int) -> str:
    """The paper of a run: level 0 are the parts, above are runs merged of those below."""
    return f"run-{level}-{number:06d}"


def run_of(outcome: PartOutcome) -> runs.Run:
    """The run that an outcome describes."""
    return runs.Run(
        None,
        tuple(
            runs.Slice(
                Locator(
                    PackRef(piece.pack, piece.epoch, piece.seed),
                    piece.slot,
                    piece.start,
                    piece.length,
                ),
                piece.last_id,
            )
            for piece in outcome.slices
        ),
    )


def slices_of(run: runs.Run) -> list[StoredSlice]:
    """A stored run as an outcome describes it."""
    return [
        StoredSlice(
            piece.place.pack.id,
            piece.place.pack.epoch,
            piece.place.pack.seed,
            piece.place.slot,
            piece.place.start,
            piece.place.length,
            piece.last_id,
        )
        for piece in run.stored
    ]


def _read_part(work: Work, job: Job, plan: Plan, part: int) -> PartOutcome:
    vault, keys = work.vault, work.keys
    asked = read_paper(vault, keys, job.id, INPUT, JobInput)
    parent = read_commit(vault, keys, work.dataset, plan.parent)
    record_key = work.dataset.record_key
    reading = Reading(work, parent.commit.root, record_key)
    kept = _Quarantine(work, job, part, asked)
    count = LineCount()
    try:
        for piece in plan.parts[part]:
            source = asked.sources[piece[0]]
            file_format = format_of(vault, source)
            # Rows of a table of columns are numbered in the file.
            counts_rows = file_format.shape is Shape.PARQUET
            refuse = kept.of(piece[0], part if counts_rows else _first_part(plan, part, piece))
            reading.read(_batches(vault, source, file_format, piece, refuse, count), refuse)
        kept.flush()
        merged = runs.merged(vault, keys, reading.runs, keyless=record_key is None)
        run = runs.store(vault, keys, (changes.entries for changes in merged))
        counts = (reading.records, reading.stored, kept.count, count.lines)
        return PartOutcome(slices_of(run), *counts)
    finally:
        with suppress(VaultError):
            reading.discard()


def _first_part(plan: Plan, part: int, piece: Range) -> int:
    """The part in which a file begins of which a part has a range: they follow each other."""
    first = part
    while piece[1] and (piece[0], 0) not in (each[:2] for each in plan.parts[first]):
        first -= 1
    return first


def _batches(
    vault: Vault,
    source: SourceRef,
    file_format: Format,
    piece: Range,
    refuse: "_Refusing",
    count: LineCount,
) -> Batches:
    """The records of a range of a file; of a whole one, if it cannot be divided.

    ``count`` counts the lines of a range after which the file goes on.
    """
    _, start, end = piece
    if file_format.shape is Shape.PARQUET:
        yield from _row_groups(vault, source, start, end, refuse)
    elif file_format.splits:
        chunks = _chunks(vault, source, bytes_before(start))
        counted = count if end < source.size else None
        yield from read_range(chunks, file_format, start, end, refuse, count=counted)
    else:
        yield from read_file(_chunks(vault, source, 0), file_format, refuse)


def _row_groups(
    vault: Vault, source: SourceRef, start: int, end: int, refuse: "_Refusing"
) -> Batches:
    """The records of the row groups that begin in a range of a Parquet file."""
    file = _LandedFile(vault, source)
    for index, group in enumerate(vault.columnar.groups(file)):
        if start <= group.begins < end:
            yield from vault.columnar.read(file, index, refuse)


@dataclass(frozen=True, slots=True)
class _LandedFile:
    """A file of the landing, for those who read it here and there."""

    vault: Vault
    source: SourceRef

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, start: int, length: int) -> bytes:
        return read_source(self.vault, self.source, start, length)


def _chunks(vault: Vault, source: SourceRef, start: int) -> Iterator[bytes]:
    """The bytes of a file from ``start`` on, asked for as they are needed."""
    for at in range(start, source.size, CHUNK_BYTES):
        yield read_source(vault, source, at, CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class _Refusing:
    """Refuses records of one source, which begins in ``first_part``."""

    quarantine: "_Quarantine"
    source: int
    first_part: int

    def __call__(self, refused: Refused) -> None:
        self.quarantine.add(self.source, refused, self.first_part)


class _Quarantine:
    """The refused records of one part: counted, and kept sealed.

    Whoever does the part again adds the same in the same order, and so makes the same papers.
    """

    def __init__(self, work: Work, job: Job, part: int, asked: JobInput) -> None:
        self.count = 0
        self._names = [source.name for source in asked.sources]
        self._work = work
        self._job = job
        self._part = part
        self._records_max = asked.bad_records_max
        self._held: list[Quarantined] = []
        self._size = 0
        self._papers = 0

    def of(self, source: int, first_part: int) -> _Refusing:
        """What refuses records of a source that begins in ``first_part``."""
        return _Refusing(self, source, first_part)

    def add(self, source: int, refused: Refused, first_part: int) -> None:
        """Keep a record; ``Invalid`` when it is one more than the whole job may have."""
        self.count += 1
        place = refused.place
        begins_here = first_part == self._part
        size = len(refused.raw) + 200
        if self._held and self._size + size > QUARANTINE_BYTES:
            self._write()
        self._held.append(
            Quarantined(
                self._names[source],
                place.line,
                place.offset,
                refused.error.code,
                str(refused.error),
                refused.size,
                refused.raw,
                None if begins_here else first_part,
            )
        )
        self._size += size
        if self.count > self._records_max:
            self.flush()
            where = f"line {place.line}" if begins_here else f"byte {place.offset}"
            raise Invalid(
                f"more than {self._records_max} records are bad, the first of them:"
                f" file {source + 1}, {where}: {refused.error}"
                if self.count == 1
                else f"more than {self._records_max} records are bad",
                field="max_bad_records",
            )

    def flush(self) -> None:
        """Keep what is held."""
        if self._held:
            self._write()

    def _write(self) -> None:
        name = quarantine_name(self._part, self._papers)
        write_paper(self._work.vault, self._work.keys, self._job.id, name, Quarantine(self._held))
        self._papers += 1
        self._held, self._size = [], 0
