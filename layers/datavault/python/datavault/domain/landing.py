"""What lands: objects in versions, and parts of uploads, as both sides name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Landed:
    """An object of the landing as it stands: ``etag`` is of this version alone, without quotes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class LandedPart:
    """A part of an upload that has arrived; ``sha256`` (32 bytes) where the upload asks for it."""

    number: int
    etag: str
    size: int
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class PartPromise:
    """What is known of a part before it is sent: sent otherwise, it is refused."""

    number: int
    size: int | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class PartClaim:
    """A part as whoever sent it got it acknowledged."""

    number: int
    etag: str
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where a part is PUT by whoever has this, with exactly these headers."""

    url: str
    headers: Mapping[str, str]


class Checksums(Enum):
    """Whether the parts of an upload carry a checksum, which is verified when they arrive."""

    NONE = auto()
    SHA256 = auto()
