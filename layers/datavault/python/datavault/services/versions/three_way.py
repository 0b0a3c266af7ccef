"""What a merge makes of two sides: changes to ours, and conflicts; slice by slice of the ids.

Only records that both sides changed are looked at one by one, and their bodies are read only to
merge fields or to be shown. What a side has stored is taken over by its locator; new bodies are
those of records merged field by field, and of texts given to settle conflicts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from datavault.domain import digests
from datavault.domain.errors import Invalid, MergeConflicts
from datavault.domain.merging import (
    ConflictKind,
    FieldMerge,
    Granularity,
    Resolution,
    Rules,
    Strategy,
    Take,
    merge_fields,
)
from datavault.domain.records import RECORD_BYTES_MAX
from datavault.domain.store.columns import DIGEST, Changes, Entries, Mask
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.merge import UNKNOWN, Slice, three_way
from datavault.domain.store.node import Pointer
from datavault.domain.store.places import Locator
from datavault.domain.store.tree import Entry, Tree
from datavault.ports import Vault
from datavault.schema_ports import RecordChecker
from datavault.services.bodies import read_bodies, store_bodies
from datavault.services.portions import portions
from datavault.services.record_schemas import open_checker
from datavault.services.staging import Work

# New bodies are stored when so many bytes of them are in hand: a pack.
_BODIES_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sides:
    """Three versions; ``None`` is an empty one. ``tree`` reads them all."""

    tree: Tree
    base: Pointer | None
    ours: Pointer
    theirs: Pointer | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A record that both sides changed, each otherwise, as the three versions have it."""

    id: bytes
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None

    @property
    def kind(self) -> ConflictKind:
        """What the sides did to it."""
        if self.ours is None or self.theirs is None:
            return ConflictKind.EDIT_DELETE
        return ConflictKind.ADD_ADD if self.base is None else ConflictKind.EDIT_EDIT

    @property
    def entries(self) -> list[Entry]:
        """Those of the three that there are."""
        return [entry for entry in (self.base, self.ours, self.theirs) if entry is not None]

    @property
    def known_base(self) -> Entry | None:
        """What the base has, where that is known."""
        return None if self.base is None or self.base.digest == UNKNOWN else self.base


@dataclass(slots=True)
class Tally:
    """What was met so far: conflicts that nothing settles, and resolutions that were used."""

    conflicts: dict[ConflictKind, int] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)

    @property
    def count(self) -> int:
        """All conflicts."""
        return sum(self.conflicts.values())

    def add(self, kind: ConflictKind) -> None:
        """Count one."""
        self.conflicts[kind] = self.conflicts.get(kind, 0) + 1

    def told(self) -> str:
        """The counts in words."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.conflicts.items()))
        return f"{self.count} records conflict ({kinds})"


def merged_changes(work: Work, sides: Sides, rules: Rules, where: str) -> Iterator[Changes]:
    """What makes ours the merge of both, in ascending, disjoint ranges of ids.

    ``where`` says how the conflicts are listed. Once one is met nothing is stored or given any
    more, and the rest is counted.

    Raises:
        MergeConflicts: at the end, if there are conflicts that nothing settles.
        Invalid: at the end, if a resolution is for a record that is in no conflict.
    """
    vault, keys = work.vault, work.keys
    checker = open_checker(vault, work.dataset)
    tally = Tally()
    for part in three_way(sides.tree, sides.base, sides.ours, sides.theirs):
        settled = _Settled(vault, keys, part, tally)
        for row, dispute, merge in examined(vault, keys, part, rules, checker):
            _settle(settled, row, dispute, merge, rules, tally)
        if not tally.count:
            yield settled.changes()
    if tally.count:
        raise MergeConflicts(
            f"{tally.told()}, so nothing was merged: list_conflicts with {where} has them"
        )
    for record_id, resolution in rules.resolutions.items():
        if record_id not in tally.used:
            raise Invalid("this record is in no conflict", field=resolution.field)


def disputes(part: Slice) -> Iterator[Dispute]:
    """The disputed records of a slice, in order."""
    sides = (side.each() for side in (part.base, part.ours, part.theirs))
    return map(Dispute, part.disputed.tolist(), *sides)


def examined(
    vault: Vault, keys: StoreKeys, part: Slice, rules: Rules, checker: RecordChecker | None
) -> Iterator[tuple[int, Dispute, FieldMerge | None]]:
    """The disputed records of a slice with their rows, merged by fields where that is asked for
    and possible and no resolution makes it needless. What fields are merged to and neither side
    has, has to match the dataset's schema; else it is a conflict."""

    def is_merged(dispute: Dispute) -> bool:
        return (
            rules.granularity is Granularity.FIELDS
            and dispute.kind is ConflictKind.EDIT_EDIT
            and dispute.known_base is not None
            and dispute.id not in rules.resolutions
        )

    def places(row: tuple[int, Dispute]) -> list[Locator]:
        return [entry.locator for entry in row[1].entries] if is_merged(row[1]) else []

    for some in portions(enumerate(disputes(part)), places):
        mergeable = [dispute for _, dispute in some if is_merged(dispute)]
        merges = _merges(vault, keys, mergeable, rules.strategy, checker)
        for row, dispute in some:
            yield row, dispute, merges.get(dispute.id)


