"""The archive of a bus in memory."""

from collections.abc import Sequence
from threading import Lock

from datavault.adapters.memory.bus import MemoryBus
from datavault.domain.errors import Conflict, NotFound


class MemoryEventArchive:
    """Keeps ``ports.EventArchive``: all that ``bus`` took, which it takes again, at once."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._lock = Lock()
        self._names: set[str] = set()

    def replay(self, name: str, start_ms: int, end_ms: int, rules: Sequence[str]) -> None:
        with self._lock:
            if name in self._names:
                raise Conflict("there has been a replay of this name")
            self._names.add(name)
            again = [each for each in self._bus.taken if start_ms <= each.at_ms < end_ms]
        self._bus.put(again)

    def state(self, name: str) -> str:
        with self._lock:
            if name not in self._names:
                raise NotFound("the archive of events or the replay is not there")
            return "COMPLETED"
