"""Random operations on branches under random faults: nothing is lost, doubled, mixed or unaudited.

``DATAVAULT_SEEDS=10000`` runs that many; ``DATAVAULT_SEED=123`` runs that one alone.
"""

import os

import pytest

from tests.simulation.world import run
from tests.support.builders import seeded

SEEDS = int(os.environ.get("DATAVAULT_SEEDS", "500"))
ALONE = os.environ.get("DATAVAULT_SEED")
# So many seeds are one test: enough for pytest's own work not to count, few enough to share out.
SEEDS_PER_TEST = 25
STEPS = 12


def _blocks() -> list[range]:
    if ALONE is not None:
        return [range(int(ALONE), int(ALONE) + 1)]
    return [
        range(first, min(first + SEEDS_PER_TEST, SEEDS))
        for first in range(0, SEEDS, SEEDS_PER_TEST)
    ]


@pytest.mark.parametrize("seeds", _blocks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_whatever_fails_every_branch_is_in_the_old_state_or_in_the_new_one(seeds: range) -> None:
    for seed in seeds:
        with seeded(seed) as chance:
            try:
                run(chance, STEPS)
            except BaseException as error:
                error.add_note(
                    f"seed {seed}; again, alone: DATAVAULT_SEED={seed}"
                    " .venv/bin/python -m pytest tests/simulation/test_faults.py"
                )
                raise
