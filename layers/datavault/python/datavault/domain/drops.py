"""Drops: objects that somebody puts into the landing bucket, by which they ask for a job.

The key says where to: ``landing/{workspace}/{dataset}/{branch}/{name}``. A branch is one part of
it; the ``/`` in its name, the only character of it that a key would take for something else, is
written ``%2F``. A name may have folders. A name one of whose parts begins with ``.`` or ``_`` asks
for nothing: so wait the files that a manifest, put beside their folder after them, names.

A manifest's name ends in ``.manifest.json``; it names files relative to its own folder
(``domain.formats.sources``), which become one commit.
"""

from dataclasses import dataclass

from datavault.domain import digests, keyspace
from datavault.domain.errors import Invalid
from datavault.domain.ids import (
    BranchName,
    DatasetId,
    JobId,
    WorkspaceId,
    derived_id,
    parse_branch_name,
    parse_dataset_id,
    parse_workspace_id,
)

MANIFEST_END = ".manifest.json"
_PARTS_MIN = 4
_SLASH = "%2F"


@dataclass(frozen=True, slots=True)
class Dropped:
    """An object that was put, as its event tells. ``sequencer`` orders events of one key."""

    bucket: str
    key: str
    etag: str
    version: str
    sequencer: str
    requester: str
    at_ms: int
    correlation_id: str

    @property
    def job(self) -> JobId:
        """The job that it asks for: the same however often and late the event comes."""
        identity = (self.bucket, self.key, self.etag, self.version, self.sequencer)
        # Lengths before the texts, so that no two identities are one text.
        text = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in identity)
        return JobId(derived_id("job", self.at_ms, digests.drop_hash(text)))


@dataclass(frozen=True, slots=True)
class DropPlace:
    """What a key says. ``folder`` is what the names in a manifest are relative to."""

    workspace: WorkspaceId
    dataset: DatasetId
    branch: BranchName
    folder: str
    name: str

    @property
    def is_manifest(self) -> bool:
        """Whether it names other files."""
        return self.name.endswith(MANIFEST_END)


def why_left(key: str) -> str | None:
    """Why an object is meant to make no job; ``None`` if it asks for one."""
    names = key.removeprefix(keyspace.LANDING_PREFIX).split("/")[_PARTS_MIN - 1 :]
    if key.endswith("/"):
        return "a folder"
    if any(name.startswith((".", "_")) for name in names):
        return "hidden: a part of the name begins with . or _"
    return None


def parse_drop_key(key: str) -> DropPlace:
    """What a key under ``landing/`` says.

    Raises:
        Invalid: it leads nowhere; the message says why, without the key.
    """
    if not key.startswith(keyspace.LANDING_PREFIX):
        raise Invalid("not under landing/")
    parts = key.removeprefix(keyspace.LANDING_PREFIX).split("/")
    if len(parts) < _PARTS_MIN:
        raise Invalid("not in landing/{workspace}/{dataset}/{branch}/")
    ws, ds, branch, *names = parts
    return DropPlace(
        parse_workspace_id(ws),
        parse_dataset_id(ds),
        parse_branch_name(branch.replace(_SLASH, "/").replace(_SLASH.lower(), "/")),
        key.removesuffix(names[-1]),
        "/".join(names),
    )


def drop_prefix(ws: WorkspaceId, ds: DatasetId, branch: BranchName) -> str:
    """What the keys of drops for a branch begin with."""
    return f"{keyspace.LANDING_PREFIX}{ws}/{ds}/{branch.replace('/', _SLASH)}/"


def require_inside(name: str) -> None:
    """Return if a name in a manifest stays in the manifest's folder."""
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise Invalid("a manifest names files of its own folder, by their plain relative names")
