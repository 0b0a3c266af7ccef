"""JSON text searched in bulk: arrays of bytes in, positions and suspicions out.

Everything here is numpy over a whole batch of lines, so that the work is native and mostly off
the GIL. Nothing here decides that a record is bad: it finds the lines that may be.
"""

import numpy as np
from numpy.typing import NDArray

NESTING_MAX = 100

type Bytes = NDArray[np.uint8]
type Int64s = NDArray[np.int64]
type Bools = NDArray[np.bool_]

_IS_SPACE = np.zeros(256, np.bool_)
_IS_SPACE[list(b" \t\r\n")] = True
_TRIM_STEPS_MAX = 8


def split_lines(text: Bytes) -> tuple[Int64s, Int64s, Int64s]:
    """Number, start and end of each line that is not blank; without the white space around it."""
    breaks = np.flatnonzero(text == ord("\n"))
    starts = np.empty(len(breaks) + 1, np.int64)
    starts[0] = 0
    np.add(breaks, 1, out=starts[1:])
    ends = np.append(breaks, len(text))
    lines = np.arange(len(starts))
    full = starts < ends
    for _ in range(_TRIM_STEPS_MAX):
        trailing = np.flatnonzero(full)
        trailing = trailing[_IS_SPACE[text[ends[trailing] - 1]]]
        ends[trailing] -= 1
        leading = np.flatnonzero(starts < ends)
        leading = leading[_IS_SPACE[text[starts[leading]]]]
        starts[leading] += 1
        full = starts < ends
        if not len(trailing) and not len(leading):
            break
    else:
        for line in np.flatnonzero(full).tolist():
            body = text[starts[line] : ends[line]].tobytes()
            ends[line] -= len(body) - len(body.rstrip(b" \t\r\n"))
            starts[line] += len(body) - len(body.lstrip(b" \t\r\n"))
        full = starts < ends
    if full.all():
        return lines, starts, ends
    return lines[full], starts[full], ends[full]


def joined(
    batch: bytes | memoryview, starts: Int64s, ends: Int64s
) -> tuple[bytes | memoryview, Int64s, Int64s]:
    """The lines alone, a newline between them, and where they are in that.

    This is ``batch`` itself when there is nothing else in it.
    """
    if _only_space_between(batch, starts, ends):
        return batch, starts, ends
    sizes = ends - starts
    text = b"\n".join(
        [batch[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    )
    new_ends = np.cumsum(sizes + 1) - 1
    return text, new_ends - sizes, new_ends


def odd_lines(text: bytes | memoryview, starts: Int64s, ends: Int64s) -> Bools:
    """Lines that may break a rule which the grammar does not show."""
    return np.ones(len(starts), np.bool_)


def _only_space_between(batch: bytes | memoryview, starts: Int64s, ends: Int64s) -> bool:
    """Whether the lines are all that is in ``batch``; may say no when there is only more space.

    Two lines with another between them are three bytes apart at least.
    """
    if not len(starts):
        return False
    first, last = int(starts[0]), int(ends[-1])
    return (
        first <= 1
        and len(batch) - last <= 2
        and not bytes(batch[last:]).strip(b" \t\r\n")
        and bool((starts[1:] - ends[:-1] <= 2).all())
    )
