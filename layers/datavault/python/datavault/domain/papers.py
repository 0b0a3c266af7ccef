"""Papers: what the steps of a job hand to each other, too large or too personal for its state.

State machines carry ids and numbers; names of files, places of records and lists of runs go into
sealed objects beside the store's packs, each written once. All are JSON of the structs below.
"""

from enum import StrEnum

import msgspec

from datavault.domain.count_bounds import CountBounds
from datavault.domain.errors import Invalid
from datavault.domain.formats.decoding import Compression, Encoding
from datavault.domain.formats.detect import Given, Shape
from datavault.domain.formats.tables import Kind
from datavault.domain.ids import CommitId
from datavault.domain.landing import Landed

# Where only a fraction is given: what is bad is kept, and must not become a corpus of its own.
BAD_RECORDS_MAX = 1_000_000


class Mode(StrEnum):
    """What becomes of the branch's records."""

    UPSERT = "upsert"
    """Those that come in with another content are changed, the others stay."""
    REPLACE = "replace"
    """Those that do not come in go: the new version is what comes in."""
    APPEND_ONLY = "append_only"
    """All stay as they are; one that comes in with another content refuses the whole."""


class _Paper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all papers are."""


class SourceRef(_Paper, frozen=True):
    """An object of the landing bucket as it was when the job was asked for: its ETag is pinned.

    ``name`` is what people call the file. What it is, ``given`` says where it is set. A file may be
    a range of the object: it begins at byte ``start`` there, behind others.
    """

    key: str
    etag: str
    size: int
    name: str
    shape: Shape | None = None
    compression: Compression | None = None
    encoding: Encoding | None = None
    delimiter: str | None = None
    quoted: bool | None = None
    columns: dict[str, Kind] = {}
    start: int = 0

    @property
    def landed(self) -> Landed:
        """The object that a job was asked to take in: this version of it, and no other."""
        return Landed(self.key, self.etag, self.start + self.size)

    def given(self) -> Given:
        """What was said of the file, for its detection."""
        return Given(
            self.shape, self.compression, self.encoding, self.delimiter, self.quoted, self.columns
        )


class JobInput(_Paper, frozen=True):
    """What a job is to take in.

    ``manifest`` is the object that named the sources, if one did; or what was put and is not taken.
    """

    sources: list[SourceRef]
    mode: Mode
    message: str
    max_bad_records: int | None = None
    max_bad_fraction: float | None = None
    count_bounds: CountBounds = CountBounds()
    manifest: SourceRef | None = None

    def require_few(self, *, bad: int, good: int) -> None:
        """Refuse more bad records than either limit allows; without a limit, any at all."""
        records_max = self.bad_records_max
        if bad > records_max:
            raise Invalid(f"{bad} records are bad, at most {records_max} may be")
        fraction = self.max_bad_fraction
        if fraction is not None and bad > fraction * (bad + good):
            raise Invalid(f"{bad} of {bad + good} records are bad, at most {fraction:g} may be")

    @property
    def objects(self) -> list[Landed]:
        """The objects of the landing that the job takes in, each once: files may share one."""
        named = [] if self.manifest is None else [self.manifest]
        found = [source.landed for source in (*self.sources, *named)]
        return [*{(each.key, each.etag): each for each in found}.values()]

    @property
    def bad_records_max(self) -> int:
        """So many bad records the job may have, whatever their part of all."""
        if self.max_bad_records is not None:
            return self.max_bad_records
        return 0 if self.max_bad_fraction is None else BAD_RECORDS_MAX


class Plan(_Paper, frozen=True):
    """The parts of a job: of each, ranges of sources (number of the source, start, end).

    ``parent`` is the commit whose records are not stored again, ``schema`` the dataset's as the
    job was planned, by which its records are checked.
    """

    parent: CommitId
    parts: list[list[tuple[int, int, int]]]
    schema: str = ""


class StoredSlice(_Paper, frozen=True, array_like=True):
    """A slice of a run: pack id, key epoch, seed, slot, start, length, last record id."""

    pack: bytes
    epoch: int
    seed: bytes
    slot: int
    start: int
    length: int
    last_id: bytes


class PartOutcome(_Paper, frozen=True):
    """What came of a part, or of runs merged into one: the run, and what it counts.

    ``lines`` are those that begin in the part, where it is a range of a file whose lines go on in
    the next part; else 0.
    """

    slices: list[StoredSlice]
    records: int = 0
    stored: int = 0
    quarantined: int = 0
    lines: int = 0


class Quarantined(_Paper, frozen=True):
    """A record that was refused: where it stood, why, and its bytes or their beginning.

    Whoever reads a range of a file cannot know how many lines are before it. As it is written
    down, ``line`` counts from the beginning of its own part, and the file begins in
    ``first_part``, if that is another; as it is listed, it counts from the beginning of the file,
    or is ``None`` while the parts between have not all been read.
    """

    file: str
    line: int | None
    offset: int
    code: str
    reason: str
    size: int
    raw: bytes
    first_part: int | None = None


class Quarantine(_Paper, frozen=True):
    """Records that one part refused; a part with many has several such papers."""

    records: list[Quarantined]


class Progress(_Paper, frozen=True):
    """The new tree after some steps: its root (``Pointer.to_bytes``), what was changed so far,
    and the last id that is in it; ``done`` when nothing is left to be put in."""

    root: bytes
    added: int
    changed: int
    removed: int
    after: bytes
    done: bool


def quarantine_name(part: int, number: int) -> str:
    """The name of a paper of records that a part refused."""
    return f"quarantine-{part:06d}-{number:06d}"


def quarantine_part(name: str) -> int:
    """The part that refused the records of a paper of that name."""
    return int(name.split("-")[1])


type Paper = JobInput | Plan | PartOutcome | Quarantine | Progress
