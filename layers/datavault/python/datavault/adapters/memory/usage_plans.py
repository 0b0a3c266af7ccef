"""Usage plans in memory: who is admitted, and how much."""

from threading import Lock

from datavault.domain.usage import UsageLimits


class MemoryUsagePlans:
    """Keeps ``ports.UsagePlans``; ``admitted`` is by identifier, ``None`` the stage's limits."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.admitted: dict[str, UsageLimits | None] = {}

    def admit(self, name: str, identifier: str, limits: UsageLimits | None) -> None:
        with self._lock:
            self.admitted[identifier] = limits
