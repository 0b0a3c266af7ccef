"""What the vault needs from the world, in its own words; each promise is tested on each adapter.

``Catalog`` keeps rows and makes conditional transactions of them; ``Objects`` keeps immutable
objects; ``Keyring`` wraps keys under a workspace's KEK; ``Workflows`` runs state machines;
``Landing`` takes in large files; ``Clock`` tells the time; ``Columnar`` reads tables of columns.
Beside them are ``event_ports`` and ``schema_ports``. Any method may raise ``Unavailable``, after
which nobody knows if a write happened; so each is made so that repeating it is safe.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from datavault.domain.cache import BoundedCache
from datavault.domain.errors import Conflict
from datavault.domain.rows import Change, Key, Put, Row, RowPage, Table
from datavault.domain.usage import UsageLimits
from datavault.event_ports import Publishing
from datavault.schema_ports import Checking

if TYPE_CHECKING:
    # Most bring numpy, which functions that read no tree start faster without.
    from datavault.domain.formats.batch import Batches, Refuse
    from datavault.domain.history import Kept
    from datavault.domain.landing import (
        Checksums,
        Landed,
        LandedPart,
        PartClaim,
        PartPromise,
        SignedPart,
    )
    from datavault.domain.store.nodes import NodeCache


class ConditionFailed(Conflict):
    """A transaction did not happen: the conditions of the changes at ``indices`` do not hold.

    ``rows`` has, for each of those indices, the row as it stands now, or ``None``. ``indices``
    is empty when the transaction only collided with another one; then it may be tried again.
    """

    def __init__(self, rows: Mapping[int, Row | None]) -> None:
        super().__init__("another change came first")
        self.rows = dict(rows)

    @property
    def indices(self) -> tuple[int, ...]:
        """The changes whose conditions do not hold, in order."""
        return tuple(sorted(self.rows))


class Catalog(Protocol):
    """Rows under keys. Reads see every write that was acknowledged before they began."""

    def get(self, key: Key) -> Row | None:
        """The row at ``key``, or ``None``."""
        ...

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """The rows that exist among ``keys`` (any number, of any tables); not one snapshot."""
        ...

    def page(
        self,
        table: Table,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> RowPage:
        """Up to ``limit`` rows of a partition whose sort key starts with ``prefix``.

        In byte order of the sort key, or the reverse with ``newest_first``; only those beyond
        ``after`` (a sort key, itself left out, need not exist) in that order. A page may be
        shorter than ``limit`` although ``more`` is true. An absent partition is an empty page.
        """
        ...

    def write(self, changes: Sequence[Change], *, token: str) -> None:
        """Make all changes, or none.

        At most ``TRANSACTION_CHANGES_MAX`` changes, all of different keys. ``token`` (1-36
        characters) names this very attempt: if the acknowledgement is lost, the same call with
        the same token within ten minutes succeeds and changes nothing further.

        Raises:
            ConditionFailed: a condition does not hold, or another transaction is under way.
            TooLarge: over the limits of ``domain.rows``.
        """
        ...

    def put_many(self, rows: Sequence[Put]) -> None:
        """Write any number of rows without conditions; on an error some may have been written."""
        ...

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete any number of rows; absent ones are no error."""
        ...

    def ping(self) -> None:
        """Make one real, cheap read; raises ``Unavailable`` if that fails."""
        ...


