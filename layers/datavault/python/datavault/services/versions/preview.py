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
    FieldMerge,
    MergeConflict,
    Outcome,
    Preview,
    Question,
    Rules,
)
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.merge import Slice, three_way
from datavault.domain.store.tree import Entry
from datavault.ports import Vault
from datavault.services.bodies import read_bodies
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.keys import open_store
from datavault.services.nodes import open_tree
from datavault.services.refs import resolve
from datavault.services.versions.bases import Base, find_base
from datavault.services.versions.three_way import Dispute, examined, is_ours

# A page with texts ends at about so many bytes.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# A page ends, with however few conflicts, when so many changed records were looked at.
PAGE_IDS_MAX = 64 * 1024
_SLICE_IDS = 2048
# So many conflicts have their texts fetched together: 16 times three bodies of 4 MiB at most.
_AT_ONCE = 16


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
            for _, dispute, merge in examined(vault, asked.keys, part, rules):
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
        ("list_conflicts", dataset_id, question.source, question.target, question.base or "")
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
    """The versions of a question, and the id after which to go on."""

    keys: StoreKeys
    base: Base
    ours: Kept
    theirs: Kept
    after: bytes

    def position(self, last: RecordId) -> str:
        return f"{self.ours.commit.id}/{self.theirs.commit.id}/{last}"


def _asked(vault: Vault, dataset: Dataset, question: Question, position: str | None) -> _Asked:
    keys = open_store(vault, dataset)
    after = ""
    if position is None:
        names = [resolve(vault, dataset, ref).commit for ref in (question.target, question.source)]
    else:
        first, second, after = position.split("/", 2)
        names = [CommitId(first), CommitId(second)]
    ours, theirs = (read_commit(vault, keys, dataset, name) for name in names)
    if question.base is None:
        base = find_base(vault, keys, dataset, ours, theirs, question.histories)
    else:
        commit_id = resolve(vault, dataset, question.base).commit
        root = read_commit(vault, keys, dataset, commit_id).commit.root
        base = Base((commit_id,), open_tree(vault, keys), root)
    return _Asked(keys, base, ours, theirs, after.encode())


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


def _page(
    vault: Vault, asked: _Asked, question: Question, limit: int
) -> tuple[list[tuple[Dispute, FieldMerge | None]], RecordId | None]:
    """Up to ``limit`` conflicts, and the id after which others may follow."""
    rules = Rules(granularity=question.granularity)
    found: list[tuple[Dispute, FieldMerge | None]] = []
    looked_at = 0
    slices = _slices(asked)
    for part in slices:
        looked_at += part.size
        conflicts = (
            (dispute, merge)
            for _, dispute, merge in examined(vault, asked.keys, part, rules)
            if merge is None or merge.conflicts
        )
        found += islice(conflicts, limit + 1 - len(found))
        if len(found) > limit:
            return found[:limit], RecordId(found[limit - 1][0].id.decode())
        if looked_at >= PAGE_IDS_MAX and next(slices, None) is not None:
            return found, RecordId(part.upto.decode())
    return found, None


def _shown(
    vault: Vault,
    keys: StoreKeys,
    found: list[tuple[Dispute, FieldMerge | None]],
    include: Include,
) -> Iterator[tuple[MergeConflict, int]]:
    """The conflicts as they are told, each with the bytes of its texts."""
    for at in range(0, len(found), _AT_ONCE):
        some = found[at : at + _AT_ONCE]
        sides = [entry for dispute, _ in some for entry in _known(dispute) if entry is not None]
        texts: Iterator[bytes] = iter(())
        if include is Include.RECORDS:
            texts = iter(read_bodies(vault, keys, Entry.columns(sides)))
        for dispute, merge in some:
            base, ours, theirs = (
                None
                if entry is None
                else Held(record_etag(entry.digest, keys.ids.etag), next(texts, None))
                for entry in _known(dispute)
            )
            fields = ("",) if merge is None else merge.conflicts
            record_id = RecordId(dispute.id.decode())
            conflict = MergeConflict(record_id, dispute.kind, fields, base, ours, theirs)
            held = (side.body for side in (base, ours, theirs) if side is not None)
            yield conflict, sum(len(body or b"") for body in held)


def _known(dispute: Dispute) -> tuple[Entry | None, Entry | None, Entry | None]:
    return dispute.known_base, dispute.ours, dispute.theirs
