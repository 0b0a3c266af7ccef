"""What a job has refused: kept sealed under the keys of its store, to be looked at and mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from datavault.domain import keyspace
from datavault.domain.access import Action, Caller, require
from datavault.domain.ids import JobId
from datavault.domain.jobs import LINES
from datavault.domain.pages import Page
from datavault.domain.papers import Quarantine, Quarantined, quarantine_part
from datavault.ports import Vault
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.jobs.requests import find_job
from datavault.services.keys import open_store
from datavault.services.papers import paper_names, read_paper


def list_quarantined(
    vault: Vault, *, caller: Caller, job_id: JobId, cursor: str | None
) -> Page[Quarantined]:
    """The records that a job refused, in the order of its parts; a page is a paper of them.

    Also while the job works, and whatever has come of it. Mended records go in like any others.
    A record's line is ``None`` as long as a part of its file before its own has not been read.
    """
    require(caller, Action.READ_RECORDS)
    job = find_job(vault, caller, job_id)
    keys = open_store(vault, find_dataset(vault, caller, job.dataset))
    scope = f"list_quarantined/{job_id}"
    after = _Place.of(open_cursor(vault, caller, scope, cursor) or "")
    # This page's, and whether there is another.
    names = [*islice(paper_names(vault, keys, job_id, prefix="quarantine-", after=after.paper), 2)]
    if not names:
        return Page((), None)
    kept = read_paper(vault, keys, job_id, names[0], Quarantine).records
    part = quarantine_part(names[0])
    # All that have others before them are of the file that the part begins in.
    first = min((each.first_part for each in kept if each.first_part is not None), default=part)
    before = _lines_between(vault, job_id, first, part, after)
    place = _Place(names[0]) if before is None else _Place(names[0], first, part, before)
    last = str(place) if len(names) > 1 else None
    return Page(tuple(_numbered(kept, before)), seal_cursor(vault, caller, scope, last))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page goes on: behind a paper; ``lines`` begin in the parts from ``first`` to before
    ``part``, so that no page counts what one before it has."""

    paper: str
    first: int = 0
    part: int = 0
    lines: int = 0

    @classmethod
    def of(cls, text: str) -> "_Place":
        paper, *counts = text.split(" ")
        return cls(paper, *map(int, counts))

    def __str__(self) -> str:
        return f"{self.paper} {self.first} {self.part} {self.lines}"


def _numbered(kept: list[Quarantined], before: int | None) -> Iterator[Quarantined]:
    """Records of one part, their lines counted from the beginning of their file, of which
    ``before`` begin in other parts."""
    for each in kept:
        if each.first_part is None or each.line is None:
            yield each
        else:
            line = None if before is None else before + each.line
            yield msgspec.structs.replace(each, line=line, first_part=None)


def _lines_between(vault: Vault, job_id: JobId, first: int, part: int, known: _Place) -> int | None:
    """How many lines begin in the parts from ``first`` to before ``part``, if all are read."""
    begin, lines = first, 0
    if known.first == first:
        begin, lines = known.part, known.lines
    keys = [keyspace.job_part(job_id, number) for number in range(begin, part)]
    rows = vault.catalog.get_many(keys)
    if len(rows) < len(keys):
        return None
    return lines + sum(row.number(LINES) for row in rows.values() if LINES in row.attributes)
