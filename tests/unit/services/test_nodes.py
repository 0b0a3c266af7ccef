"""Nodes that are expected are fetched some dozen at a time, whoever else reads meanwhile."""

from collections.abc import Sequence

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.store.places import Locator
from datavault.services.keys import open_store
from datavault.services.nodes import EXPECTED_MAX, NodePacks, StoredNodes
from tests.support.builders import Shelf
from tests.support.recording import RangesVault


def stored(count: int) -> tuple[RangesVault, StoredNodes, list[Locator]]:
    """Numbers as nodes, and a reader that has read none."""
    shelf = Shelf.make(MemoryVault())
    keys = open_store(shelf.vault, shelf.dataset)
    packs = NodePacks(shelf.vault, keys)
    places = [packs.add(b"%d" % number) for number in range(count)]
    packs.flush()
    vault = RangesVault(shelf.vault)
    return vault, StoredNodes(vault, keys), places


def read(nodes: StoredNodes, places: Sequence[Locator]) -> list[int]:
    return [int(nodes.read(each.pack, each.start, each.length, each.slot)) for each in places]


def test_walks_by_turns_each_fetch_what_they_expect_at_once() -> None:
    vault, nodes, places = stored(40)
    nodes.expect(places[:20])
    nodes.expect(places[20:])
    by_turns = [place for pair in zip(places[:20], places[20:], strict=True) for place in pair]
    assert read(nodes, by_turns) == [
        number for pair in zip(range(20), range(20, 40), strict=True) for number in pair
    ]
    assert vault.calls == 2
    assert len(vault.ranges) == 40


def test_a_walk_that_is_read_from_is_not_forgotten_for_new_ones() -> None:
    vault, nodes, places = stored(2 * EXPECTED_MAX + 2)
    walk, others = places[: EXPECTED_MAX + 2], places[EXPECTED_MAX + 2 :]
    nodes.expect(walk)
    for number, other in enumerate(others):
        assert read(nodes, [walk[number]]) == [number]
        nodes.expect([other])
    assert vault.calls == 1
    assert read(nodes, walk[len(others) :]) == [*range(len(others), len(walk))]
    assert vault.calls == 1


def test_of_many_walks_those_not_read_from_are_forgotten() -> None:
    vault, nodes, places = stored(2 * EXPECTED_MAX)
    for place in places:
        nodes.expect([place])
    assert read(nodes, places) == [*range(len(places))]
    assert vault.calls == EXPECTED_MAX


def test_a_node_read_again_does_not_fetch_those_after_it_again() -> None:
    vault, nodes, places = stored(10)
    nodes.expect(places)
    assert read(nodes, [places[0], places[0], places[0]]) == [0, 0, 0]
    assert len(vault.ranges) == 10
    assert read(nodes, places[1:]) == [*range(1, 10)]
    assert len(vault.ranges) == 10