class Objects(Protocol):
    """Immutable objects under keys (``/``-separated); what is written once never changes."""

    def put(self, key: str, parts: Sequence[bytes]) -> None:
        """Store the concatenation of ``parts`` under a key that does not exist.

        Raises:
            Conflict: an object is there already, and stays as it was.
        """
        ...

    def get(self, key: str) -> bytes:
        """The whole object, or ``NotFound``."""
        ...

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length`` (clipped to the object's end), or ``NotFound``."""
        ...

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several ``(start, length)`` ranges of one object, in order; or ``NotFound``."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; an absent one is no error."""
        ...

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """All keys that start with ``prefix``, in byte order; only those behind ``after``."""
        ...

    def ping(self) -> None:
        """Make one real, cheap read; raises ``Unavailable`` if that fails."""
        ...


class Seekable(Protocol):
    """An immutable file that can be read anywhere."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length``; within the file."""
        ...


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A part of a table that can be read alone; it begins in one of ranges that divide the file.
    Rows count from 1; ``bytes_declared`` are its columns decompressed, as the file says."""

    first_row: int
    rows: int
    bytes_declared: int
    begins: int


class Columnar(Protocol):
    """Tables of columns (Parquet), each row made a JSON object in the columns' order.

    Numbers, strings, booleans, lists and structs are what they are in JSON; a map is a list of
    pairs; decimals are numbers with all their digits; binary is base64; a date, time or timestamp
    is RFC 3339 (with ``Z``, in UTC, where its column has a zone; without offset where it has
    none), a duration a count of its unit. Null, and a float that is no number or infinite, is null.
    """

    def groups(self, source: Seekable) -> tuple[RowGroup, ...]:
        """The row groups in order; none has no rows.

        Raises:
            Malformed: this is no such file, or it is damaged or cut short.
            Invalid: it is encrypted, has a type beyond the above, or a column twice.
            TooLarge: a row group is over the limit that bounds memory.
        """
        ...

    def read(self, source: Seekable, group: int, refuse: "Refuse") -> "Batches":
        """The rows of a row group, counted from 0, a bounded batch at a time; places are rows.

        A row that cannot be made a line (a string that is not UTF-8) is refused. Raises as
        ``groups`` does, also once columns are read; rows many times the file are ``TooLarge``.
        """
        ...


class Keyring(Protocol):
    """Keys that never leave their keeper (KEKs) and the wrapping of other keys under them.

    A wrapped key is bound to its ``context`` (public words): with another, unwrapping fails.
    """

    def create(self, *, description: str, tags: Mapping[str, str]) -> str:
        """Make a KEK and return its name (on AWS, its ARN). For operators."""
        ...

    def generate(self, kek: str, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte key and the same key wrapped under ``kek``."""
        ...

    def unwrap(self, kek: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The key in ``wrapped``.

        Raises:
            Corrupt: ``wrapped`` is not what ``generate`` returned for this KEK and context.
            Unavailable: the KEK is disabled or does not answer.
        """
        ...

    def ping(self) -> None:
        """Ask the keeper something cheap; raises ``Unavailable`` if that fails."""
        ...


class Clock(Protocol):
    """The time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, between the attempts of a bounded retry."""
        ...


class Execution(Enum):
    """How one execution of a state machine stands."""

    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    """Failed, timed out or aborted: nothing of it runs any more."""


class Landing(Protocol):
    """Large files on their way in: uploads in parts, and whole objects, all short-lived.

    Keys are as those of ``Objects``, but an object may be replaced or gone at any time. Parts are
    numbered 1 to 10,000; all but the last have 5 MiB to 5 GiB.
    """

    def begin(self, key: str, checksums: "Checksums") -> str:
        """Begin an upload and return its token. Nothing is at ``key`` until it is completed."""
        ...

    def sign_part(
        self, key: str, token: str, promise: "PartPromise", *, expires_s: int
    ) -> "SignedPart":
        """A URL that anybody may PUT one part to, for so many seconds; again, to replace it. Bound
        to all that is promised. With ``Checksums.SHA256`` the checksum has to be.
        """
        ...

    def parts(
        self, key: str, token: str, *, after: int, limit: int
    ) -> "tuple[tuple[LandedPart, ...], bool]":
        """Up to ``limit`` parts (of 1000) beyond ``after``, and whether there are more;
        ``NotFound`` once the upload is completed or aborted."""
        ...

    def complete(self, key: str, token: str, parts: "Sequence[PartClaim]") -> "Landed":
        """Make one object of the parts, which are in ascending order. May be repeated: what was
        completed before is found by its key, under which there is one upload only. ``Invalid`` if
        a part is not there, is another, or is small and not the last; ``NotFound`` once aborted.
        """
        ...

    def abort(self, key: str, token: str) -> None:
        """Forget an upload and its parts; one that is over is no error."""
        ...

    def head(self, key: str) -> "Landed":
        """The object at ``key`` as it stands, or ``NotFound``."""
        ...

    def read(self, landed: "Landed", start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length``, clipped to the object's end;
        ``PreconditionFailed`` if another object has replaced it, ``NotFound`` if it is gone.
        """
        ...

    def delete(self, landed: "Landed") -> None:
        """Remove this version; one that is gone or was replaced by another is no error."""
        ...

    def list(self, prefix: str) -> "Iterator[Landed]":
        """All objects whose keys start with ``prefix``, in byte order."""
        ...


class Workflows(Protocol):
    """State machines, by the names that their files have; executions by the names we give them.

    ``payload`` is what the first state gets: ids and references, never content.
    """

    def start(self, machine: str, name: str, payload: Mapping[str, str]) -> None:
        """Start an execution, unless one of that name (1-80 of ``A-Z a-z 0-9 - _``) was started
        before, whatever has become of it: then nothing happens.
        """
        ...

    def find(self, machine: str, name: str) -> Execution | None:
        """How the execution of that name stands; ``None`` if there never was one."""
        ...

    def stop(self, machine: str, name: str, *, reason: str) -> None:
        """End a running execution at once, uncaught; one that is over or never was is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says of its bearer."""

    subject: str
    workspace: str
    roles: tuple[str, ...]
    mfa: bool
    expires_s: int


class Tokens(Protocol):
    """Access tokens, verified against their issuer's published keys."""

    def verify(self, token: str) -> Claims:
        """The claims of a token that the configured issuer signed for us and that is in force.

        Raises:
            Unauthenticated: anything else, whatever the reason.
            Unavailable: the issuer's keys cannot be had.
        """
        ...


class UsagePlans(Protocol):
    """What the API's gateway admits of each workspace. For operators."""

    def admit(self, name: str, identifier: str, limits: UsageLimits | None) -> None:
        """Let in requests counted under ``identifier``, within ``limits`` or else the stage's.

        ``name`` is for people who look. May be repeated, with the same limits or others; what
        was admitted before stays so, but for a moment when it changes from one plan to another.

        Raises:
            Unavailable: the gateway does not answer.
        """
        ...


class Vault(Publishing, Checking, Protocol):
    """One of each port, and three caches; what every service takes first.

    ``keys`` are unwrapped, of stores and workspaces, for minutes; ``nodes`` and ``commits`` are
    verified. All are bounded and may be empty at any time.
    """

    @property
    def catalog(self) -> Catalog: ...

    @property
    def objects(self) -> Objects: ...

    @property
    def keyring(self) -> Keyring: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def workflows(self) -> Workflows: ...

    @property
    def landing(self) -> Landing: ...

    @property
    def columnar(self) -> Columnar: ...

    @property
    def keys(self) -> BoundedCache[str, object]: ...

    @property
    def nodes(self) -> "NodeCache": ...

    @property
    def commits(self) -> "BoundedCache[str, Kept]": ...
