"""Exports: a whole version as a stream of NDJSON."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from datavault.domain.access import Action, Caller, require
from datavault.domain.ids import DatasetId
from datavault.domain.store.columns import Entries
from datavault.domain.store.keys import StoreKeys
from datavault.ports import Vault
from datavault.services.bodies import TooMuch, view_bodies
from datavault.services.datasets import find_dataset
from datavault.services.history import read_commit
from datavault.services.nodes import open_tree
from datavault.services.refs import resolve

# About so many bytes of records are in one piece. How many rows that is, is learnt as pieces are
# made: records may be compressed well or be many times the same body, so sealed bytes say little.
PIECE_BYTES = 24 * 1024 * 1024
# So many bytes of blocks are open for one piece at most, and so many are in one: of more, half the
# rows are tried.
PIECE_BYTES_MAX = 32 * 1024 * 1024
ROWS_FIRST = 64
ROWS_MAX = 16_384
WORKERS = 2


def export_lines(
    vault: Vault, *, caller: Caller, dataset_id: DatasetId, ref: str, workers: int = WORKERS
) -> Iterator[bytes]:
    """All committed records of a ref, in the byte order of their ids, one a line, as stored.

    Yields pieces of whole lines, of up to ``PIECE_BYTES_MAX`` or of one line. Every record is
    verified; the first that is not what it was ends the stream with ``Corrupt``. What is staged on
    a branch is not part of it. In memory are ``workers`` pieces and one more, and of each that is
    being made its blocks, sealed and open, of up to ``PIECE_BYTES_MAX`` and one more block each.
    """
    require(caller, Action.READ_RECORDS)
    view = resolve(vault, find_dataset(vault, caller, dataset_id), ref)
    keys = view.work.keys
    root = read_commit(vault, keys, view.work.dataset, view.commit).commit.root
    return _pieces(vault, keys, open_tree(vault, keys).scan(root), workers)


class _Piece(NamedTuple):
    """The lines of the first rows of a window, and the rows that are left of it."""

    lines: bytes
    rows: int
    rest: Entries


def _pieces(
    vault: Vault, keys: StoreKeys, leaves: Iterator[Entries], workers: int
) -> Iterator[bytes]:
    windows = _Windows(leaves)
    waiting: deque[Future[_Piece]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="export") as pool:
        try:
            for window in windows:
                waiting.append(pool.submit(_piece, vault, keys, window))
                while len(waiting) > workers:
                    yield _next_piece(vault, keys, pool, waiting, windows)
            while waiting:
                yield _next_piece(vault, keys, pool, waiting, windows)
        finally:
            for future in waiting:
                future.cancel()


def _next_piece(
    vault: Vault,
    keys: StoreKeys,
    pool: ThreadPoolExecutor,
    waiting: deque[Future[_Piece]],
    windows: "_Windows",
) -> bytes:
    """The next piece in order; what is left of its window is the first to come after it."""
    piece = waiting.popleft().result()
    if len(piece.rest):
        waiting.appendleft(pool.submit(_piece, vault, keys, piece.rest))
    windows.learn(piece)
    return piece.lines


def _piece(vault: Vault, keys: StoreKeys, window: Entries) -> _Piece:
    """As many of a window's first rows as a piece may have, by halves; one row in any case."""
    count = len(window)
    while True:
        some = window.rows(0, count)
        try:
            bodies = view_bodies(vault, keys, some, payload_bytes_max=PIECE_BYTES_MAX)
        except TooMuch:
            count //= 2
            continue
        # The same body may be that of many rows.
        if count == 1 or sum(map(len, bodies)) + count <= PIECE_BYTES_MAX:
            lines = b"\n".join([*bodies, b""])
            return _Piece(lines, count, window.rows(count, len(window)))
        count //= 2


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

    def learn(self, piece: _Piece) -> None:
        """From the size of a piece follow the rows of the next windows."""
        fitting = piece.rows * PIECE_BYTES // max(1, len(piece.lines))
        self._rows = min(max(1, fitting), 4 * self._rows, ROWS_MAX)
