"""What a merge would meet: its outcome and counts at once, its conflicts page by page.

Both look at committed states and store nothing. Without a base of its own the base is that of a
merge; with one it is what a cherry-pick (base: the commit's parent, source: the commit) or a
revert (base: the commit, source: its parent) would meet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from datavault.domain.access import Action, Caller, require
from datavault.domain.changes import Held, Include
from datavault.domain.datasets import Dataset
from datavault.domain.digests import record_etag
from datavault.domain.history import Kept
from datavault.domain.ids import CommitId, DatasetId, RecordId
from datavault.domain.merging import (
    ConflictKind,
    ConflictPage,
    MergeConflict,
    Outcome,
    Preview,
    Question,
    Rules,
)
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.merge import Slice, three_way
from datavault.domain.store.places import Locator
from datavault.domain.store.tree import Entry
from datavault.ports import Vault
from datavault.schema_ports import RecordChecker
from datavault.services.bodies import read_bodies
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.portions import portions
from datavault.services.record_schemas import open_checker
from datavault.services.refs import resolve
from datavault.services.versions.bases import Base, find_base
from datavault.services.versions.three_way import Dispute, examined, is_ours

# A page with texts ends at about so many bytes.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# A page ends, with however few conflicts, when so many changed records were looked at.
PAGE_IDS_MAX = 64 * 1024
_SLICE_IDS = 2048


def preview_merge(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, question: Question
) -> Preview:
    """What merging would come to, with all conflicts counted: as much work as merging.

    Raises:
        Conflict: the histories are unrelated.
        NotFound: a ref names nothing.
    """
    require(caller, Action.COMPARE)
    dataset = find_dataset(vault, caller, dataset_id)
    asked = _asked(vault, dataset, question, None)
    outcome = _outcome(asked, question)
    changes = 0
    conflicts: dict[ConflictKind, int] = {}
    if outcome is not Outcome.UNCHANGED:
        rules = Rules(granularity=question.granularity)
        for part in _slices(asked):
            changes += len(part.taken)
            for _, dispute, merge in examined(vault, asked.keys, part, rules, asked.checker):
                if merge is not None and not merge.conflicts:
                    changes += not is_ours(asked.keys, dispute, merge)
                else:
                    conflicts[dispute.kind] = conflicts.get(dispute.kind, 0) + 1
    ours, theirs = asked.ours.commit.id, asked.theirs.commit.id
    return Preview(outcome, asked.base.commits, ours, theirs, changes, conflicts)


def list_conflicts(
    vault: Vault,
    *,
    caller: Caller,
    dataset_id: DatasetId,
    question: Question,
    include: Include,
    limit: int,
    cursor: str | None,
) -> ConflictPage:
    """The conflicts that merging would meet, in the byte order of record ids.

    All pages are of the versions that the first one saw. A page can have fewer than ``limit``
    conflicts, or none, and yet be followed by others.

    Raises:
        Conflict: the histories are unrelated.
        NotFound: a ref names nothing.
    """
    require(caller, Action.COMPARE)
    dataset = find_dataset(vault, caller, dataset_id)
    scope = "/".join(
        (
            "list_conflicts",
            dataset_id,
            question.granularity,
            question.histories,
            question.source,
            question.target,
            question.base or "",
        )
    )
    asked = _asked(vault, dataset, question, open_cursor(vault, caller, scope, cursor))
    found, upto = _page(vault, asked, question, limit)
    conflicts: list[MergeConflict] = []
    size = 0
    for conflict, held in _shown(vault, asked.keys, found, include):
        if conflicts and size + held > PAGE_BYTES_MAX:
            upto = conflicts[-1].id
            break
        conflicts.append(conflict)
        size += held
    position = None if upto is None else asked.position(upto)
    return ConflictPage(
        asked.base.commits,
        asked.ours.commit.id,
        asked.theirs.commit.id,
        tuple(conflicts),
        seal_cursor(vault, caller, scope, position),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """The versions of a question, and the id after which to go on.

    ``given`` is the base that was asked for; a common ancestor follows from the two sides.
    """

    keys: StoreKeys
    checker: RecordChecker | None
    given: CommitId | None
    base: Base
    ours: Kept
    theirs: Kept
    after: bytes

    def position(self, last: RecordId) -> str:
        """Where a page ends, as a cursor keeps it."""
        return f"{self.ours.commit.id}/{self.theirs.commit.id}/{self.given or ''}/{last}"


def _asked(vault: Vault, dataset: Dataset, question: Question, position: str | None) -> _Asked:
    """The versions that the refs name, or that the page before was of."""
    keys = open_store(vault, dataset)
    after = ""
    given: CommitId | None = None
    if position is None:
        names = [resolve(vault, dataset, ref).commit for ref in (question.target, question.source)]
        if question.base is not None:
            given = resolve(vault, dataset, question.base).commit
    else:
        first, second, third, after = position.split("/", 3)
        names = [CommitId(first), CommitId(second)]
        given = CommitId(third) if third else None
    ours, theirs = (read_commit(vault, keys, dataset, name) for name in names)
    if given is None:
        base = find_base(vault, keys, dataset, ours, theirs, question.histories)
    else:
        root = read_commit(vault, keys, dataset, given).commit.root
        base = Base((given,), open_tree(vault, keys), root)
    checker = open_checker(vault, dataset)
    return _Asked(keys, checker, given, base, ours, theirs, after.encode())


def _outcome(asked: _Asked, question: Question) -> Outcome:
    if question.base is None and asked.theirs.commit.id in asked.base.commits:
        return Outcome.UNCHANGED
    if question.base is None and asked.ours.commit.id in asked.base.commits:
        return Outcome.FAST_FORWARDED
    return Outcome.COMMITTED


def _slices(asked: _Asked) -> Iterator[Slice]:
    return three_way(
        asked.base.tree,
        asked.base.root,
        asked.ours.commit.root,
        asked.theirs.commit.root,
        after=asked.after,
        at_once=_SLICE_IDS,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A conflict before its texts are read: where they are, and the fields in conflict."""

    dispute: Dispute
    fields: tuple[str, ...]

    def known(self) -> tuple[Entry | None, Entry | None, Entry | None]:
        """What the base, ours and theirs have, as far as that is known."""
        return self.dispute.known_base, self.dispute.ours, self.dispute.theirs

    def places(self) -> list[Locator]:
        """Where the texts are."""
        return [entry.locator for entry in self.known() if entry is not None]


