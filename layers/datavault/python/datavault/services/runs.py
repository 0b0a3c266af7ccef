"""Runs: pieces of an ingest, each sorted by record id, and merging them for the tree.

A run's *index* is its entries (id, digest, locator) in order. The first ones are held in memory;
beyond ``HELD_BYTES_MAX`` they are stored, sealed, in the form of tree leaves, and read back a
leaf at a time. The merge holds a leaf of each run and looks at all runs for each step: good for
some hundred runs of 24 MiB in one process; beyond, a corpus is divided by ranges of ids.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from datavault.domain.errors import Corrupt
from datavault.domain.store.columns import Changes, Entries, Ids, stable_order
from datavault.domain.store.encoding import ENTRIES_MAX
from datavault.domain.store.keys import StoreKeys
from datavault.domain.store.node import Leaf, decode, encode
from datavault.domain.store.pack import Kind
from datavault.domain.store.places import Locator
from datavault.ports import Vault
from datavault.services.blocks import object_key
from datavault.services.nodes import NodePacks, StoredNodes

# A million entries of 32-byte ids.
HELD_BYTES_MAX = 64 * 1024 * 1024
# The tree is changed by so many entries at a time: a few hundred leaves, some 10 MB of nodes.
PART_ENTRIES = 256 * 1024
# The id of a keyless record: 128 bits in hex, then for all but the first of equals ``.`` and a
# number of up to 19 digits.
KEYLESS_ID_BYTES = 32
_NUMBER_BYTES = 20


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a stored run: where it is, and the last id in it."""

    place: Locator
    last_id: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """One run's index, ids ascending strictly; ``entries`` is ``None`` when it is stored."""

    entries: Entries | None
    stored: tuple[Slice, ...]

    def slices(self, vault: Vault, keys: StoreKeys, *, after: bytes = b"") -> Iterator[Entries]:
        """The entries with ids greater than ``after``, in order, ``ENTRIES_MAX`` at a time."""
        if self.entries is not None:
            first = int(self.entries.ids.searchsorted(after, side="right")) if after else 0
            for start in range(first, len(self.entries), ENTRIES_MAX):
                yield self.entries.rows(start, min(start + ENTRIES_MAX, len(self.entries)))
            return
        reader = StoredNodes(vault, keys)
        for piece in self.stored:
            if after and piece.last_id <= after:
                continue
            place = piece.place
            leaf = decode(reader.read(place.pack, place.start, place.length, place.slot))
            if not isinstance(leaf, Leaf):
                raise Corrupt("a stored run holds something else than entries")
            rows = leaf.rows
            first = int(rows.ids.searchsorted(after, side="right")) if after else 0
            if first < len(rows):
                yield rows.rows(first, len(rows))


def hold(entries: Entries) -> Run:
    """A run kept in memory."""
    return Run(entries, ())


def store(vault: Vault, keys: StoreKeys, parts: Iterable[Entries]) -> Run:
    """A run stored and forgotten; its parts ascend and are disjoint."""
    packs = NodePacks(vault, keys)
    slices = []
    for entries in parts:
        for start in range(0, len(entries), ENTRIES_MAX):
            rows = entries.rows(start, min(start + ENTRIES_MAX, len(entries))).compacted()
            slices.append(Slice(packs.add(encode(Leaf.of(rows))), bytes(rows.ids[-1])))
    packs.flush()
    return Run(None, tuple(slices))


def discard(vault: Vault, keys: StoreKeys, runs: Sequence[Run]) -> None:
    """Delete the stored runs, when the tree has them or nobody wants them."""
    for pack_id in {piece.place.pack.id for run in runs for piece in run.stored}:
        vault.objects.delete(object_key(keys.store, Kind.NODES, pack_id))


def merged(
    vault: Vault, keys: StoreKeys, runs: Sequence[Run], *, keyless: bool, after: bytes = b""
) -> Iterator[Changes]:
    """The runs as one sequence of changes, in ascending, disjoint ranges of ids.

    Of equal ids the one in the last run counts; or, when ``keyless``, each counts, and all get
    their numbers anew. ``after`` is the last id of a part: the sequence goes on behind that part.
    """
    parts: list[Entries] = []
    size = 0
    if keyless and after:
        after = _end_of_base(after)
    for part in _in_order(vault, keys, runs, keyless=keyless, after=after):
        parts.append(numbered(_bases(part)) if keyless else _last_of_each(part))
        size += len(part)
        if size >= PART_ENTRIES:
            yield Changes.put(Entries.concat(parts))
            parts, size = [], 0
    if parts:
        yield Changes.put(Entries.concat(parts))


