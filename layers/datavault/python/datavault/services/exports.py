"""Exports: a whole version as a stream of NDJSON."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from datavault.domain.access import Action, Caller, require
from datavault.domain.ids import DatasetId
from datavault.domain.store.columns import Entries
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault
from datavault.services.bodies import view_bodies
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.refs import resolve

# About so many bytes of records are in one piece. How many rows that is, is learnt as pieces are
# made: records may be compressed well or be many times the same body, so sealed bytes say little.
PIECE_BYTES = 24 * 1024 * 1024
ROWS_FIRST = 64
ROWS_MAX = 16_384
WORKERS = 2


def export_lines(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, workers: int = WORKERS
) -> Iterator[bytes]:
    """All committed records of a ref, in the byte order of their ids, one a line, as stored.

    Yields pieces of some MB of whole lines. Every record is verified; the first that is not what
    it was ends the stream with ``Corrupt``. What is staged on a branch is not part of it. Memory
    is bounded by the pieces in hand.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    keys = view.work.keys
    root = read_commit(vault, keys, view.work.dataset, view.commit).commit.root
    return _pieces(vault, keys, open_tree(vault, keys).scan(root), workers)


def _pieces(
    vault: Vault, keys: StoreKeys, leaves: Iterator[Entries], workers: int
) -> Iterator[bytes]:
    def lines(window: Entries) -> bytes:
        return b"\n".join([*view_bodies(vault, keys, window), b""])

    windows = _Windows(leaves)
    waiting: deque[tuple[Future[bytes], int]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="export") as pool:
        try:
            for window in windows:
                waiting.append((pool.submit(lines, window), len(window)))
                if len(waiting) > workers:
                    yield windows.learn(*waiting.popleft())
            while waiting:
                yield windows.learn(*waiting.popleft())
        finally:
            for future, _ in waiting:
                future.cancel()


class _Windows:
    """Leaves cut and joined into windows of as many rows as seem to make a piece."""

    def __init__(self, leaves: Iterator[Entries]) -> None:
        self._leaves = leaves
        self._rows = ROWS_FIRST

    def __iter__(self) -> Iterator[Entries]:
        held: list[Entries] = []
        size = 0
        for leaf in self._leaves:
            rest = leaf
            while size + len(rest) >= self._rows:
                room = self._rows - size
                yield Entries.concat([*held, rest.rows(0, room)])
                rest = rest.rows(room, len(rest))
                held, size = [], 0
            held.append(rest)
            size += len(rest)
        if size:
            yield Entries.concat(held)

    def learn(self, piece: Future[bytes], rows: int) -> bytes:
        """A piece, when it is made; from its size follow the rows of the next windows."""
        made = piece.result()
        fitting = rows * PIECE_BYTES // max(1, len(made))
        self._rows = min(max(1, fitting), 4 * self._rows, ROWS_MAX)
        return made
