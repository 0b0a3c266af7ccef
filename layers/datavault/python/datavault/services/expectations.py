"""Expectations: whether records are at the versions that a writer states.

What is read is exact: every batch that the heads count, of the open generation and of one that a
pending commit closed, then the tree. So one expectation costs as much as a list's first page on a
branch with much staged: its batch rows, at most some 400.
"""

from collections.abc import Sequence

import numpy as np

from datavault.domain import digests, refs
from datavault.domain.expectations import Expectation
from datavault.domain.ids import RecordId
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.staging import FoundName, Work, open_change, settled_names, staged_rows


def find_unmet(
    work: Work, head: refs.Head, expectations: Sequence[Expectation]
) -> Expectation | None:
    """The first expectation that does not hold of the branch as ``head`` has it."""
    etags = _etags(work, head, [expectation.id for expectation in expectations])
    for expectation in expectations:
        if etags.get(expectation.id) != expectation.version.etag:
            return expectation
    return None


def _etags(work: Work, head: refs.Head, ids: Sequence[RecordId]) -> dict[RecordId, str]:
    """The etag of each of these records that is there."""
    found = _staged_digests(work, head, set(ids))
    left = sorted(record_id.encode() for record_id in ids if record_id not in found)
    if left:
        root = read_commit(work.vault, work.keys, work.dataset, head.commit).commit.root
        committed = open_tree(work.vault, work.keys).get_many(root, np.array(left, np.bytes_))
        for row in np.flatnonzero(committed.found).tolist():
            found[RecordId(left[row].decode())] = committed.digests[row].tobytes()
    return {
        record_id: digests.record_etag(digest, work.keys.ids.etag)
        for record_id, digest in found.items()
        if digest is not None
    }


def _staged_digests(
    work: Work, head: refs.Head, ids: set[RecordId]
) -> dict[RecordId, bytes | None]:
    """The digests of those that are staged; ``None`` for one whose removal is."""
    generations = [(head.generation, head.batches)]
    if head.pending is not None:
        generations.insert(0, (head.generation - 1, head.closed_batches))
    newest: dict[RecordId, tuple[int, FoundName]] = {}
    for generation, batches in generations:
        if batches:
            names = settled_names(work, generation, batches)
            newest |= {each: (generation, names[each]) for each in ids & names.keys()}
    there = {each: at for each, at in newest.items() if not at[1].removed}
    rows = staged_rows(work, [found.key for _, found in there.values()]) if there else {}
    staged: dict[RecordId, bytes | None] = dict.fromkeys(newest)
    for record_id, (generation, found) in there.items():
        staged[record_id] = open_change(work, generation, rows[found.key]).digest
    return staged
