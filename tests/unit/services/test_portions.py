"""Portions: everything in its order, and bounded blocks at a time."""

from hypothesis import given
from hypothesis import strategies as st

from datavault.domain.store.places import Locator, PackRef
from datavault.services import portions as bounds
from datavault.services.portions import portions

LENGTHS = st.sampled_from([100, 64 * 1024, 300_000, 5_000_000])
PLACES = st.builds(
    lambda pack, block, length: Locator(
        PackRef(bytes([pack]) * 16, 0, bytes(32)), 0, block, length
    ),
    st.integers(0, 1),
    st.integers(0, 200),
    LENGTHS,
)


def cost(items: list[list[Locator]]) -> tuple[int, int]:
    """Distinct blocks, and their bytes."""
    blocks = {(place.pack.id, place.start): place.length for item in items for place in item}
    return len(blocks), sum(blocks.values())


@given(st.lists(st.lists(PLACES, max_size=3), max_size=300))
def test_portions_are_everything_in_order_and_bounded(items: list[list[Locator]]) -> None:
    of_block: dict[tuple[bytes, int], Locator] = {}
    items = [
        [of_block.setdefault((place.pack.id, place.start), place) for place in item]
        for item in items
    ]
    got = list(portions(items, lambda item: item))
    assert [item for part in got for item in part] == items
    for number, part in enumerate(got):
        blocks, size = cost(part)
        if len([item for item in part if item]) > 1:
            assert blocks <= min(bounds.FIRST_BLOCKS * 2**number, bounds.BLOCKS_MAX)
            assert size <= min(bounds.FIRST_BYTES * 2**number, bounds.BYTES_MAX) or (
                cost(part[:1]) == (blocks, size)
            )


def test_portions_grow_to_their_bounds_and_no_further() -> None:
    pack = PackRef(bytes(16), 0, bytes(32))
    places = [Locator(pack, number, number, 10) for number in range(1000)]
    sizes = [len(part) for part in portions(places, lambda place: [place])]
    assert sizes[:4] == [16, 32, 64, 64]
    assert max(sizes) == bounds.BLOCKS_MAX
    shared = [Locator(pack, slot, 0, 10) for slot in range(1000)]
    assert [len(part) for part in portions(shared, lambda place: [place])] == [1000]
