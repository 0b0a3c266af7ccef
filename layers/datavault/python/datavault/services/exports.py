"""Exports: a whole version as a stream of NDJSON."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from datavault.domain.access import Action, Caller, require
from datavault.domain.ids import DatasetId
from datavault.domain.store.columns import Entries
from datavault.ports import Vault
from datavault.services.bodies import read_bodies
from datavault.services.branches import resolve
from datavault.services.commits import read_commit
from datavault.services.datasets import find_dataset
from datavault.services.nodes import open_tree

# Sealed blocks fetched together: some 16 MB of records, a few requests to each pack they are in.
WINDOW_BYTES = 6 * 1024 * 1024
WORKERS = 2


def export_lines(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, workers: int = WORKERS
) -> Iterator[bytes]:
    """All committed records of a ref, in the byte order of their ids, one a line, as stored.

    Yields pieces of some MB of whole lines. Every record is verified; the first that is not what
    it was ends the stream with ``Corrupt``. What is staged on a branch is not part of it. Memory
    is bounded by the windows in hand.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    keys = view.work.keys
    root = read_commit(vault, keys, view.work.dataset, view.commit).commit.root
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="export") as pool:
        try:
            for window in _windows(open_tree(vault, keys).scan(root)):
                if len(waiting) == workers:
                    yield waiting.popleft().result()
                waiting.append(
                    pool.submit(lambda some: _lines(read_bodies(vault, keys, some)), window)
                )
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _windows(leaves: Iterator[Entries]) -> Iterator[Entries]:
    """Leaves joined until the blocks they need are about ``WINDOW_BYTES``."""
    held: list[Entries] = []
    size = 0
    for rows in leaves:
        held.append(rows)
        block = rows.locators["pack"].astype(np.uint64) << np.uint64(32) | rows.locators["start"]
        _, first = np.unique(block, return_index=True)
        size += int(rows.locators["length"].take(first).sum(dtype=np.int64))
        if size >= WINDOW_BYTES:
            yield Entries.concat(held)
            held, size = [], 0
    if held:
        yield Entries.concat(held)


def _lines(bodies: list[bytes]) -> bytes:
    return b"\n".join([*bodies, b""])