def _page(
    vault: Vault, asked: _Asked, question: Question, limit: int
) -> tuple[list[_Found], RecordId | None]:
    """Up to ``limit`` conflicts, and the id after which others may follow.

    What fields were merged to is let go of at once: of a conflict only the fields are told.
    """
    rules = Rules(granularity=question.granularity)
    found: list[_Found] = []
    looked_at = 0
    slices = _slices(asked)
    for part in slices:
        looked_at += part.size
        conflicts = (
            _Found(dispute, ("",) if merge is None else merge.conflicts)
            for _, dispute, merge in examined(vault, asked.keys, part, rules, asked.checker)
            if merge is None or merge.conflicts
        )
        found += islice(conflicts, limit + 1 - len(found))
        if len(found) > limit:
            return found[:limit], RecordId(found[limit - 1].dispute.id.decode())
        if looked_at >= PAGE_IDS_MAX and next(slices, None) is not None:
            return found, RecordId(part.upto.decode())
    return found, None


def _shown(
    vault: Vault, keys: StoreKeys, found: list[_Found], include: Include
) -> Iterator[tuple[MergeConflict, int]]:
    """The conflicts as they are told, each with the bytes of its texts."""
    fetched = include is Include.RECORDS
    for some in portions(found, lambda each: each.places() if fetched else ()):
        texts: Iterator[bytes] = iter(())
        if fetched:
            sides = [entry for each in some for entry in each.known() if entry is not None]
            texts = iter(read_bodies(vault, keys, Entry.columns(sides)))
        for each in some:
            base, ours, theirs = (
                None
                if entry is None
                else Held(record_etag(entry.digest, keys.ids.etag), next(texts, None))
                for entry in each.known()
            )
            record_id, kind = RecordId(each.dispute.id.decode()), each.dispute.kind
            conflict = MergeConflict(record_id, kind, each.fields, base, ours, theirs)
            held = (side.body for side in (base, ours, theirs) if side is not None)
            yield conflict, sum(len(body or b"") for body in held)
