"""Portions: how many things have their bodies fetched together.

How much a body takes in memory is not known before it is read; the sealed length of its block is,
from its locator. A sealed block is compressed, so blocks are counted as well. A page of a reply
ends at some bytes of text, and what was fetched beyond them is fetched again for the next page:
therefore the first portion is small, and each one after it twice as large, up to a bound.
"""

from collections.abc import Callable, Iterable, Iterator

from datavault.domain.store.columns import Locator

FIRST_BYTES = 1024 * 1024
FIRST_BLOCKS = 16
BYTES_MAX = 4 * 1024 * 1024
# Blocks that compress very well have up to 4 MiB of payload each; most have 64 KiB.
BLOCKS_MAX = 64


def portions[T](items: Iterable[T], places: Callable[[T], Iterable[Locator]]) -> Iterator[list[T]]:
    """The items in their order, in portions; ``places`` says where the bodies of one are.

    Blocks that several of a portion need count once. An item whose blocks exceed a bound is a
    portion of its own; one without any takes nothing.
    """
    bytes_max, blocks_max = FIRST_BYTES, FIRST_BLOCKS
    held: list[T] = []
    blocks: dict[tuple[bytes, int], int] = {}
    size = 0
    for item in items:
        needed = {(place.pack.id, place.start): place.length for place in places(item)}
        fresh = needed.keys() - blocks.keys()
        more = sum(needed[block] for block in fresh)
        if held and fresh and (size + more > bytes_max or len(blocks) + len(fresh) > blocks_max):
            yield held
            bytes_max, blocks_max = min(2 * bytes_max, BYTES_MAX), min(2 * blocks_max, BLOCKS_MAX)
            held, blocks, more, size = [], {}, sum(needed.values()), 0
        held.append(item)
        blocks |= needed
        size += more
    if held:
        yield held
