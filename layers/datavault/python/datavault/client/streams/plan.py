"""How a stream is to be gone about."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from datavault.client.checkpoint import Checkpoint
from datavault.client.streams.report import Progress

type OnProgress = Callable[[Progress], object]

BEGINNING = Checkpoint()
# Each batch in flight holds up to 4 MiB, and a place among the vault's concurrent functions.
IN_FLIGHT_MAX = 32
# An idempotency key has 128 characters: the run's name, a dot and a number follow each other.
_RUN = re.compile(r"[!-~]{1,100}")


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream: ``run`` names it, ``commits`` says whether a full branch is committed."""

    run: str
    record_key: str | None
    start: Checkpoint
    in_flight: int
    commits: bool


def checked_plan(
    *,
    run: str | None,
    record_key: str | None,
    start: Checkpoint,
    in_flight: int,
    commits: bool,
) -> Plan:
    """The plan; a stream without a name gets one.

    Raises:
        ValueError: the name or ``in_flight`` is out of bounds.
    """
    if run is not None and not _RUN.fullmatch(run):
        raise ValueError(f"run has 1 to 100 visible ASCII characters, this has {len(run)}")
    if not 1 <= in_flight <= IN_FLIGHT_MAX:
        raise ValueError(f"in_flight is 1 to {IN_FLIGHT_MAX}, this is {in_flight}")
    return Plan(run or str(uuid4()), record_key, start, in_flight, commits)


def nothing(_: Progress) -> None:
    """Report to nobody."""
