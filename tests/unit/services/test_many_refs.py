"""Many branches and commits: all listed, each once, page by page, and found by prefix.

``DATAVAULT_COMMITS=100000`` lists that many commits; it takes half a minute.
"""

import os
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest

from datavault.domain import keyspace, refs
from datavault.domain.errors import Conflict, Invalid, NotFound
from datavault.domain.history import Commit, Counts, Kept, child_of
from datavault.domain.ids import BranchId, BranchName, CommitId, new_id, parse_branch_name
from datavault.domain.reflog import Why
from datavault.domain.refs import Branch
from datavault.domain.rows import Put
from datavault.services.history import commit_row, read_commit
from datavault.services.keys import open_store
from datavault.services.refs import open_work, resolve_commit
from datavault.services.staging import read_head
from datavault.services.versions import branches
from tests.support.builders import MAIN, Shelf, a_body

BRANCHES = 10_000
# Making, opening and verifying each takes some 0.2 ms.
COMMITS = int(os.environ.get("DATAVAULT_COMMITS", "5000"))
# Others beside them, of which a lookup reads only where their ids are.
NEIGHBOURS = 80_000
# Every character that is allowed, first, last, alone, and beside every other.
FIRST = "AZaz09"
INNER = [*"Zz9.", "_", "-", "/a", "--", "__", "a.b", "-.", ".-", "_/0", "/A"]


def awkward_names() -> list[BranchName]:
    """So many names that are all different and none of them taken for a commit."""
    found: dict[BranchName, None] = {}
    for number, (first, one, two) in enumerate(product(FIRST, INNER, INNER)):
        for text in (f"{first}{one}{two}g", f"{first}{'x' * (number % 100)}{one}{two}{number}z"):
            with suppress(Invalid):  # Two that may not stand beside each other.
                found[parse_branch_name(text)] = None
    number = 0
    while len(found) < BRANCHES:
        found[parse_branch_name(f"team-{number % 7}/{number:05d}_experiment")] = None
        number += 1
    return list(found)[:BRANCHES]


def test_every_branch_is_listed_once_by_name() -> None:
    made = Shelf.make()
    commit = made.history()[0].id
    names = awkward_names()
    rows: list[Put] = []
    for number, name in enumerate(names):
        branch = Branch(BranchId(new_id("br", number)), name, commit, number, "alice", False)
        changes = refs.create(made.dataset.workspace, made.dataset.id, branch, "create_branch")
        rows += [replace(each, condition=None) for each in changes if isinstance(each, Put)]
    made.vault.catalog.put_many(rows)
    assert len({*names}) == BRANCHES
    expected = sorted([*names, MAIN], key=str.encode)
    for limit in (1000, 333):
        listed: list[str] = []
        cursor = None
        while not listed or cursor is not None:
            page = branches.list_branches(
                made.vault,
                caller=made.caller,
                dataset_id=made.dataset.id,
                limit=limit,
                cursor=cursor,
            )
            assert len(page.items) <= limit
            listed += [branch.name for branch in page.items]
            cursor = page.next_cursor
        assert listed == expected
    for name in names[:: BRANCHES // 10]:
        made.append({"r": a_body(name)}, branch=name)
        assert made.all(ref=name) == {"r": a_body(name)}
        assert made.reflog(name)[0].target == commit
        with pytest.raises(Conflict, match="a branch of this name"):
            made.create_tag(name)


@pytest.fixture(scope="module")
def long_history() -> tuple[Shelf, list[CommitId]]:
    """A branch at the last of so many commits, and their ids from the newest on."""
    made = Shelf.make()
    keys = open_store(made.vault, made.dataset)
    kept: Kept = read_commit(made.vault, keys, made.dataset, made.history()[0].id)
    ids = [kept.commit.id]
    rows: list[Put] = []
    for number in range(1, COMMITS):
        parent = kept.commit
        counts = Counts(0, 0, 0, 0)
        commit = Commit(parent.root, (parent.id,), "alice", f"{number}", number, counts)
        kept = child_of([kept], commit)
        rows.append(commit_row(keys, made.dataset, kept))
        ids.append(commit.id)
    rows += [
        Put(keyspace.commit(made.dataset.workspace, made.dataset.id, f"{number:064x}"), {})
        for number in range(NEIGHBOURS)
    ]
    made.vault.catalog.put_many(rows)
    work = open_work(made.vault, made.dataset, MAIN)
    why = Why("create_commit", "alice", COMMITS)
    moved = refs.move(work.named, read_head(work), kept.commit.id, why)
    made.vault.catalog.write(moved, token="move")
    return made, ids[::-1]


def test_every_commit_is_listed_once_newest_first(
    long_history: tuple[Shelf, list[CommitId]],
) -> None:
    made, ids = long_history
    assert [commit.id for commit in made.history(limit=1000)] == ids


def test_a_commit_among_many_is_found_by_a_prefix(
    long_history: tuple[Shelf, list[CommitId]],
) -> None:
    made, ids = long_history
    prefixes: dict[str, int] = {}
    for commit in ids:
        prefixes[commit[:8]] = prefixes.get(commit[:8], 0) + 1
    for commit in ids[:: COMMITS // 100]:
        if prefixes[commit[:8]] == 1:
            assert resolve_commit(made.vault, made.dataset, commit[:8]) == commit
        assert resolve_commit(made.vault, made.dataset, commit) == commit
    differs = "1" if ids[0][12] == "0" else "0"
    twin = CommitId(ids[0][:12] + differs * 52)
    made.vault.catalog.put_many(
        [Put(keyspace.commit(made.dataset.workspace, made.dataset.id, twin), {"trail": b""})]
    )
    with pytest.raises(Conflict, match="several commits"):
        resolve_commit(made.vault, made.dataset, ids[0][:12])
    assert resolve_commit(made.vault, made.dataset, ids[0][:13]) == ids[0]
    with pytest.raises(Conflict, match="several commits"):
        resolve_commit(made.vault, made.dataset, "0" * 8)
    assert resolve_commit(made.vault, made.dataset, f"{5:064x}") == f"{5:064x}"
    absent = next(text for n in range(2**32) if (text := f"{n:08x}") not in {*prefixes, "0" * 8})
    with pytest.raises(NotFound):
        resolve_commit(made.vault, made.dataset, absent)


def test_a_record_history_over_many_commits_ends(
    long_history: tuple[Shelf, list[CommitId]],
) -> None:
    """Commits that changed nothing are passed over by their roots alone."""
    made, _ = long_history
    assert made.past("never", ref=long_history[1][-1_000]) == []
