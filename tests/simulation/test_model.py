"""Any sequence of operations, without faults, against a dictionary for each branch."""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import Conflict, NotFound
from datavault.domain.ids import BranchName
from datavault.services import retention
from datavault.services.keys import open_store
from tests.simulation.model import Content, root_from_scratch
from tests.support.builders import MAIN, Process, Shelf

# Ids that sort in surprising ways: by case, by accents, by bytes beyond ASCII, by prefixes.
IDS = st.one_of(
    st.sampled_from(
        ["a", "aa", "A", "ä", "z", "/", "~", "\U0001f600", "\x01", "a/b", "é", "0" * 512]
    ),
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
    ),
)
BODIES = st.one_of(
    st.integers(0, 5).map(lambda number: b'{"n":%d}' % number),
    st.integers(3980, 4030).map(lambda size: b'{"t":"%s"}' % (b"x" * size)),
    st.just('{"t":"ü","n":1e400}'.encode()),
)
BRANCHES = st.sampled_from([MAIN, BranchName("dev"), BranchName("dev/2")])


class Datasets(RuleBasedStateMachine):
    """One dataset; ``staged`` and ``committed`` are what its branches ought to hold."""

    commits = Bundle("commits")
    LIMITS: ClassVar = st.sampled_from([1, 2, 3, 1000])

    def __init__(self) -> None:
        super().__init__()
        self.vault = MemoryVault()
        self.shelf = Shelf.make(self.vault)
        self.keys = open_store(self.vault, self.shelf.dataset)
        self.visible: dict[BranchName, Content] = {MAIN: {}}
        self.committed: dict[BranchName, Content] = {MAIN: {}}
        self.dirty = dict.fromkeys([MAIN], False)
        self.depth = dict.fromkeys([MAIN], 1)
        self.known: dict[str, Content] = {}

    @rule(branch=BRANCHES, bodies=st.dictionaries(IDS, BODIES, min_size=1, max_size=6))
    def append(self, branch: BranchName, bodies: dict[str, bytes]) -> None:
        if branch not in self.visible:
            with pytest.raises(NotFound):
                self.shelf.append(bodies, branch=branch)
            return
        assert self.shelf.append(bodies, branch=branch).ids == tuple(bodies)
        self.visible[branch] = {**self.visible[branch], **bodies}
        self.dirty[branch] = True

    @rule(branch=BRANCHES, key=IDS)
    def delete(self, branch: BranchName, key: str) -> None:
        if key not in self.visible.get(branch, {}):
            with pytest.raises(NotFound):
                self.shelf.delete(key, branch=branch)
            return
        self.shelf.delete(key, branch=branch)
        self.visible[branch] = {k: v for k, v in self.visible[branch].items() if k != key}
        self.dirty[branch] = True

    @rule(branch=BRANCHES, chance=st.randoms(use_true_random=False))
    def delete_one_there_is(self, branch: BranchName, chance: object) -> None:
        if keys := sorted(self.visible.get(branch, {})):
            self.delete(branch, chance.choice(keys))  # type: ignore[attr-defined]

    @rule(target=commits, branch=BRANCHES)
    def commit(self, branch: BranchName) -> str:
        if not self.dirty.get(branch):
            with pytest.raises((Conflict, NotFound)):
                self.shelf.commit(branch=branch)
            return self.shelf.history()[0].id
        before, after = self.committed[branch], self.visible[branch]
        commit = self.shelf.commit(branch=branch)
        assert commit.counts.records == len(after)
        assert commit.counts.added == len(after.keys() - before.keys())
        assert commit.counts.removed == len(before.keys() - after.keys())
        assert commit.root.address == root_from_scratch(self.keys, after)
        self.committed[branch] = self.known[commit.id] = after
        self.dirty[branch] = False
        self.depth[branch] += 1
        return commit.id

    @rule(name=BRANCHES, start=BRANCHES)
    def create_branch(self, name: BranchName, start: BranchName) -> None:
        if name in self.visible or start not in self.visible:
            with pytest.raises((Conflict, NotFound)):
                self.shelf.create_branch(name, start=start)
            return
        self.shelf.create_branch(name, start=start)
        self.visible[name] = self.committed[name] = self.committed[start]
        self.dirty[name], self.depth[name] = False, self.depth[start]

    @rule(name=BRANCHES)
    def delete_branch(self, name: BranchName) -> None:
        if name == MAIN or name not in self.visible:
            with pytest.raises((Conflict, NotFound)):
                self.shelf.delete_branch(name)
            return
        self.shelf.delete_branch(name)
        for held in (self.visible, self.committed, self.dirty, self.depth):
            del held[name]

    @precondition(lambda self: self.known)
    @rule(commit=commits, size=st.integers(8, 64))
    def read_a_commit(self, commit: str, size: int) -> None:
        if commit in self.known:
            assert self.shelf.all(ref=commit[:size]) == _in_order(self.known[commit])

    @rule(branch=BRANCHES, key=IDS)
    def get(self, branch: BranchName, key: str) -> None:
        if key in self.visible.get(branch, {}):
            assert self.shelf.get(key, ref=branch) == self.visible[branch][key]
        else:
            with pytest.raises(NotFound):
                self.shelf.get(key, ref=branch)

    @rule(branch=BRANCHES, limit=LIMITS)
    def page(self, branch: BranchName, limit: int) -> None:
        if branch in self.visible:
            assert self.shelf.all(ref=branch, limit=limit) == _in_order(self.visible[branch])
            assert len(self.shelf.history(ref=branch, limit=limit)) == self.depth[branch]

    @rule()
    def sweep(self) -> None:
        self.vault.clock.advance(2 * 3600)
        retention.sweep_staging(self.vault)

    @rule()
    def restart(self) -> None:
        self.shelf = self.shelf.on(Process(self.vault))

    @invariant()
    def every_branch_reads_as_the_model(self) -> None:
        for branch, content in self.visible.items():
            assert self.shelf.all(ref=branch) == _in_order(content)


def _in_order(content: Content) -> Content:
    return dict(sorted(content.items(), key=lambda pair: pair[0].encode()))


Datasets.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
TestDatasets = Datasets.TestCase
