"""Three-way merging of records: what a conflict is, how one is settled, and merging of fields.

Fields are merged where the base and both sides are JSON objects, and again below, member by
member. A member that one side alone changed is taken from it with its text, key and value
verbatim; one that neither changed keeps the base's text; so no number is ever written anew. The
order is the base's, then new members by name; white space around members is the base's. All of
this is the same whichever side is called ours, so merging either way gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from datavault.domain.changes import Held
from datavault.domain.errors import Invalid
from datavault.domain.history import Commit
from datavault.domain.ids import BranchName, CommitId, RecordId
from datavault.domain.json_members import Member, Members
from datavault.domain.records import compact, parse_record

# Of a record's conflicting fields so many are named; a record can have a million.
FIELDS_MAX = 100
RESOLUTIONS_MAX = 1000


class Strategy(StrEnum):
    """What becomes of a conflict that no resolution settles."""

    FAIL = "fail"
    """Nothing is merged."""
    OURS = "ours"
    THEIRS = "theirs"


class Granularity(StrEnum):
    """What two sides may change of one record without a conflict."""

    FIELDS = "fields"
    """Different members, at any depth of objects."""
    RECORDS = "records"
    """Nothing, unless both made the same of it."""


class Histories(StrEnum):
    """Which histories may be merged."""

    RELATED = "related"
    ANY = "any"
    """Those without a common ancestor too, as if they had an empty one."""


class ConflictKind(StrEnum):
    """What two sides did to one record."""

    EDIT_EDIT = "edit_edit"
    EDIT_DELETE = "edit_delete"
    ADD_ADD = "add_add"


class Take(StrEnum):
    """A version of a record to settle a conflict with."""

    OURS = "ours"
    THEIRS = "theirs"
    BASE = "base"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Resolution:
    """How one record's conflict is settled: by a version of it, or by a text of its own."""

    record: RecordId
    take: Take | bytes
    field: str
    """How to name this resolution in an error."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a merge goes about what both sides changed."""

    strategy: Strategy = Strategy.FAIL
    granularity: Granularity = Granularity.FIELDS
    resolutions: Mapping[bytes, Resolution] = field(default_factory=dict)

    @classmethod
    def of(
        cls, strategy: Strategy, granularity: Granularity, resolutions: Sequence[Resolution]
    ) -> "Rules":
        """With a resolution each for some records."""
        by_id: dict[bytes, Resolution] = {}
        for each in resolutions:
            if by_id.setdefault(each.record.encode(), each) is not each:
                raise Invalid("this record has a resolution already", field=each.field)
        return cls(strategy, granularity, by_id)

    def checked(self, record_key: str | None) -> "Rules":
        """The same, each text given being a record of the id that it is given for."""
        checked: dict[bytes, Resolution] = {}
        for record_id, each in self.resolutions.items():
            checked[record_id] = each
            if isinstance(each.take, bytes):
                parsed = parse_record(each.take, record_key=record_key, field=f"{each.field}/data")
                if parsed.id is not None and parsed.id != each.record:
                    raise Invalid("this is a record of another id", field=f"{each.field}/data")
                checked[record_id] = replace(each, take=parsed.body)
        return replace(self, resolutions=checked)


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A record that both sides changed, each in its own way; a version without it is ``None``.

    ``fields`` are JSON pointers to what conflicts within an edited record, at most
    ``FIELDS_MAX``; the empty pointer is the record as a whole.
    """

    id: RecordId
    kind: ConflictKind
    fields: tuple[str, ...]
    base: Held | None
    ours: Held | None
    theirs: Held | None


class Outcome(StrEnum):
    """What came of a merge."""

    UNCHANGED = "unchanged"
    """The branch had it all already."""
    FAST_FORWARDED = "fast_forwarded"
    """The branch had nothing of its own, and is at the other's commit now."""
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge, and the commit that the branch is at through it."""

    outcome: Outcome
    commit: CommitId


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of a merge, with the commit that the branch is at through it."""

    outcome: Outcome
    commit: Commit


@dataclass(frozen=True, slots=True)
class Question:
    """A merge that is asked about. ``base`` is a ref to start from, or the common ancestor."""

    source: str
    target: BranchName
    base: str | None
    granularity: Granularity
    histories: Histories


@dataclass(frozen=True, slots=True)
class Preview:
    """What merging would come to, if nothing changes until then.

    ``changes`` is how many records of ours would change, those that conflict apart.
    """

    outcome: Outcome
    bases: tuple[CommitId, ...]
    ours: CommitId
    theirs: CommitId
    changes: int
    conflicts: Mapping[ConflictKind, int]


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Some conflicts of a merge in order of id, and how to go on."""

    bases: tuple[CommitId, ...]
    ours: CommitId
    theirs: CommitId
    conflicts: tuple[MergeConflict, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FieldMerge:
    """An object merged field by field; with conflicts, it has our side at those pointers."""

    text: bytes
    conflicts: tuple[str, ...]


def merge_fields(base: bytes, ours: bytes, theirs: bytes, *, strategy: Strategy) -> FieldMerge:
    """Merge the objects in three texts (valid JSON); ``strategy`` settles fields that conflict."""
    conflicts: list[str] = []
    text = _merged(base, ours, theirs, "", strategy, conflicts)
    return FieldMerge(text, tuple(conflicts[:FIELDS_MAX]))


def _merged(
    base: bytes, ours: bytes, theirs: bytes, at: str, strategy: Strategy, conflicts: list[str]
) -> bytes:
    before = Members.of(base)
    mines, others = Members.of(ours).members, Members.of(theirs).members
    fresh = sorted((mines.keys() | others.keys()) - before.members.keys())
    members: list[bytes] = []
    for name in (*before.members, *fresh):
        old, mine, other = before.members.get(name), mines.get(name), others.get(name)
        if _same(mine, other):
            chosen = old if _same(old, mine) else _either(mine, other)
        elif _same(old, mine):
            chosen = other
        elif _same(old, other):
            chosen = mine
        else:
            pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if old and mine and other and _are_objects(old, mine, other):
                value = _merged(old.value, mine.value, other.value, pointer, strategy, conflicts)
                chosen = Member(old.lead, value)
            else:
                if strategy is Strategy.FAIL:
                    conflicts.append(pointer)
                chosen = other if strategy is Strategy.THEIRS else mine
        if chosen is not None:
            members.append(chosen.text)
    return before.with_members(members)


def _same(left: Member | None, right: Member | None) -> bool:
    """Whether both are absent, or have the same value but for white space."""
    if left is None or right is None:
        return left is right
    return left.value == right.value or compact(left.value) == compact(right.value)


def _either(left: Member | None, right: Member | None) -> Member | None:
    """One of two spellings of the same member, the same one whichever comes first."""
    if left is None or right is None:
        return None
    return min(left, right, key=lambda member: member.text)


def _are_objects(*members: Member) -> bool:
    return all(member.value.startswith(b"{") for member in members)
