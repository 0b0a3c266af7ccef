"""What a version is stored in: the blocks that hold its records, and the nodes of its tree.

Bytes are counted as sealed, whole blocks of records and whole nodes: a block counts for every
version that has any record in it. What else a pack has (header, block table) counts for none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datavault.domain.store.node import Inner, Leaf, Pointer
from datavault.domain.store.nodes import Nodes
from datavault.domain.store.places import LOCATOR, Locator, Locators, PackRef

type Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Different things stored, each once: a key for each (pack and start), and its length."""

    keys: Keys
    lengths: NDArray[np.uint32]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return int(self.lengths.sum(dtype=np.int64))

    def shared_with(self, other: "Places") -> int:
        """Bytes of those that ``other`` has too."""
        return int(self.lengths[np.isin(self.keys, other.keys)].sum(dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """``records`` has the locator of every record, ``packs`` the table that they index."""

    records: Locators
    packs: tuple[PackRef, ...]
    blocks: Places
    nodes: Places


class Surveyor:
    """Takes footprints that can be compared: all number the packs they meet in one way."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._numbers: dict[PackRef, int] = {}

    def footprint(self, root: Pointer) -> Footprint:
        """The footprint of a tree. Every node is read and verified, and no record.

        Holds 16 bytes a record, and a pointer a leaf.
        """
        level = [root]
        nodes: list[Locator] = []
        records: list[Locators] = [np.zeros(0, LOCATOR)]
        while level:
            self._nodes.expect(level)
            below: list[Pointer] = []
            for pointer in level:
                places = (pointer.locator, pointer.anchor)
                nodes += [place for place in places if place is not None]
                node = self._nodes.visit(pointer)
                if isinstance(node, Inner):
                    below += node.pointers(range(len(node.rows)))
                else:
                    records.append(self._numbered(node))
            level = below
        found = np.concatenate(records)
        return Footprint(found, tuple(self._numbers), _places(found), self._node_places(nodes))

    def _numbered(self, leaf: Leaf) -> Locators:
        """The leaf's locators, their packs numbered as everywhere here."""
        rows = leaf.rows
        numbers = np.array([self._number(pack) for pack in rows.packs] or [0], np.uint32)
        places = rows.locators.copy()
        places["pack"] = numbers[places["pack"]]
        return places

    def _node_places(self, nodes: list[Locator]) -> Places:
        rows = [(self._number(node.pack), node.slot, node.start, node.length) for node in nodes]
        return _places(np.array(rows, LOCATOR))

    def _number(self, pack: PackRef) -> int:
        return self._numbers.setdefault(pack, len(self._numbers))


def _places(locators: Locators) -> Places:
    keys = locators["pack"].astype(np.uint64) << np.uint64(32) | locators["start"]
    unique, first = np.unique(keys, return_index=True)
    return Places(unique, locators["length"][first])
