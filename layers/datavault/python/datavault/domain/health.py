"""What readiness comes to."""

from dataclasses import dataclass
from typing import Literal

type Status = Literal["healthy", "degraded", "unhealthy"]


@dataclass(frozen=True, slots=True)
class Check:
    """One probe: how long it took, in milliseconds, and what it found."""

    name: str
    status: Status
    latency_ms: float
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """All probes, and the worst of them."""

    status: Status
    checks: tuple[Check, ...]


def overall(checks: tuple[Check, ...]) -> Health:
    """Unhealthy if any probe is, else degraded if any is."""
    for status in ("unhealthy", "degraded"):
        if any(check.status == status for check in checks):
            return Health(status, checks)
    return Health("healthy", checks)
