"""A small cache with three bounds: total cost, age, and uses."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock


@dataclass(slots=True)
class _Held[V]:
    value: V
    cost: int
    expires_ms: int | None
    uses_left: int | None


class BoundedCache[K, V]:
    """The least recently used goes first when the held costs exceed ``cost_max``.

    Safe to use from several threads. Values past their ``expires_ms``, or handed out
    ``uses_max`` times, are gone. Two threads that miss at once may both compute a value.
    """

    def __init__(self, cost_max: int) -> None:
        self._cost_max = cost_max
        self._cost = 0
        self._held: OrderedDict[K, _Held[V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, now_ms: int = 0) -> V | None:
        """The value held under ``key``, if it is neither too old nor used up."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if held.expires_ms is not None and now_ms >= held.expires_ms:
                self._drop(key)
                return None
            if held.uses_left is not None:
                held.uses_left -= 1
                if held.uses_left <= 0:
                    self._drop(key)
                    return held.value
            self._held.move_to_end(key)
            return held.value

    def put(
        self,
        key: K,
        value: V,
        *,
        cost: int = 1,
        expires_ms: int | None = None,
        uses_max: int | None = None,
    ) -> None:
        """Hold ``value``; one that alone exceeds the bound is not held."""
        with self._lock:
            if key in self._held:
                self._drop(key)
            if cost > self._cost_max:
                return
            self._held[key] = _Held(value, cost, expires_ms, uses_max)
            self._cost += cost
            while self._cost > self._cost_max:
                self._drop(next(iter(self._held)))

    def discard(self, key: K) -> None:
        """Forget ``key``."""
        with self._lock:
            if key in self._held:
                self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._cost = 0

    def _drop(self, key: K) -> None:
        self._cost -= self._held.pop(key).cost