def is_ours(keys: StoreKeys, dispute: Dispute, merge: FieldMerge) -> bool:
    """Whether the merged text is the one that our side has, so that nothing changes."""
    digest = digests.record_digest(merge.text, keys.ids.record)
    return dispute.ours is not None and dispute.ours.digest == digest


def _merges(
    vault: Vault,
    keys: StoreKeys,
    some: Sequence[Dispute],
    strategy: Strategy,
    checker: RecordChecker | None,
) -> Mapping[bytes, FieldMerge]:
    entries = [entry for dispute in some for entry in dispute.entries]
    texts = read_bodies(vault, keys, Entry.columns(entries)) if entries else []
    merges: dict[bytes, FieldMerge] = {}
    new: dict[bytes, bytes] = {}
    for index, dispute in enumerate(some):
        base, ours, theirs = texts[3 * index : 3 * index + 3]
        merge = merge_fields(base, ours, theirs, strategy=strategy)
        # Each side fits and both together do not: that is for somebody to decide.
        if len(merge.text) > RECORD_BYTES_MAX:
            merge = FieldMerge(ours, ("",))
        elif checker is not None and merge.text not in {ours, theirs}:
            new[dispute.id] = merge.text
        merges[dispute.id] = merge
    if checker is not None:
        ids = [*new]
        for index in checker.mismatches([*new.values()]):
            merges[ids[index]] = replace(merges[ids[index]], conflicts=("",))
    return merges


class _Settled:
    """What a slice comes to: what is taken as it is, and what was settled one by one."""

    def __init__(self, vault: Vault, keys: StoreKeys, part: Slice, tally: Tally) -> None:
        self._tally = tally
        self._vault = vault
        self._keys = keys
        self._part = part
        size = len(part.disputed)
        self._from_theirs: Mask = np.zeros(size, np.bool_)
        self._from_base: Mask = np.zeros(size, np.bool_)
        self._removed: Mask = np.zeros(size, np.bool_)
        self._new: list[tuple[bytes, bytes, bytes]] = []
        self._new_bytes = 0
        self._stored: list[Changes] = []

    def take(self, row: int, take: Take) -> None:
        """Settle a record by one of its versions; ours is there already."""
        match take:
            case Take.THEIRS:
                self._from_theirs[row] = True
            case Take.BASE:
                self._from_base[row] = True
            case Take.DELETE:
                self._removed[row] = True
            case Take.OURS:
                pass

    def write(self, row: int, dispute: Dispute, text: bytes) -> None:
        """Settle a record by a text, stored anew unless a side has that very text; not at all
        once there is a conflict, as nothing would refer to it."""
        if self._tally.count:
            return
        digest = digests.record_digest(text, self._keys.ids.record)
        known = {Take.OURS: dispute.ours, Take.THEIRS: dispute.theirs, Take.BASE: dispute.base}
        for take, entry in known.items():
            if entry is not None and entry.digest == digest:
                self.take(row, take)
                return
        self._new.append((dispute.id, digest, text))
        self._new_bytes += len(text)
        if self._new_bytes >= _BODIES_BYTES:
            self._store()

    def changes(self) -> Changes:
        """All of it; new bodies are stored."""
        self._store()
        part = self._part
        return Changes.merge_sorted(
            [
                part.taken,
                part.theirs.changes(self._from_theirs),
                part.base.changes(self._from_base),
                Changes.remove(part.disputed[self._removed]),
                *self._stored,
            ]
        )

    def _store(self) -> None:
        if not self._new:
            return
        ids = np.array([record_id for record_id, _, _ in self._new], np.bytes_)
        values = np.frombuffer(b"".join(digest for _, digest, _ in self._new), DIGEST)
        bodies = [text for _, _, text in self._new]
        lengths = np.array([len(text) for text in bodies], np.uint32)
        locators, packs = store_bodies(
            self._vault, self._keys, lengths, lambda first, last: bodies[first:last]
        )
        self._stored.append(Changes.put(Entries(ids, values, locators, packs)))
        self._new, self._new_bytes = [], 0


def _settle(
    settled: _Settled,
    row: int,
    dispute: Dispute,
    merge: FieldMerge | None,
    rules: Rules,
    tally: Tally,
) -> None:
    resolution = rules.resolutions.get(dispute.id)
    if resolution is not None:
        tally.used.add(dispute.id)
        _resolve(settled, row, dispute, resolution)
    elif merge is not None and not merge.conflicts:
        settled.write(row, dispute, merge.text)
    elif rules.strategy is Strategy.FAIL:
        tally.add(dispute.kind)
    else:
        settled.take(row, Take.OURS if rules.strategy is Strategy.OURS else Take.THEIRS)


def _resolve(settled: _Settled, row: int, dispute: Dispute, resolution: Resolution) -> None:
    if isinstance(resolution.take, bytes):
        settled.write(row, dispute, resolution.take)
        return
    if resolution.take is Take.BASE and dispute.base is not None and dispute.known_base is None:
        raise Invalid(
            "several common ancestors disagree on this record, so it has no base to take",
            field=resolution.field,
        )
    settled.take(row, resolution.take)
