"""The base of a merge: the tree that both sides are compared with.

With one best common ancestor it is that commit's tree. Histories that criss-cross have several.
Then, as git's recursive strategy does, they are merged first, on their own common ancestors, and
the result is the base. Unlike git, what conflicts there gets no content with markers in it: its
base is *unknown*, equal to neither side, so that a record which the sides disagree on is a
conflict and never settled by a guess. Records are not merged field by field there either, for the
same reason. The tree of such a base is kept in memory and stored nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from datavault.domain.ancestry import best_common_ancestors
from datavault.domain.cache import BoundedCache
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Conflict, TooLarge
from datavault.domain.history import Kept
from datavault.domain.ids import CommitId
from datavault.domain.merging import Histories
from datavault.domain.store.columns import DIGEST, Changes, Entries, Ids
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.merge import UNKNOWN, three_way
from datavault.domain.store.node import Pointer
from datavault.domain.store.nodes import NodeCache, NodeReader
from datavault.domain.store.places import LOCATOR, Locator, PackRef
from datavault.domain.store.tree import Tree
from datavault.ports import Vault
from datavault.services.history import read_commit, read_commits
from datavault.services.nodes import StoredNodes, open_tree

# Bases of bases are merged so deep; each level is a pair of branches merged both ways at once.
DEPTH_MAX = 8
# Nodes of a base in memory: some 7,000 leaves that the common ancestors differ in.
OVERLAY_BYTES_MAX = 256 * 1024 * 1024
_CACHE_BYTES = 32 * 1024 * 1024
# Names the overlay; no pack of a store has this id.
_OVERLAY = PackRef(bytes(16), 0, bytes(32))


@dataclass(frozen=True, slots=True)
class Base:
    """What a merge starts from: the best common ancestors, and the tree they make together.

    ``tree`` reads that tree and those of the sides; ``root`` is ``None`` for an empty one.
    """

    commits: tuple[CommitId, ...]
    tree: Tree
    root: Pointer | None


def find_base(
    vault: Vault,
    keys: StoreKeys,
    dataset: Dataset,
    ours: Kept,
    theirs: Kept,
    histories: Histories,
) -> Base:
    """The base of merging ``theirs`` into ``ours``.

    Raises:
        Conflict: they have no common ancestor, and ``histories`` asks for one; or they
            criss-cross deeper than ``DEPTH_MAX``.
        TooLarge: several common ancestors differ too much from one another.
    """
    finder = _Finder(vault, keys, dataset)
    commits = finder.ancestors([ours.commit.id], [theirs.commit.id])
    if not commits and histories is Histories.RELATED:
        raise Conflict(
            f"commits {ours.commit.id} and {theirs.commit.id} have no common ancestor;"
            " ask for histories of any kind to merge them as if they had an empty one",
            field="source",
        )
    if len(commits) <= 1:
        root = finder.root(commits[0]) if commits else None
        return Base(tuple(commits), open_tree(vault, keys), root)
    root = finder.merged(commits, depth=1)
    return Base(tuple(commits), finder.tree, root)


class _Finder:
    """The common ancestors of one merge and, where they are several, the overlay they make."""

    def __init__(self, vault: Vault, keys: StoreKeys, dataset: Dataset) -> None:
        self._vault = vault
        self._keys = keys
        self._dataset = dataset
        self._overlay = _Overlay(StoredNodes(vault, keys))
        # Not the vault's cache: nodes of the overlay lead to others that end with it.
        cache: NodeCache = BoundedCache(_CACHE_BYTES)
        self.tree = Tree(self._overlay, keys.ids, cache=cache)

    def ancestors(self, left: Sequence[CommitId], right: Sequence[CommitId]) -> list[CommitId]:
        return best_common_ancestors(left, right, self._load)

    def root(self, commit_id: CommitId) -> Pointer:
        return read_commit(self._vault, self._keys, self._dataset, commit_id).commit.root

    def merged(self, commits: Sequence[CommitId], *, depth: int) -> Pointer | None:
        """The tree of these commits merged one after the other, on their own bases."""
        if depth > DEPTH_MAX:
            raise Conflict(
                f"these histories criss-cross more than {DEPTH_MAX} deep:"
                " merge commits in between first",
                field="source",
            )
        root = self.root(commits[0])
        for index, commit_id in enumerate(commits[1:], start=1):
            below = self.ancestors(commits[:index], [commit_id])
            base = self.merged(below, depth=depth + 1) if below else None
            for part in three_way(self.tree, base, root, self.root(commit_id)):
                taken = Changes.merge_sorted([part.taken, _unknown(part.disputed)])
                root = self.tree.apply(root, taken, self._overlay).root
        return root

    def _load(self, ids: Sequence[CommitId]) -> dict[CommitId, Kept]:
        return read_commits(self._vault, self._keys, self._dataset, ids)


class _Overlay(NodeReader):
    """Nodes in memory over those of a store."""

    def __init__(self, stored: StoredNodes) -> None:
        self._stored = stored
        self._payloads: list[bytes] = []
        self._size = 0

    def add(self, payload: bytes) -> Locator:
        """Keep a node."""
        self._size += len(payload)
        if self._size > OVERLAY_BYTES_MAX:
            raise TooLarge(
                f"the common ancestors of the two sides differ in more than {OVERLAY_BYTES_MAX}"
                " bytes of tree: merge commits in between first",
                field="source",
            )
        self._payloads.append(payload)
        return Locator(_OVERLAY, len(self._payloads) - 1, 0, len(payload))

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        """The payload of a node, from memory or from the store."""
        if pack == _OVERLAY:
            return self._payloads[slot]
        return self._stored.read(pack, start, length, slot)

    def expect(self, locators: Iterable[Locator]) -> None:
        """Let the store's nodes be on their way."""
        self._stored.expect(locator for locator in locators if locator.pack != _OVERLAY)


def _unknown(ids: Ids) -> Changes:
    """Records whose base nobody knows."""
    digests = np.full(len(ids), np.void(UNKNOWN), DIGEST)
    return Changes.put(Entries(ids, digests, np.zeros(len(ids), LOCATOR), (_OVERLAY,)))
