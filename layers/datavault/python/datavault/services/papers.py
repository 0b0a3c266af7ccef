"""Papers of jobs as sealed objects: written once, read by any later step.

A step that is run again meets what its earlier attempt wrote, and goes on with that: so whatever a
paper says has been said once.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from datavault.domain import keyspace
from datavault.domain.errors import Conflict, Corrupt, NotFound
from datavault.domain.ids import JobId
from datavault.domain.papers import Paper
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault

P = TypeVar("P", bound=Paper)


def write_paper[P: Paper](vault: Vault, keys: StoreKeys, job: JobId, name: str, paper: P) -> P:
    """Keep a paper; the one that counts, which is an earlier attempt's if there was one."""
    sealed = keys.seal(msgspec.json.encode(paper), purpose="job", context=job, place=name)
    try:
        vault.objects.put(keyspace.job_object(keys.store, job, name), [sealed])
    except Conflict:
        found = find_paper(vault, keys, job, name, type(paper))
        if found is None:
            raise Corrupt(f"a paper of job {job} came and went") from None
        return found
    return paper


def read_paper[P: Paper](vault: Vault, keys: StoreKeys, job: JobId, name: str, kind: type[P]) -> P:
    """A paper that must be there; ``NotFound`` if it is not."""
    found = find_paper(vault, keys, job, name, kind)
    if found is None:
        raise NotFound(f"job {job} has no paper {name}")
    return found


def find_paper[P: Paper](
    vault: Vault, keys: StoreKeys, job: JobId, name: str, kind: type[P]
) -> P | None:
    """A paper, verified by its seal, if it was written."""
    try:
        sealed = vault.objects.get(keyspace.job_object(keys.store, job, name))
    except NotFound:
        return None
    opened = keys.unseal(sealed, purpose="job", context=job, place=name)
    try:
        return msgspec.json.decode(opened, type=kind)
    except msgspec.MsgspecError:
        pass  # Its message may quote the paper.
    raise Corrupt(f"paper {name} of job {job} is of another form")


def paper_names(
    vault: Vault, keys: StoreKeys, job: JobId, *, prefix: str, after: str = ""
) -> Iterator[str]:
    """The names of a job's papers that begin so, in order; only those behind ``after``."""
    begin = keyspace.job_object(keys.store, job, after) if after else ""
    for key in vault.objects.keys(keyspace.job_object(keys.store, job, prefix), after=begin):
        yield key.rpartition("/")[2]


def discard_paper(vault: Vault, keys: StoreKeys, job: JobId, name: str) -> None:
    """Delete one paper, if it is there."""
    vault.objects.delete(keyspace.job_object(keys.store, job, name))


def discard_papers(vault: Vault, keys: StoreKeys, job: JobId, *, prefix: str) -> None:
    """Delete the papers whose names begin so."""
    for name in paper_names(vault, keys, job, prefix=prefix):
        discard_paper(vault, keys, job, name)
