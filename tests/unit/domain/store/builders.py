"""Entries, changes and a store of nodes in memory, for tests of the tree."""

from collections.abc import Iterable, Mapping

import numpy as np

from datavault.domain.digests import IdKeys
from datavault.domain.store.boundary import Shape
from datavault.domain.store.columns import DIGEST, Changes, Entries, Ids
from datavault.domain.store.nodes import NodeReader
from datavault.domain.store.places import LOCATOR, Locator, PackRef
from datavault.domain.store.tree import Tree

KEYS = IdKeys.derive(b"k" * 32)
# Nodes of a few rows, so that a hundred records make a tree of several levels.
DEEP = Shape(leaf_bits=2, leaf_entries_max=8, inner_bits=1, inner_entries_max=4)

type Model = dict[bytes, int]
"""The digest of each record, as the number that all its bytes are."""


def pack_ref(number: int) -> PackRef:
    return PackRef(bytes([number]) * 16, number, bytes([255 - number]) * 32)


def id_column(ids: Iterable[bytes]) -> Ids:
    return np.array(sorted(ids), np.bytes_)


def entries(model: Mapping[bytes, int | None], *, pack: int = 1) -> Entries:
    """Entries whose slots are their row and whose block is told by their digest."""
    size = len(model)
    if not size:
        return Entries.empty()
    rows = sorted(model.items())
    locators = np.zeros(size, LOCATOR)
    locators["slot"] = np.arange(size)
    locators["start"] = [1000 * (digest or 0) for _, digest in rows]
    locators["length"] = 900
    digests = b"".join(bytes([digest or 0]) * 16 for _, digest in rows)
    ids = np.array([record_id for record_id, _ in rows], np.bytes_)
    return Entries(ids, np.frombuffer(digests, DIGEST), locators, (pack_ref(pack),))


def changes(model: Mapping[bytes, int | None], *, pack: int = 1) -> Changes:
    """Put every record that has a digest, remove those that have ``None``."""
    removed = [digest is None for _, digest in sorted(model.items())]
    return Changes(entries(model, pack=pack), np.array(removed, np.bool_))


def as_model(parts: Iterable[Entries]) -> Model:
    """What a scan gives, in its order."""
    return {
        bytes(record_id): digest.tobytes()[0]
        for rows in parts
        for record_id, digest in zip(rows.ids, rows.values, strict=True)
    }


class MemoryStore(NodeReader):
    """Nodes in a list; remembers what was read and what was announced."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.reads: list[int] = []
        self.expected: list[int] = []

    def add(self, payload: bytes) -> Locator:
        self.payloads.append(payload)
        return Locator(pack_ref(200), len(self.payloads) - 1, 0, len(payload))

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        payload = self.payloads[slot]
        assert (pack, start, length) == (pack_ref(200), 0, len(payload))
        self.reads.append(slot)
        return payload

    def expect(self, locators: Iterable[Locator]) -> None:
        self.expected += [locator.slot for locator in locators]


def deep_tree(store: MemoryStore) -> Tree:
    return Tree(store, KEYS, shape=DEEP)
