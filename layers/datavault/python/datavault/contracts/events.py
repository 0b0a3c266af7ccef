"""Published events: CloudEvents 1.0 in JSON, versioned.

A kind has one type in all its versions, ``io.llm-data-vault.<kind>``; ``dataschema`` says the
version. What is added to a version is optional to those who read it; what would break them is a new
version, and the models of old ones stay, so that what an archive replays can still be read. The
schemas in ``events/schemas`` are generated from here (``contracts.event_schemas``).

CloudEvents' own extensions: ``sequence`` orders the events of a subject, in digits of one width.
Ours: ``workspace``, ``correlationid``. Nothing personal is in an event; what could be (the actor,
a tag's name, a correlation id that is no UUID) is a keyed hash: 32 hex digits, the same for the
same name within a workspace.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from datavault.contracts.wire import time_of
from datavault.domain.events import SOURCE, Event

SEQUENCE_DIGITS = 20
_SCHEMAS = "urn:io-llm-data-vault:events"

Pseudonym = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["3f" * 16])]
Branch = Annotated[
    str,
    Field(
        description="The branch's id; its name is to be asked of the API.",
        examples=["br_019b76da-a801-7b1c-8d7e-5f60718293a4"],
    ),
]
Commit = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["9c" * 32])]
Count = Annotated[int, Field(ge=0, examples=[3])]
Job = Annotated[str, Field(examples=["job_019b76da-a802-7c2d-9e8f-60718293a4b5"])]
Outcome = Annotated[str, Field(description="How, in the API's word.", examples=["committed"])]


class Data(BaseModel):
    """What every event tells."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    actor: Annotated[Pseudonym, Field(description="Who did it.")]


class DatasetData(Data):
    """Nothing more."""


class VersionedData(Data):
    version: Annotated[int, Field(ge=1, description="Of the dataset's metadata.", examples=[2])]


class ClonedData(Data):
    origin: Annotated[str, Field(examples=["ds_019b76da-a803-7d3e-8f90-718293a4b5c6"])]
    commit: Commit


class AppendedData(Data):
    branch: Branch
    records: Count
    bytes: Count


class DeletedData(Data):
    branch: Branch
    records: Count


class CommittedData(Data):
    branch: Branch
    commit: Commit
    added: Count
    changed: Count
    removed: Count


class AbandonedData(Data):
    branch: Branch
    job: Job


class PlacedData(Data):
    branch: Branch
    commit: Annotated[Commit, Field(description="Where the branch is, or was when it ended.")]


class ProtectedData(Data):
    branch: Branch
    protection: Annotated[str, Field(description="`on` or `off`.", examples=["on"])]


class MovedData(Data):
    branch: Branch
    commit: Annotated[Commit, Field(description="Where the branch is now.")]
    source: Annotated[Commit, Field(description="Where it was.")]


class TaggedData(Data):
    tag: Annotated[Pseudonym, Field(description="Stands for the tag's name.")]
    commit: Commit


class MergedData(Data):
    branch: Branch
    commit: Commit
    source: Annotated[Commit, Field(description="What was merged.")]
    outcome: Outcome


class ReplayedData(Data):
    branch: Branch
    commit: Commit
    outcome: Outcome


class IngestedData(Data):
    branch: Branch
    commit: Commit
    records: Count


class JobData(Data):
    job: Job


class JobSucceededData(Data):
    job: Job
    commit: Commit
    records: Count


class JobFailedData(Data):
    job: Job
    code: Annotated[str, Field(description="Why, in a problem's code.", examples=["unavailable"])]


