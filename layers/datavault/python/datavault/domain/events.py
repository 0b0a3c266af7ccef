"""Events: what other teams are told of the ledger's entries, and what they are not.

``PUBLICATIONS`` is the one table from operations to kinds of events. An event carries what its row
names and no more, so that a detail which somebody adds to an entry stays inside until somebody
decides that it may leave. Nothing personal leaves: no record id, name or message; actors, tags'
names and correlation ids that are no UUID are pseudonyms, keyed by the workspace.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datavault.domain import digests
from datavault.domain.errors import Invalid
from datavault.domain.ids import DatasetId, EntryId, WorkspaceId
from datavault.domain.ledger import Entry
from datavault.domain.rows import Value

SOURCE = "io.llm-data-vault"
_DATASET = "ds_"
# What the vault makes itself, and what clients draw; anything else may be somebody's name.
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Publication:
    """How the entries of an operation are told: as ``kind``, with the details in ``facts``.

    ``hidden`` are details that leave as pseudonyms. With ``where``, a detail's name and value (or
    ``None`` for any), the row is for entries that have it.
    """

    operation: str
    kind: str
    facts: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    where: tuple[str, str | None] | None = None

    def tells(self, entry: Entry) -> bool:
        """Whether this row is the entry's."""
        if entry.operation != self.operation:
            return False
        if self.where is None:
            return True
        name, value = self.where
        return name in entry.details and value in {None, entry.details[name]}


_CHANGE = ("branch", "records")
_COMMIT = ("branch", "commit")
_FAILED = ("job", "code")
_COUNTS = ("added", "changed", "removed")

PUBLICATIONS: tuple[Publication, ...] = (
    Publication("create_dataset", "datasets.created"),
    Publication("clone_dataset", "datasets.cloned", ("origin", "commit")),
    Publication("update_dataset", "datasets.updated", ("version",)),
    Publication("archive_dataset", "datasets.archived", ("version",)),
    Publication("restore_dataset", "datasets.restored", ("version",)),
    Publication("append_records", "records.appended", (*_CHANGE, "bytes")),
    Publication("delete_record", "records.deleted", _CHANGE),
    Publication("restore_record", "records.restored", (*_CHANGE, "bytes")),
    Publication(
        "create_commit", "versions.committed", (*_COMMIT, *_COUNTS), where=("commit", None)
    ),
    Publication("abandon_commit", "versions.commit_abandoned", ("branch", "job")),
    Publication("create_branch", "versions.branch_created", _COMMIT),
    Publication("update_branch", "versions.branch_updated", ("branch", "protection")),
    Publication("reset_branch", "versions.branch_reset", (*_COMMIT, "source")),
    Publication("delete_branch", "versions.branch_deleted", _COMMIT),
    Publication("create_tag", "versions.tag_created", ("commit",), hidden=("tag",)),
    Publication("merge_refs", "versions.merged", (*_COMMIT, "source", "outcome")),
    Publication("cherry_pick_commit", "versions.cherry_picked", (*_COMMIT, "outcome")),
    Publication("revert_commit", "versions.reverted", (*_COMMIT, "outcome")),
    Publication("ingest_lines", "ingest.committed", (*_COMMIT, "records")),
    Publication("publish_ingest", "jobs.succeeded", ("job", "commit", "records")),
    Publication("abort_ingest", "jobs.failed", _FAILED, where=("outcome", "failed")),
    Publication("abort_ingest", "jobs.cancelled", ("job",), where=("outcome", "cancelled")),
    Publication("open_drop", "jobs.failed", _FAILED, where=("outcome", "failed")),
    Publication("open_drop", "jobs.cancelled", ("job",), where=("outcome", "cancelled")),
    Publication("open_drop", "jobs.requested", ("job",)),
    Publication("complete_upload", "jobs.requested", ("job",)),
    Publication("cancel_job", "jobs.cancel_requested", ("job",)),
    Publication("sweep_jobs", "jobs.failed", _FAILED, where=("outcome", "failed")),
    Publication("sweep_jobs", "jobs.cancelled", ("job",), where=("outcome", "cancelled")),
)
# Entries that stay inside on purpose, and why.
UNPUBLISHED: Mapping[str, str] = {
    "create_upload": "nothing is in the dataset yet: the job that follows is told",
    "abort_upload": "nothing was in the dataset",
    "create_commit": "that a generation was closed for a commit: the commit's own entry follows",
    # Events are of datasets; whom an operator's doing concerns is told by the vault's answers.
    "create_workspace": "an operator's, and of no dataset",
    "admit_workspace": "an operator's, and of no dataset",
    "set_read_only": "an operator's, and of no dataset",
    "clear_read_only": "an operator's, and of no dataset",
    "redrive_events": "an operator's; what it sends again are events already",
    "republish_events": "an operator's; what it sends again are events already",
    "replay_events": "an operator's; what it sends again are events already",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry that is to be published, and how."""

    entry: Entry
    publication: Publication
    workspace: WorkspaceId
    dataset: DatasetId


@dataclass(frozen=True, slots=True)
class Event:
    """What is told of one entry; ``id`` is the entry's, so whoever has seen it drops it.

    ``sequence`` counts the events of a dataset from 1, without gaps.
    """

    id: EntryId
    kind: str
    workspace: WorkspaceId
    dataset: DatasetId
    sequence: int
    at_ms: int
    actor: str
    correlation_id: str
    facts: Mapping[str, Value]

    @property
    def type(self) -> str:
        """The name by which subscribers choose: the same in every version of a kind."""
        return f"{SOURCE}.{self.kind}"


def told(entry: Entry) -> Told | None:
    """How the entry is published; ``None`` if it stays inside.

    Raises:
        Invalid: no row is for it, or it lacks what its row says.
    """
    for publication in PUBLICATIONS:
        if publication.tells(entry):
            if entry.workspace is None or not _is_whole(entry, publication):
                raise Invalid(f"an entry of {entry.operation} lacks what its event tells")
            return Told(entry, publication, entry.workspace, DatasetId(entry.resource))
    if entry.operation in UNPUBLISHED:
        return None
    raise Invalid(f"nobody has said what becomes of {entry.operation}")


def event(told: Told, sequence: int, workspace_key: bytes) -> Event:
    """The event, which is the same however often it is made."""
    entry = told.entry
    return Event(
        id=entry.id,
        kind=told.publication.kind,
        workspace=told.workspace,
        dataset=told.dataset,
        sequence=sequence,
        at_ms=entry.at_ms,
        actor=digests.pseudonym("actor", entry.actor, workspace_key),
        correlation_id=_correlation(entry.correlation_id, workspace_key),
        facts=dict(_facts(told, workspace_key)),
    )


def operations() -> set[str]:
    """Every operation of which somebody has decided."""
    return {row.operation for row in PUBLICATIONS} | set(UNPUBLISHED)


def _is_whole(entry: Entry, publication: Publication) -> bool:
    wanted = (*publication.facts, *publication.hidden)
    return entry.resource.startswith(_DATASET) and all(name in entry.details for name in wanted)


def _facts(told: Told, workspace_key: bytes) -> Iterator[tuple[str, Value]]:
    details = told.entry.details
    for name in told.publication.facts:
        yield name, details[name]
    for name in told.publication.hidden:
        yield name, digests.pseudonym(name, str(details[name]), workspace_key)


def _correlation(given: str, workspace_key: bytes) -> str:
    if _UUID.fullmatch(given):
        return given
    return digests.pseudonym("correlation", given, workspace_key)
