"""The best common ancestors of commits: where a three-way merge takes its base from.

An ancestor of both sides is *best* if it is no ancestor of another one. Commits are taken from
the highest down, each marked with the sides that reach it; one reached from both is a result, and
what is below it is stale. This is git's walk (``paint_down_to_common`` in ``commit-reach.c``) with
heights in place of dates, which makes the order exact: an ancestor is always lower, so when a
commit is taken, everything that could reach it has been taken before.

Where histories run without merges, the walk leaps: all commits in hand go down to one height at
once, by the skip list that each commit's row has, as long as they arrive at different commits;
what has met stays together, so they cannot have met above. A leap of 131,072 commits costs one
read, and two branches of 100,000 commits each are compared in some dozens. Through merges the walk
goes commit by commit, 32 to a read.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from datavault.domain.errors import Corrupt
from datavault.domain.history import SKIPS, Kept
from datavault.domain.ids import CommitId

_LEFT, _RIGHT, _STALE = 1, 2, 4
_BOTH = _LEFT | _RIGHT
# Between the steps of the skip list, those that every commit's trail reaches.
_LEAPS = (*reversed(SKIPS), 32, 8)

type Load = Callable[[Sequence[CommitId]], Mapping[CommitId, Kept]]
"""Those of some commits that there are, in one read."""


def best_common_ancestors(
    left: Sequence[CommitId], right: Sequence[CommitId], load: Load
) -> list[CommitId]:
    """The best common ancestors of a commit made on all of ``left`` and one made on all of
    ``right``, in the order of their ids; none if their histories are unrelated.

    A commit counts as its own ancestor.

    Raises:
        Corrupt: a commit's parent is missing.
    """
    walk = _Walk(_Graph(load))
    for side, ids in ((_LEFT, left), (_RIGHT, right)):
        for commit_id in ids:
            walk.mark(commit_id, side)
    return sorted(walk.results())


class _Graph:
    """Commits as far as they have been looked at."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._kept: dict[CommitId, Kept] = {}
        self._heights: dict[CommitId, int] = {}

    def get(self, commit_id: CommitId) -> Kept:
        """One commit."""
        self.want([commit_id])
        return self._kept[commit_id]

    def want(self, ids: Sequence[CommitId], *, soon: Sequence[CommitId] = ()) -> None:
        """Have ``ids`` at hand and, if that takes a read, with it what will be asked for soon."""
        missing = [each for each in ids if each not in self._kept]
        if not missing:
            return
        self._kept |= self._load([*missing, *(each for each in soon if each not in self._kept)])
        gone = [each for each in missing if each not in self._kept]
        if gone:
            raise Corrupt(f"commit {gone[0]} is missing from the history of another")

    def parents(self, commit_id: CommitId) -> tuple[CommitId, ...]:
        """Its parents, at hand; with them come a few more of the line and what it merged."""
        kept = self.get(commit_id)
        parents = kept.commit.parents
        if any(parent not in self._kept for parent in parents):
            line = kept.ancestors()
            self.want(parents, soon=line)
            merged = [
                each
                for ancestor in line
                if ancestor in self._kept
                for each in self._kept[ancestor].commit.parents[1:]
            ]
            self.want(merged)
        return parents

    def height(self, commit_id: CommitId) -> int:
        """Its height: from its row, or counted from the first commit for rows without one."""
        lineage = self.get(commit_id).lineage
        if lineage is not None:
            return lineage.height
        stack = [commit_id]
        while stack:
            top = stack[-1]
            lineage = self.get(top).lineage
            parents = () if lineage is not None else self.parents(top)
            unknown = [parent for parent in parents if parent not in self._heights]
            if unknown:
                stack += unknown
                continue
            counted = 1 + max((self._heights[parent] for parent in parents), default=-1)
            self._heights[top] = counted if lineage is None else lineage.height
            stack.pop()
        return self._heights[commit_id]


class _Walk:
    """The commits in hand, the highest first, and which sides reach each."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        self._reached: dict[CommitId, int] = {}
        self._heap: list[tuple[int, CommitId]] = []

    def mark(self, commit_id: CommitId, sides: int) -> None:
        """Say that these sides reach a commit."""
        if commit_id not in self._reached:
            heappush(self._heap, (-self._graph.height(commit_id), commit_id))
        self._reached[commit_id] = self._reached.get(commit_id, 0) | sides

    def results(self) -> list[CommitId]:
        """Walk down until all that is in hand is stale."""
        found: list[CommitId] = []
        while not all(sides & _STALE for sides in self._reached.values()):
            if self._leap():
                continue
            _, commit_id = heappop(self._heap)
            sides = self._reached.pop(commit_id)
            if sides == _BOTH:
                found.append(commit_id)
                sides |= _STALE
            for parent in self._graph.parents(commit_id):
                self.mark(parent, sides)
        return found

    def _leap(self) -> bool:
        """Take all that is in hand down to one height, the lowest at which nothing meets."""
        top = -self._heap[0][0]
        for step in _LEAPS:
            height = (top - 1) // step * step
            moved = [commit_id for negative, commit_id in self._heap if -negative > height]
            if any(self._reached[commit_id] == _BOTH for commit_id in moved):
                continue  # A result is not to be passed over.
            targets = [self._graph.get(commit_id).at(height) for commit_id in moved]
            named = [target for target in targets if target is not None]
            if len({*named}) < len(moved) or any(target in self._reached for target in named):
                continue
            self._graph.want(named)
            sides = [self._reached.pop(commit_id) for commit_id in moved]
            self._heap = [entry for entry in self._heap if -entry[0] <= height]
            heapify(self._heap)
            for target, each in zip(named, sides, strict=True):
                self.mark(target, each)
            return True
        return False
