"""Tree nodes in packs: reading them through the pack directory, writing them a pack at a time."""

from collections.abc import Iterable
from itertools import groupby

from datavault.domain.errors import Corrupt, NotFound
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.pack import Kind, PackWriter
from datavault.domain.store.places import Locator, PackRef
from datavault.domain.store.tree import Tree
from datavault.ports import Vault
from datavault.services.blocks import object_key, read_block, write_pack

# Sealed nodes are collected up to this size and stored as one object; more become several.
NODE_PACK_BYTES = 8 * 1024 * 1024
# Nodes expected soon are fetched together up to this size: a few dozen leaves, one round trip.
AHEAD_BYTES = 2 * 1024 * 1024
# A merge reads two trees that it compares and a third by turns, some levels of each.
EXPECTED_MAX = 8


type _Place = tuple[bytes, int]


class StoredNodes:
    """Reads the nodes of one store, those that are expected a few dozen at a time."""

    def __init__(self, vault: Vault, keys: StoreKeys) -> None:
        self._vault = vault
        self._keys = keys
        self._ahead: list[_Ahead] = []

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        """The payload of a node, verified by its block's seal."""
        sealed = self._fetched((pack.id, start))
        if sealed is not None:
            try:
                return self._keys.pack(pack, Kind.NODES).open_block(sealed)
            except Corrupt:
                pass  # Perhaps only the hint is stale: the single read asks the directory.
        return read_block(self._vault, self._keys, Kind.NODES, pack, start, length, slot)

    def expect(self, locators: Iterable[Locator]) -> None:
        """Remember what will be read soon; it is fetched when the first of it is.

        Several trees may be walked by turns: of what was expected before, that which was read from
        last is remembered too.
        """
        ahead = _Ahead(self._vault, self._keys, list(locators))
        if ahead.places:
            self._ahead = [*self._ahead[1 - EXPECTED_MAX :], ahead]

    def _fetched(self, place: _Place) -> bytes | None:
        for index, ahead in enumerate(self._ahead):
            if place in ahead.places:
                self._ahead.append(self._ahead.pop(index))
                return ahead.take(place)
        return None


class _Ahead:
    """Nodes expected in one order, and those of them that were fetched before they were read."""

    def __init__(self, vault: Vault, keys: StoreKeys, expected: list[Locator]) -> None:
        self._vault = vault
        self._keys = keys
        self._expected = expected
        self._sealed: dict[_Place, bytes] = {}
        self.places = {
            (locator.pack.id, locator.start): index for index, locator in enumerate(expected)
        }

    def take(self, place: _Place) -> bytes | None:
        """A node expected, fetched together with those after it; ``None`` if it was moved."""
        first = self.places.pop(place)
        if place not in self._sealed:
            self._fetch(first)
        return self._sealed.pop(place, None)

    def _fetch(self, first: int) -> None:
        wanted: list[Locator] = []
        size = 0
        for locator in self._expected[first:]:
            size += locator.length
            if wanted and size > AHEAD_BYTES:
                break
            wanted.append(locator)
        # What was fetched before and is not read by now was passed over.
        self._sealed.clear()
        wanted.sort(key=lambda locator: (locator.pack.id, locator.start))
        for pack_id, group in groupby(wanted, key=lambda locator: locator.pack.id):
            members = list(group)
            name = object_key(self._keys.store, Kind.NODES, pack_id)
            ranges = [(member.start, member.length) for member in members]
            try:
                found = self._vault.objects.get_ranges(name, ranges)
            except NotFound:
                continue  # Moved: the single read asks the directory.
            for member, sealed in zip(members, found, strict=True):
                self._sealed[pack_id, member.start] = sealed


class NodePacks:
    """Takes new nodes and stores them, many to an object; nothing is stored before ``flush``
    unless a pack is full. A node is one block, so reading one costs one GET.
    """

    def __init__(self, vault: Vault, keys: StoreKeys) -> None:
        self._vault = vault
        self._keys = keys
        self._writer: PackWriter | None = None

    def add(self, payload: bytes) -> Locator:
        """Take a node; where it will be once flushed."""
        if self._writer is not None and self._writer.size >= NODE_PACK_BYTES:
            self.flush()
        if self._writer is None:
            self._writer = PackWriter(self._keys.fresh_pack(Kind.NODES))
        start, length, slot = self._writer.add(payload, slots=1)
        return Locator(self._writer.key.ref, slot, start, length)

    def flush(self) -> None:
        """Store what was taken; after this every locator given out leads somewhere."""
        if self._writer is None:
            return
        write_pack(self._vault, self._keys, self._writer)
        self._writer = None


def open_tree(vault: Vault, keys: StoreKeys) -> Tree:
    """The trees of a store, read through the vault's cache of nodes."""
    return Tree(StoredNodes(vault, keys), keys.ids, cache=vault.nodes)
