"""Ingest: a stream of NDJSON becomes one commit.

The stream is cut into batches of up to 24 MiB, which worker threads take one each
(``services.ingest.reading``). Their runs are merged into the tree, and one transaction moves the
branch. Memory is bounded by the batches in hand, whatever the length of the stream.

What holds: until the transaction nothing is visible, and what was stored is garbage if it never
comes. Staged changes stay staged, on top of the new commit. A bad line refuses the whole ingest,
naming the line.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from datavault.domain import ledger, refs
from datavault.domain.access import Action, Caller, require
from datavault.domain.datasets import still_active
from datavault.domain.errors import Invalid, VaultError
from datavault.domain.formats.batch import BATCH_BYTES
from datavault.domain.formats.lines import read_ndjson
from datavault.domain.history import Commit, Kept, child_of
from datavault.domain.ids import BranchName, CommitId, DatasetId
from datavault.domain.papers import Mode
from datavault.domain.reflog import Why
from datavault.domain.requests import Request
from datavault.ports import Vault
from datavault.services import runs
from datavault.services.attempts import attempt, attempts, earlier_outcome, remember
from datavault.services.datasets import find_writable_dataset
from datavault.services.history import (
    Authorship,
    build_tree,
    commit_row,
    read_commit,
    write_commit,
)
from datavault.services.ingest.reading import WORKERS, Reading, refuse_all, require_mode
from datavault.services.nodes import open_tree
from datavault.services.record_schemas import open_checker
from datavault.services.refs import open_work, settled
from datavault.services.staging import Work


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of an ingest: its commit, the records read, and those whose bodies were stored."""

    commit: Commit
    records: int
    stored: int


def ingest_lines(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    branch: BranchName,
    chunks: Iterable[bytes],
    message: str,
    mode: Mode = Mode.UPSERT,
    request: Request | None = None,
    workers: int = WORKERS,
) -> Ingested:
    """Put every record of an NDJSON stream on a branch, as one commit.

    ``chunks`` is the stream in pieces of any size. Of lines with the same id the last counts.
    Without a ``record_key``, a record's id comes of its content and a number among equals, so
    that the same stream again changes nothing. What changes nothing makes no commit: the answer
    is then the commit that the branch is at.

    Raises:
        Malformed, Invalid, TooLarge: a line, named by its number from 1, is no record, or does not
            match the schema that the dataset has as this begins.
        Invalid: an empty stream would replace everything.
        Conflict: the branch is protected, or has records of the stream with other contents and
            the mode is to add only.
        Throttled: other changes to the branch keep coming first.
    """
    require(caller, Action.COMMIT)
    require(caller, Action.APPEND_RECORDS)
    dataset = find_writable_dataset(vault, caller, dataset_id, request)
    work = open_work(vault, dataset, branch)
    before = earlier_outcome(vault, caller, request)
    if before is not None:
        return _remembered(work, before)
    said = Authorship(caller.subject, message, vault.clock.now_ms())
    start = _settled(work, caller)
    reading = Reading(work, start.parent.commit.root, open_checker(vault, dataset))
    try:
        batches = read_ndjson(chunks, refuse_all, batch_bytes=BATCH_BYTES)
        reading.read(batches, refuse_all, workers=workers)
        if mode is Mode.REPLACE and not reading.records:
            raise Invalid("an empty stream would remove every record of the branch")
        return _publish(reading, start, said, mode, caller, request)
    finally:
        # What cannot be deleted now is garbage like any other; it must not hide what happened.
        with suppress(VaultError):
            reading.discard()


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a branch is, nothing being pending on it."""

    head: refs.Head
    parent: Kept


def _settled(work: Work, caller: Caller) -> _Start:
    """Where the branch is, once no commit job is pending on it."""
    head = settled(work, caller)
    refs.require_unprotected(head)
    return _Start(head, read_commit(work.vault, work.keys, work.dataset, head.commit))


def _publish(
    reading: Reading,
    start: _Start,
    said: Authorship,
    mode: Mode,
    caller: Caller,
    request: Request | None,
) -> Ingested:
    """Make the commit on the branch's head, and move the branch; again if it was moved."""
    work = reading.work
    vault, keys, dataset = work.vault, work.keys, work.dataset
    for token in attempts(vault, "the branch"):
        parent = start.parent
        changes = runs.merged(vault, keys, reading.runs, keyless=reading.record_key is None)
        if mode is Mode.REPLACE:
            before = open_tree(vault, keys).scan(parent.commit.root)
            changes = runs.replacing(before, changes)
        built = build_tree(vault, keys, parent.commit, changes)
        now_ms = vault.clock.now_ms()
        if built.root.address == parent.commit.root.address:
            if _remember_nothing_changed(reading, start, caller, request, token):
                return Ingested(parent.commit, reading.records, reading.stored)
            start = _settled(work, caller)
            continue
        require_mode(mode, changed=built.counts.changed)
        commit = write_commit(vault, keys, parent.commit, built, said)
        why = Why("ingest_lines", caller.subject, now_ms)
        entry = ledger.entry(
            caller,
            Action.COMMIT,
            why.operation,
            dataset.id,
            now_ms,
            branch=work.branch,
            commit=commit.id,
            records=reading.records,
        )
        moved = [
            still_active(dataset, token),
            *refs.move(work.named, start.head, commit.id, why),
            commit_row(keys, dataset, child_of([parent], commit)),
            *remember(vault, caller, request, _outcome(reading, commit), now_ms),
            entry,
        ]
        if attempt(vault, moved, token):
            return Ingested(commit, reading.records, reading.stored)
        done = earlier_outcome(vault, caller, request)
        if done is not None:
            return _remembered(work, done)
        start = _settled(work, caller)
    raise AssertionError("attempts ends by raising")


def _remember_nothing_changed(
    reading: Reading, start: _Start, caller: Caller, request: Request | None, token: str
) -> bool:
    """Let a repeated request find that it changed nothing; whether the branch is still there."""
    if request is None:
        return True
    vault = reading.work.vault
    outcome = _outcome(reading, start.parent.commit)
    remembered = remember(vault, caller, request, outcome, vault.clock.now_ms())
    held = [
        still_active(reading.work.dataset, token),
        *refs.still(reading.work.branch, start.head),
    ]
    return attempt(vault, [*held, *remembered], token)


def _outcome(reading: Reading, commit: Commit) -> str:
    return f"{commit.id} {reading.records} {reading.stored}"


def _remembered(work: Work, outcome: str) -> Ingested:
    commit, records, stored = outcome.split()
    kept = read_commit(work.vault, work.keys, work.dataset, CommitId(commit))
    return Ingested(kept.commit, int(records), int(stored))
