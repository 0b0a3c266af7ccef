"""Work on pieces side by side, with the results in order and few pieces in memory.

Processes, not threads: what takes the time is judging, in Python, which holds its lock.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import cast

from datavault.cli.privacy.pieces import Piece

# A process takes a second to start, two with the model of names, in which one alone gets as far.
ALONE_BYTES = 4 * 2**20
ALONE_SLOW_BYTES = 2**18
# Pieces that wait for a worker, so that none waits for a piece.
AHEAD = 2

_work: Callable[[Piece], object]


def in_order[T](
    work: Callable[[Piece], T], pieces: Iterable[Piece], *, jobs: int, alone_bytes: int
) -> Iterator[T]:
    """``work`` of each piece, in their order. ``work`` can be pickled, and so can what it gives.

    The first ``alone_bytes`` or more are worked on in this process.
    """
    pieces = iter(pieces)
    alone = 0
    for piece in pieces:
        yield work(piece)
        alone += piece.size
        if jobs > 1 and alone >= alone_bytes:
            break
    else:
        return
    # Spawned: a fork would take along the threads' locks of whatever has begun threads here.
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,)
    ) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(cast("Callable[[Piece], T]", _run), piece))
                if len(waiting) > jobs * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


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