class CloudEvent[D: Data](BaseModel):
    """An event as the bus carries it: EventBridge's ``detail``."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[
        str,
        Field(
            description="The same whenever the event comes again: drop what you have seen.",
            examples=["le_019b76da-a804-7e4f-90a1-8293a4b5c6d7"],
        ),
    ]
    source: Annotated[str, Field(examples=[f"{SOURCE}/ws_019b76da-a800-726a-9e3a-53ce41d29686"])]
    type: str
    subject: Annotated[
        str,
        Field(description="The dataset.", examples=["ds_019b76da-a800-7a0b-8c6d-4e5f60718293"]),
    ]
    time: Annotated[
        datetime, Field(description="When it was done.", examples=["2026-01-01T00:00:00.123Z"])
    ]
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: Annotated[
        str,
        Field(
            pattern=f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
            description="Counts the subject's events from 1, without gaps.",
            examples=[f"{42:0{SEQUENCE_DIGITS}}"],
        ),
    ]
    workspace: Annotated[str, Field(examples=["ws_019b76da-a800-726a-9e3a-53ce41d29686"])]
    correlationid: Annotated[
        str,
        Field(
            description="The request's, if that is a UUID; else what stands for it.",
            examples=["4f9d7c1e-2b3a-4c5d-8e6f-708192a3b4c5"],
        ),
    ]
    data: D


# The newest version of each kind is what is published.
VERSIONS: tuple[tuple[str, int, type[Data]], ...] = (
    ("datasets.created", 1, DatasetData),
    ("datasets.cloned", 1, ClonedData),
    ("datasets.updated", 1, VersionedData),
    ("datasets.archived", 1, VersionedData),
    ("datasets.restored", 1, VersionedData),
    ("records.appended", 1, AppendedData),
    ("records.deleted", 1, DeletedData),
    ("records.restored", 1, AppendedData),
    ("versions.committed", 1, CommittedData),
    ("versions.commit_abandoned", 1, AbandonedData),
    ("versions.branch_created", 1, PlacedData),
    ("versions.branch_updated", 1, ProtectedData),
    ("versions.branch_reset", 1, MovedData),
    ("versions.branch_deleted", 1, PlacedData),
    ("versions.tag_created", 1, TaggedData),
    ("versions.merged", 1, MergedData),
    ("versions.cherry_picked", 1, ReplayedData),
    ("versions.reverted", 1, ReplayedData),
    ("ingest.committed", 1, IngestedData),
    ("jobs.requested", 1, JobData),
    ("jobs.succeeded", 1, JobSucceededData),
    ("jobs.cancel_requested", 1, JobData),
    ("jobs.failed", 1, JobFailedData),
    ("jobs.cancelled", 1, JobData),
)
_NEWEST = {kind: (version, data) for kind, version, data in VERSIONS}


def write(event: Event) -> str:
    """The event as JSON, in the newest version of its kind; the same event is the same text."""
    version, data = _NEWEST[event.kind]
    told = CloudEvent[Data](
        id=event.id,
        source=f"{SOURCE}/{event.workspace}",
        type=event.type,
        subject=event.dataset,
        time=time_of(event.at_ms),
        dataschema=data_schema(event.kind, version, data),
        sequence=f"{event.sequence:0{SEQUENCE_DIGITS}}",
        workspace=event.workspace,
        correlationid=event.correlation_id,
        data=data.model_validate({"actor": event.actor, **event.facts}),
    )
    # By its own class: what a field's type says would leave out all but the actor.
    return told.model_dump_json(serialize_as_any=True)


def read(text: str | bytes) -> CloudEvent[Data]:
    """A published event of any version, which its ``dataschema`` names.

    Raises:
        ValueError: it is none of the vault's, or not of the form that it says.
    """
    named = _Named.model_validate_json(text)
    for kind, version, data in VERSIONS:
        if data_schema(kind, version, data) == named.dataschema:
            return CloudEvent[data].model_validate_json(text)  # type: ignore[valid-type]
    raise ValueError("no version of an event has this dataschema")


def schema_id(kind: str, version: int) -> str:
    """The name of a version's schema."""
    return f"{_SCHEMAS}:{kind}.v{version}"


def data_schema(kind: str, version: int, data: type[Data]) -> str:
    """Where in that schema an event's ``data`` is described: CloudEvents' ``dataschema``."""
    return f"{schema_id(kind, version)}#/$defs/{data.__name__}"


class _Named(BaseModel):
    dataschema: str
