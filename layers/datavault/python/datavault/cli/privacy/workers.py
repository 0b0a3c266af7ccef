"""Work on pieces side by side, with the results in order and few pieces in memory.

Processes, not threads: what takes the time is judging, in Python, which holds its lock. This
process works along: it does what no other has begun, rather than wait for the first result.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context, parent_process
from typing import cast

from datavault.cli.privacy.pieces import Piece

# A process takes half a second to start, two with the model of names, in which one alone gets as
# far.
ALONE_BYTES = 4 * 2**20
ALONE_SLOW_BYTES = 2**18
# What a piece counts at least, so that not all of a folder of small files are read ahead.
FILE_BYTES = 1024
# Pieces that wait for a worker, so that none waits for a piece.
AHEAD = 2

_work: Callable[[Piece], object]


def in_order[T](
    work: Callable[[Piece], T], pieces: Iterable[Piece], *, jobs: int, alone_bytes: int
) -> Iterator[T]:
    """``work`` of each piece, in their order. ``work`` can be pickled, and so can what it gives.

    This process works alone unless there are ``alone_bytes`` or more.
    """
    pieces = iter(pieces)
    few: deque[Piece] = deque()
    size = 0
    # Read on before the work, so that the others start at once if there is enough to do.
    while jobs > 1 and size < alone_bytes:
        piece = next(pieces, None)
        if piece is None:
            break
        few.append(piece)
        size += max(piece.size, FILE_BYTES)
    if size < alone_bytes:
        while few:
            yield work(few.popleft())
        yield from map(work, pieces)
    else:
        yield from _shared(work, chain(few, pieces), jobs - 1)


def _shared[T](work: Callable[[Piece], T], pieces: Iterator[Piece], others: int) -> Iterator[T]:
    # Spawned: a fork would take along the threads' locks of whatever has begun threads here.
    with ProcessPoolExecutor(
        others, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,)
    ) as pool:
        # The first is left to this process: the others are not there yet.
        waiting: deque[tuple[Piece, Future[T]]] = deque([(next(pieces), Future())])
        try:
            for piece in pieces:
                waiting.append((piece, pool.submit(cast("Callable[[Piece], T]", _run), piece)))
                while len(waiting) > (others + 1) * AHEAD:
                    yield _first(work, waiting)
            while waiting:
                yield _first(work, waiting)
        finally:
            for _, each in waiting:
                each.cancel()


def _first[T](work: Callable[[Piece], T], waiting: deque[tuple[Piece, Future[T]]]) -> T:
    """The result of the first piece; while another process is at it, work goes on behind."""
    _, result = waiting[0]
    for place, (piece, each) in enumerate(waiting):
        if result.done():
            break
        if each.cancel():
            own: Future[T] = Future()
            own.set_result(work(piece))
            waiting[place] = piece, own
            result = waiting[0][1]
    waiting.popleft()
    return result.result()


def _begin(work: Callable[[Piece], object]) -> None:
    global _work  # A process has one.
    _work = work
    # Ctrl-C goes to all of a terminal's processes; the parent ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(piece: Piece) -> object:
    return _work(piece)
