"""What a job has refused: kept sealed under the keys of its store, to be looked at and mended."""

from collections.abc import Iterator

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
    after = open_cursor(vault, caller, scope, cursor) or ""
    names = [
        name for name in paper_names(vault, keys, job_id, prefix="quarantine-") if name > after
    ]
    if not names:
        return Page((), None)
    kept = read_paper(vault, keys, job_id, names[0], Quarantine).records
    found = _numbered(vault, job_id, quarantine_part(names[0]), kept)
    last = names[0] if len(names) > 1 else None
    return Page(tuple(found), seal_cursor(vault, caller, scope, last))


def _numbered(
    vault: Vault, job_id: JobId, part: int, kept: list[Quarantined]
) -> Iterator[Quarantined]:
    """Records of one part, their lines counted from the beginning of their file.

    All that have others before them are of the file that the part begins in.
    """
    first = min((each.first_part for each in kept if each.first_part is not None), default=part)
    before = _lines_between(vault, job_id, first, part)
    for each in kept:
        if each.first_part is None or each.line is None:
            yield each
        else:
            line = None if before is None else before + each.line
            yield msgspec.structs.replace(each, line=line, first_part=None)


def _lines_between(vault: Vault, job_id: JobId, first: int, part: int) -> int | None:
    """How many lines begin in the parts from ``first`` to before ``part``, if all are read."""
    keys = [keyspace.job_part(job_id, number) for number in range(first, part)]
    rows = vault.catalog.get_many(keys)
    if len(rows) < len(keys):
        return None
    return sum(row.number(LINES) for row in rows.values() if LINES in row.attributes)