def replacing(parent: Iterator[Entries], changes: Iterator[Changes]) -> Iterator[Changes]:
    """The changes, and the removal of every id of the parent that they do not put.

    Both come in ascending order; so do the results, a range of ids at a time.
    """
    rest = next(parent, None)
    for part in changes:
        ids = part.entries.ids
        gone: list[Ids] = []
        while rest is not None:
            upto = int(rest.ids.searchsorted(ids[-1], side="right"))
            mine = rest.ids[:upto]
            met = ids.take(ids.searchsorted(mine), mode="clip")
            gone.append(mine[met != mine])
            rest = rest.rows(upto, len(rest)) if upto < len(rest) else next(parent, None)
            if rest is None or rest.ids[0] > ids[-1]:
                break
        removed = [Changes.remove(each) for each in gone if len(each)]
        yield Changes.merge_sorted([part, *removed])
    while rest is not None:
        yield Changes.remove(rest.ids)
        rest = next(parent, None)


def numbered(entries: Entries) -> Entries:
    """Equal ids made distinct: ``x``, ``x.1``, ``x.2`` ... in the order in which they come."""
    first = np.ones(len(entries), np.bool_)
    first[1:] = entries.ids[1:] != entries.ids[:-1]
    if first.all():
        return entries
    starts = np.flatnonzero(first)
    rank = np.arange(len(entries)) - starts[np.cumsum(first) - 1]
    again = np.flatnonzero(rank)
    ids = entries.ids.astype(f"S{KEYLESS_ID_BYTES + _NUMBER_BYTES}")
    numbers = rank[again].astype(f"S{_NUMBER_BYTES - 1}")
    ids[again] = np.strings.add(np.strings.add(ids[again], b"."), numbers)
    order = np.argsort(ids, kind="stable")
    return Entries(ids, entries.values, entries.locators, entries.packs).take(order).compacted()


def _bases(entries: Entries) -> Entries:
    """Entries under their ids without numbers, in order."""
    bases = entries.ids.astype(f"S{KEYLESS_ID_BYTES}")
    order = stable_order(bases)
    return Entries(bases, entries.values, entries.locators, entries.packs).take(order)


def _in_order(
    vault: Vault, keys: StoreKeys, runs: Sequence[Run], *, keyless: bool, after: bytes
) -> Iterator[Entries]:
    """All entries by id, equal ids in the order of the runs.

    Equal ids, and those that differ in their number only, are never parted.
    """
    sources = [run.slices(vault, keys, after=after) for run in runs]
    heads: list[Entries | None] = [next(source, None) for source in sources]
    while any(head is not None for head in heads):
        # What follows in any run is at least as great as the last of its current slice.
        bound = min(bytes(head.ids[-1]) for head in heads if head is not None)
        if keyless:
            bound = _end_of_base(bound)
        taken: list[Entries] = []
        for index, source in enumerate(sources):
            head = heads[index]
            while head is not None:
                upto = int(head.ids.searchsorted(bound, side="right"))
                if upto:
                    taken.append(head.rows(0, upto))
                if upto < len(head):
                    head = head.rows(upto, len(head))
                    break
                head = next(source, None)  # Its next slice may begin with the same id.
            heads[index] = head
        together = Entries.concat(taken)
        yield together if len(taken) == 1 else together.take(stable_order(together.ids))


def _end_of_base(keyless_id: bytes) -> bytes:
    """What is greater than every id of the same base, whatever its number, and nothing else."""
    return keyless_id[:KEYLESS_ID_BYTES] + b".\xff"


def _last_of_each(entries: Entries) -> Entries:
    last = np.ones(len(entries), np.bool_)
    last[:-1] = entries.ids[1:] != entries.ids[:-1]
    return entries if last.all() else entries.where(last)
