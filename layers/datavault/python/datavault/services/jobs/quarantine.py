"""What a job has refused: kept sealed under the keys of its store, to be looked at and mended."""

from datavault.domain.access import Action, Caller, require
from datavault.domain.ids import JobId
from datavault.domain.pages import Page
from datavault.domain.papers import Quarantine, Quarantined
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
    found = read_paper(vault, keys, job_id, names[0], Quarantine)
    last = names[0] if len(names) > 1 else None
    return Page(tuple(found.records), seal_cursor(vault, caller, scope, last))
