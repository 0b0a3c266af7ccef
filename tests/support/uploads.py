"""Uploads on a vault in memory: short words for the services, and somebody who sends parts."""

from collections.abc import Sequence

from datavault.adapters.memory.landing import MemoryLanding
from datavault.domain.bundles import BundledFile
from datavault.domain.ids import BranchName, UploadId
from datavault.domain.jobs import Job
from datavault.domain.landing import PartClaim
from datavault.domain.papers import JobInput, Mode, SourceRef
from datavault.domain.requests import Request
from datavault.domain.uploads import Offer, Parts
from datavault.ports import Vault
from datavault.services.ingest import uploads
from tests.support.builders import MAIN, Shelf

# Of a landing whose least part was made as small.
PART = 8


def wanted() -> JobInput:
    """What somebody wants of a file whose name is personal."""
    return JobInput([SourceRef("", "", 0, "jane doe.ndjson")], Mode.UPSERT, "jane's chats")


def create(
    shelf: Shelf,
    size: int | None,
    *,
    branch: BranchName = MAIN,
    checksums: Sequence[bytes] | None = None,
    request: Request | None = None,
) -> Offer:
    """A new upload."""
    return uploads.create_upload(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        branch=branch,
        parts=Parts(PART, size),
        wanted=wanted(),
        checksums=checksums,
        request=request,
    )


def send_all(shelf: Shelf, offer: Offer, contents: Sequence[bytes]) -> list[PartClaim]:
    """Send the first parts."""
    landing = landing_of(shelf.vault)
    claims = []
    for part, content in zip(offer.first_parts, contents, strict=False):
        assert part.signed is not None, part
        claims.append(PartClaim(part.number, landing.send(part.signed, content)))
    return claims


def complete(
    shelf: Shelf,
    upload_id: UploadId,
    parts: Sequence[PartClaim],
    *,
    files: Sequence[BundledFile] = (),
    request: Request | None = None,
) -> Job:
    """Complete an upload."""
    return uploads.complete_upload(
        shelf.vault,
        caller=shelf.caller,
        upload_id=upload_id,
        parts=parts,
        files=files,
        request=request,
    )


def abort(shelf: Shelf, upload_id: UploadId) -> None:
    """Abort an upload."""
    uploads.abort_upload(shelf.vault, caller=shelf.caller, upload_id=upload_id)


def landing_of(vault: Vault) -> MemoryLanding:
    """The twin, with what it has beyond the port."""
    assert isinstance(vault.landing, MemoryLanding)
    return vault.landing
