"""One part of an ingest: ranges of files become stored bodies and one sorted run.

What holds: a part may be done twice, by two workers at once. Each stores packs of its own; the
first whose outcome is written down counts, and what the other stored is garbage. One that ends
after its job removes its run; where it cannot, the sweep of the landing does.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from datavault.domain import jobs
from datavault.domain.errors import Cancelled, Invalid, VaultError
from datavault.domain.formats.batch import (
    Batches,
    Origin,
    Place,
    Refuse,
    Refused,
    joined,
)
from datavault.domain.formats.detect import HEAD_BYTES, Format, Shape, detect
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
from datavault.domain.store.places import Locator, PackRef
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.history import read_commit
from datavault.services.ingest.planning import (
    INPUT,
    PLAN,
    Range,
    open_job_work,
    read_source,
)
from datavault.services.ingest.reading import Reading
from datavault.services.job_steps import open_job, report_part
from datavault.services.papers import discard_paper, find_paper, read_paper, write_paper
from datavault.services.record_schemas import open_checker
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
    try:
        report_part(vault, job, "reading", part, add, lines)
    except Cancelled:
        # Whoever ended the job may have looked for what it left before this was there.
        runs.discard(vault, work.keys, [run_of(outcome)])
        discard_paper(vault, work.keys, job.id, name)
        raise


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
    # The plan's schema, so that all parts are checked by one.
    checker = open_checker(vault, replace(work.dataset, schema=plan.schema))
    reading = Reading(work, parent.commit.root, checker)
    kept = _Quarantine(work, job, part, asked)
    count = LineCount()
    try:
        files = _files(vault, asked, plan, part, kept, count)
        reading.read(joined(files), kept.add)
        kept.flush()
        merged = runs.merged(vault, keys, reading.runs, keyless=reading.record_key is None)
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


def _files(
    vault: Vault, asked: JobInput, plan: Plan, part: int, kept: "_Quarantine", count: LineCount
) -> Batches:
    """The records of a part, file after file; ``count`` is of a range after which its file goes on.

    What is refused of a file says which file it is, as do the places of what it gives.
    """
    for piece in plan.parts[part]:
        number = piece[0]
        source = asked.sources[number]
        head = read_source(vault, source, 0, HEAD_BYTES)
        file_format = detect(head, source.name, given=source.given())
        if file_format.shape is not Shape.PARQUET:  # Whose rows are numbered in the file.
            kept.begins_in(number, _first_part(plan, part, piece))
        file = _File(vault, source, head)
        for batch in _batches(file, file_format, piece, partial(_refuse_of, number, kept), count):
            yield replace(batch, origin=_InFile(number, batch.origin))


@dataclass(frozen=True, slots=True)
class _InFile:
    """An origin that says which file its places are in."""

    number: int
    origin: Origin

    def place(self, line: int) -> Place:
        return replace(self.origin.place(line), file=self.number)


def _refuse_of(number: int, kept: "_Quarantine", refused: Refused) -> None:
    kept.add(replace(refused, place=replace(refused.place, file=number)))


def _batches(
    file: "_File", file_format: Format, piece: Range, refuse: Refuse, count: LineCount
) -> Batches:
    """The records of a range of a file; of a whole one, if it cannot be divided."""
    _, start, end = piece
    if file_format.shape is Shape.PARQUET:
        yield from _row_groups(file, start, end, refuse)
    elif file_format.splits:
        chunks = file.chunks(bytes_before(start))
        counted = count if end < file.size else None
        yield from read_range(chunks, file_format, start, end, refuse, count=counted)
    else:
        yield from read_file(file.chunks(0), file_format, refuse)


def _row_groups(file: "_File", start: int, end: int, refuse: Refuse) -> Batches:
    """The records of the row groups that begin in a range of a Parquet file."""
    columnar = file.vault.columnar
    for index, group in enumerate(columnar.groups(file)):
        if start <= group.begins < end:
            yield from columnar.read(file, index, refuse)


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the landing whose beginning is known."""

    vault: Vault
    source: SourceRef
    head: bytes

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, start: int, length: int) -> bytes:
        return read_source(self.vault, self.source, start, length)

    def chunks(self, start: int) -> Iterator[bytes]:
        """The bytes from ``start`` on, asked for as they are needed; of a small file, known."""
        if len(self.head) == self.size:
            yield self.head[start:]
            return
        for at in range(start, self.size, CHUNK_BYTES):
            yield self.read(at, CHUNK_BYTES)


class _Quarantine:
    """The refused records of one part: counted, and kept sealed.

    Whoever does the part again adds the same in the same order, and so makes the same papers.
    """

    def __init__(self, work: Work, job: Job, part: int, asked: JobInput) -> None:
        self.count = 0
        self._sources = asked.sources
        self._first_parts: dict[int, int] = {}
        self._work = work
        self._job = job
        self._part = part
        self._records_max = asked.bad_records_max
        self._held: list[Quarantined] = []
        self._size = 0
        self._papers = 0

    def begins_in(self, file: int, part: int) -> None:
        """Say that a file whose lines are counted here began in that part."""
        if part != self._part:
            self._first_parts[file] = part

    def add(self, refused: Refused) -> None:
        """Keep a record; ``Invalid`` when it is one more than the whole job may have."""
        self.count += 1
        place = refused.place
        first_part = self._first_parts.get(place.file)
        size = len(refused.raw) + 200
        if self._held and self._size + size > QUARANTINE_BYTES:
            self._write()
        self._held.append(
            Quarantined(
                self._sources[place.file].name,
                place.line,
                place.offset,
                refused.error.code,
                str(refused.error),
                refused.size,
                refused.raw,
                first_part,
            )
        )
        self._size += size
        if self.count > self._records_max:
            self.flush()
            where = f"line {place.line}" if first_part is None else f"byte {place.offset}"
            raise Invalid(
                f"more than {self._records_max} records are bad, the first of them:"
                f" file {place.file + 1}, {where}: {refused.error}"
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
