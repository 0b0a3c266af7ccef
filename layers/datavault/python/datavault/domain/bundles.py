"""Bundles: many files as one upload, one behind the other, so that twenty thousand small ones are a
few parts and not as many uploads.

The object holds their bytes and nothing else; where each begins follows from the sizes, which come
with the request that completes the upload and stand, with the names, in the job's sealed input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec

from datavault.domain.errors import Invalid
from datavault.domain.landing import Landed
from datavault.domain.papers import SourceRef

# Their names and sizes are a request's body, of which Lambda takes 6 MB.
FILES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file of a bundle; ``name`` is what people call it."""

    name: str
    size: int


def require_filled(files: Sequence[BundledFile], size: int | None) -> None:
    """Refuse files that are not, together, an upload of ``size`` bytes; without files, nothing.

    Raises:
        Invalid: nobody has said how large the upload is, the sizes are another sum, or two files
            have one name.
    """
    if not files:
        return
    total = sum(file.size for file in files)
    if total != size:
        said = "no size was said of the upload" if size is None else f"the upload has {size}"
        raise Invalid(f"{len(files)} files have {total} bytes, {said}", field="files")
    seen: dict[str, int] = {}
    for number, file in enumerate(files, start=1):
        first = seen.setdefault(file.name, number)
        if first != number:
            raise Invalid(f"files {first} and {number} have the same name", field="files")


def sources_of(asked: SourceRef, landed: Landed, files: Sequence[BundledFile]) -> list[SourceRef]:
    """What a job reads of an object: the file that was asked for, or each of a bundle's, of which
    the same was said."""
    whole = msgspec.structs.replace(asked, key=landed.key, etag=landed.etag, size=landed.size)
    if not files:
        return [whole]
    starts = accumulate((file.size for file in files), initial=0)
    return [
        msgspec.structs.replace(whole, name=file.name, size=file.size, start=start)
        for file, start in zip(files, starts, strict=False)
    ]
