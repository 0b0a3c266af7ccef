"""The publisher under faults: batches come again, late, cut and out of order, from many shards.

``DATAVAULT_SEEDS=10000`` runs that many, on a tenth as many histories.
"""

import json
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from datavault.adapters.memory.vault import MemoryVault
from datavault.contracts.events import write
from datavault.domain.deliveries import Delivery, Notice
from datavault.domain.errors import Throttled, Unavailable
from datavault.domain.rows import Row
from datavault.services.events.publishing import publish_events
from datavault.services.events.recovery import redrive_events
from tests.support.builders import OPERATOR, Shelf, a_body, a_dataset, seeded
from tests.support.chaos import ChaosVault, Crash, Fault
from tests.support.ledger import entries, is_told

SEEDS = int(os.environ.get("DATAVAULT_SEEDS", "500"))
SHARDS = 3
STEPS = 14
HISTORIES = max(50, SEEDS // 10)
_FAULTS = (Fault.BEFORE, Fault.AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.COLLIDE)


@dataclass
class Stream:
    """The ledger in shards, each handed over as Lambda does: from the first that is not done."""

    shards: list[list[Row]]
    done: list[int] = field(default_factory=lambda: [0] * SHARDS)

    def hand_over(self, vault: ChaosVault, shard: int, first: int, size: int) -> None:
        """One batch; after it, the shard goes on behind what is done."""
        batch = self.shards[shard][first : first + size]
        try:
            later = publish_events(vault, batch, write=write)
        except (Unavailable, Throttled, Crash):
            return
        end = first + min(later, default=len(batch))
        if first <= self.done[shard]:
            self.done[shard] = max(self.done[shard], end)

    @property
    def is_drained(self) -> bool:
        return all(done == len(rows) for done, rows in zip(self.done, self.shards, strict=True))


def history(chance: random.Random) -> tuple[MemoryVault, list[Row]]:
    """Some changes of two datasets, as entries. Making them is not what is tried here, and takes
    longer than all that is: so they are one of ``HISTORIES``."""
    vault, rows = _history(chance.randrange(HISTORIES))
    return vault.copy(), rows


@cache
def _history(number: int) -> tuple[MemoryVault, list[Row]]:
    with seeded(number) as chance:
        return _changed_at_random(chance)


def _changed_at_random(chance: random.Random) -> tuple[MemoryVault, list[Row]]:
    vault = MemoryVault()
    first = Shelf.make(vault)
    shelves = [first, Shelf(vault, first.caller, a_dataset(vault, first.caller, name="second"))]
    for number in range(chance.randrange(4, 16)):
        vault.clock.advance(1)
        shelf = chance.choice(shelves)
        shelf.append({f"r{number}": a_body("r")})
        if chance.random() < 0.3:
            shelf.commit()
    return vault, entries(vault)


def run(chance: random.Random) -> None:
    vault, rows = history(chance)
    shards: list[list[Row]] = [[] for _ in range(SHARDS)]
    for row in rows:
        chance.choice(shards).append(row)
    stream = Stream(shards)
    chaos = ChaosVault(
        vault,
        lambda _, __: (
            chance.choice((*_FAULTS, Fault.INTERLEAVE)) if chance.random() < 0.1 else Fault.NONE
        ),
        # Another publisher, at whatever moment; it meets no faults of its own.
        lambda: stream.hand_over(ChaosVault(vault), *_batch(chance, stream)),
    )
    vault.bus.judge = lambda _: chance.choices(list(Delivery), (8, 2, 1))[0]
    for _ in range(STEPS):
        stream.hand_over(chaos, *_batch(chance, stream))
    vault.bus.judge = lambda _: Delivery.TAKEN
    calm = ChaosVault(vault)
    for shard in range(SHARDS):
        stream.hand_over(calm, shard, stream.done[shard], len(rows))
    assert stream.is_drained
    vault.clock.advance(3600)
    redrive_events(calm, operator=OPERATOR, write=write, letters_max=1000)
    assert vault.dead_letters.kept == []
    check(rows, vault.bus.taken)


def _batch(chance: random.Random, stream: Stream) -> tuple[int, int, int]:
    """A shard's next rows, or some of those it has handed over before."""
    shard = chance.randrange(SHARDS)
    done = stream.done[shard]
    again = chance.random() < 0.25
    return shard, chance.randrange(done + 1) if again else done, chance.randrange(1, 8)


def check(rows: Sequence[Row], taken: Sequence[Notice]) -> None:
    """Nothing is lost; what came twice is the same; numbers have no gaps."""
    texts: dict[str, set[str]] = defaultdict(set)
    numbers: dict[str, set[int]] = defaultdict(set)
    for notice in taken:
        event = json.loads(notice.text)
        texts[event["id"]].add(notice.text)
        numbers[event["subject"]].add(int(event["sequence"]))
    told = {row.text("id") for row in rows if is_told(row)}
    assert texts.keys() == told
    assert all(len(each) == 1 for each in texts.values())
    for each in numbers.values():
        assert each == set(range(1, len(each) + 1))
    assert sum(map(len, numbers.values())) == len(told)


def test_whatever_fails_every_entry_is_told_with_one_number_for_good() -> None:
    for seed in range(SEEDS):
        with seeded(seed) as chance:
            try:
                run(chance)
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
