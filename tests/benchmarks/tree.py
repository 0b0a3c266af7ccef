"""How fast the tree is built, changed, searched, scanned and compared, and how large it is.

Run ``uv run python -m tests.benchmarks.tree``. Nodes are kept in memory and not sealed. Ids are 32
hexadecimal digits, digests are random, and places are as an ingest makes them: bodies of 2.4 kB
in 64 KiB blocks, packs of 64 MiB, each pack a run of its own over all ids.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable

import numpy as np
import zstandard

from datavault.domain.cache import BoundedCache
from datavault.domain.digests import IdKeys
from datavault.domain.store.boundary import Boundaries
from datavault.domain.store.columns import DIGEST, Changes, Entries, Ids
from datavault.domain.store.nodes import NodeCache, NodeReader
from datavault.domain.store.places import LOCATOR, Locator, PackRef
from datavault.domain.store.tree import Tree

KEYS = IdKeys.derive(bytes(32))
RECORDS_PER_PACK = 27_000
RECORDS_PER_BLOCK = 27


class Store(NodeReader):
    """Nodes in a list, counted."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.reads = 0
        self._pack = PackRef(os.urandom(16), 1, os.urandom(32))

    def add(self, payload: bytes) -> Locator:
        """Keep ``payload``."""
        self.payloads.append(payload)
        return Locator(self._pack, len(self.payloads) - 1, 0, len(payload))

    def read(self, pack: PackRef, start: int, length: int, slot: int) -> bytes:
        """The payload of a slot."""
        del pack, start, length
        self.reads += 1
        return self.payloads[slot]


def hex_ids(count: int, rng: np.random.Generator) -> Ids:
    """Random ids, in ascending order."""
    return np.unique(np.frombuffer(rng.bytes(16 * count).hex().encode(), "S32"))


def placed(ids: Ids, rng: np.random.Generator, *, packs: int | None = None) -> Entries:
    """Entries as an ingest of records in random order writes them."""
    size = len(ids)
    packs = packs or -(-size // RECORDS_PER_PACK)
    locators = np.zeros(size, LOCATOR)
    locators["pack"] = rng.integers(0, packs, size)
    for pack in range(packs):
        rows = np.flatnonzero(locators["pack"] == pack)
        blocks = np.arange(len(rows)) // RECORDS_PER_BLOCK
        lengths = rng.integers(25_000, 30_000, len(rows) // RECORDS_PER_BLOCK + 1)
        starts = np.cumsum(lengths) - lengths
        locators["slot"][rows] = np.arange(len(rows))
        locators["start"][rows] = starts[blocks]
        locators["length"][rows] = lengths[blocks]
    refs = tuple(PackRef(rng.bytes(16), 1, rng.bytes(32)) for _ in range(packs))
    return Entries(ids, np.frombuffer(rng.bytes(16 * size), DIGEST), locators, refs)


def timed[T](what: str, records: int, work: Callable[[], T], *, times: int = 3) -> T:
    """Do ``work`` a few times and print the median."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[times // 2]
    print(f"{what:<46}{median * 1e3:>10.1f} ms{records / median / 1e6:>9.2f} M records/s")
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    size = parser.parse_args().records
    rng = np.random.default_rng(1)
    base = placed(hex_ids(size, rng), rng)
    size = len(base)
    boundaries = Boundaries(KEYS.boundary)
    timed("hash ids", size, lambda: boundaries.hashes(base.ids))

    store = Store()
    tree = Tree(store, KEYS)
    built = timed("build", size, lambda: tree.apply(None, Changes.put(base), store))
    full = _sizes(store.payloads[-built.nodes_written :], size, "full tree, an entry")

    some = size // 50
    scattered = np.sort(rng.choice(size, some, replace=False))
    for what, rows in (
        ("2 % edits, scattered", scattered),
        ("2 % edits, clustered", np.arange(size // 3, size // 3 + some)),
    ):
        edits = Changes.put(placed(base.ids[rows], rng))
        reads = store.reads
        applied = timed(f"apply {what}", some, lambda: tree.apply(built.root, edits, store))  # noqa: B023
        print(
            f"  {applied.nodes_written} nodes written, {applied.patches_written} of them patches;"
            f" {(store.reads - reads) // 3} read"
        )
        new = _sizes(store.payloads[-applied.nodes_written :], some, f"  {what}, a change")
        print(f"  of the bytes of the full tree: {new / full:.2%}")
        timed(
            f"diff {what}",
            some,
            lambda: sum(len(d.after) for d in tree.diff(built.root, applied.root)),  # noqa: B023
        )
    inserts = Changes.put(placed(hex_ids(some, rng), rng))
    mixed = timed(
        "apply 2 % inserts, scattered", some, lambda: tree.apply(built.root, inserts, store)
    )
    _sizes(store.payloads[-mixed.nodes_written :], some, "  inserts, a change")
    print(f"  {mixed.nodes_written} nodes written, {mixed.patches_written} of them patches")

    ids = base.ids[np.sort(rng.choice(size, 27_000, replace=False))]
    timed("get_many of 27,000, cold", 27_000, lambda: tree.get_many(built.root, ids))
    cache: NodeCache = BoundedCache(1 << 30)
    warm = Tree(store, KEYS, cache=cache)
    warm.get_many(built.root, ids)
    timed("get_many of 27,000, cached", 27_000, lambda: warm.get_many(built.root, ids))
    few = [bytes(record_id) for record_id in ids[::27]]
    timed("get, cached", 1000, lambda: [warm.get(built.root, record_id) for record_id in few])
    timed(
        "get, cold", 1000, lambda: [tree.get(built.root, record_id) for record_id in few], times=1
    )
    timed("scan", size, lambda: sum(map(len, tree.scan(built.root))))
    print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _sizes(payloads: list[bytes], rows: int, what: str) -> int:
    raw = sum(map(len, payloads))
    compressor = zstandard.ZstdCompressor(level=1)
    packed = sum(len(compressor.compress(payload)) for payload in payloads)
    print(f"{what:<46}{raw / rows:>10.1f} B raw{packed / rows:>9.1f} B after zstd 1")
    return packed


if __name__ == "__main__":
    main()
