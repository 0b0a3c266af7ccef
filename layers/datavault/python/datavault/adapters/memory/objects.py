"""Objects in memory: bytes under sorted keys, under one lock."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from threading import Lock

from datavault.adapters.limits import check_object_bytes, check_object_key, check_range
from datavault.domain.errors import Conflict, NotFound


class MemoryObjects:
    """Keeps ``ports.Objects``."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._objects: dict[str, bytes] = {}
        self._keys: list[str] = []

    def copy(self) -> "MemoryObjects":
        """Another place with the same objects."""
        made = MemoryObjects()
        with self._lock:
            made._objects, made._keys = dict(self._objects), list(self._keys)
        return made

    def put(self, key: str, parts: Sequence[bytes]) -> None:
        check_object_key(key)
        content = b"".join(parts)
        check_object_bytes(len(content))
        with self._lock:
            if key in self._objects:
                raise Conflict(f"there is an object {key} already")
            self._objects[key] = content
            insort(self._keys, key)

    def get(self, key: str) -> bytes:
        check_object_key(key)
        with self._lock:
            if key not in self._objects:
                raise NotFound(f"no object {key}")
            return self._objects[key]

    def get_range(self, key: str, start: int, length: int) -> bytes:
        check_range(start, length)
        return self.get(key)[start : start + length]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        for start, length in ranges:
            check_range(start, length)
        content = self.get(key)
        return [content[start : start + length] for start, length in ranges]

    def delete(self, key: str) -> None:
        check_object_key(key)
        with self._lock:
            if self._objects.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        with self._lock:
            first = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
            last = bisect_left(self._keys, True, lo=first, key=lambda key: _beyond(key, prefix))
            found = self._keys[first:last]
        return iter(found)

    def ping(self) -> None:
        pass


def _beyond(key: str, prefix: str) -> bool:
    return not key.startswith(prefix)
