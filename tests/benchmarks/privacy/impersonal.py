"""Text in which nobody is: what is found there is false, or at most the constant of a program.

The documentation and the sources of the Python that runs this (PSF licence; read, not kept here),
and rows of the numbers that machines and clerks write, made from a seed. Addresses, locators and
dates do stand in the first two and are not counted.
"""

import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from pydoc_data import topics

NOT_COUNTED = frozenset({"URL", "EMAIL", "DATE", "DATE_TIME"})
SOURCES_BYTES_MAX = 4_000_000
# Every so many files of the library, to have some of each kind.
STEP = 6
ROWS = 8_000


def impersonal_texts(*, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Texts by kind."""
    yield "documentation", list(topics.topics.values())
    yield "programs", list(_sources())
    chance = random.Random(seed)
    yield "machine text", [_row(chance) for _ in range(ROWS)]


def _sources() -> Iterator[str]:
    size = 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))[::STEP]:
        if "site-packages" in path.parts:
            continue
        text = path.read_text(errors="replace")
        size += len(text)
        if size > SOURCES_BYTES_MAX:
            return
        yield text


def _row(chance: random.Random) -> str:
    number = chance.randrange
    return chance.choice(
        (
            f"Order #{number(10**7, 10**8)} of {number(1, 90)} items came to ${number(10**4)}.50.",
            f'{{"count": {number(10**9)}, "offset": {number(10**10)}, "ratio": {chance.random()}}}',
            f"INFO worker-{number(99)} took {number(10**6)} us for {number(10**9)} bytes",
            f"version {number(9)}.{number(30)}.{number(99)} (build {number(10**6)}) of the library",
            f"commit {chance.randbytes(20).hex()} touched {number(90)} files",
            f"| {number(10**6)} | {chance.random():.4f} | {number(10**4)}-{number(10**4)} | ok |",
            f"Between {number(1500, 1900)} and {number(1900, 2000)} it grew by {number(400)} %.",
            f"x = [{', '.join(str(number(-(10**9), 10**9)) for _ in range(6))}]",
            f"The token bucket holds {number(10**5)} tokens; each key is hashed {number(9)} times.",
            f"Run {number(10**12)}: loss {chance.random():.6f}, {chance.random():.6f} at step 40",
            f"sku {number(10**12)}, ISBN 978-3-{number(10**4)}-{number(10**4)}-{number(9)}",
            f"Room {number(400)} seats {number(90)}; pages {number(99)}-{number(100, 999)}",
        )
    )
