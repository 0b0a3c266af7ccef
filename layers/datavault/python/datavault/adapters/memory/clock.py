"""A clock that stands still until somebody moves it."""

from threading import Lock

# 2026-01-01T00:00:00Z, so that a test's times look like times.
START_MS = 1_767_225_600_000


class MemoryClock:
    """Keeps ``ports.Clock``; ``sleep`` moves it on and returns at once."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._lock = Lock()
        self._now_ms = now_ms

    def now_ms(self) -> int:
        with self._lock:
            return self._now_ms

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"sleep of {seconds} s")
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move it on, or back with a negative number, as a clock set by the network may go."""
        with self._lock:
            self._now_ms += round(seconds * 1000)

    def set(self, now_ms: int) -> None:
        """Make it ``now_ms``."""
        with self._lock:
            self._now_ms = now_ms
