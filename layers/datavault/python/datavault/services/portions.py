"""Portions: how many things have their bodies fetched together.

How much a body takes in memory is not known before it is read; the sealed length of its block is,
from its locator. A sealed block is compressed, so blocks are counted as well. A page of a reply
ends at some bytes of text, and what was fetched beyond them is fetched again for the next page:
therefore the first portion is small, and each one after it twice as large, up to a bound.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from datavault.domain.store.places import Locator

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
        fresh = _blocks_of(places(item), blocks)
        if fresh:
            more = sum(fresh.values())
            if held and (size + more > bytes_max or len(blocks) + len(fresh) > blocks_max):
                yield held
                bytes_max = min(2 * bytes_max, BYTES_MAX)
                blocks_max = min(2 * blocks_max, BLOCKS_MAX)
                held, blocks, size = [], {}, 0
                fresh = _blocks_of(places(item), blocks)
                more = sum(fresh.values())
            blocks |= fresh
            size += more
        held.append(item)
    if held:
        yield held


def _blocks_of(
    places: Iterable[Locator], known: Mapping[tuple[bytes, int], int]
) -> dict[tuple[bytes, int], int]:
    """The sealed lengths of the blocks that are not ``known``."""
    return {
        block: place.length
        for place in places
        if (block := (place.pack.id, place.start)) not in known
    }
