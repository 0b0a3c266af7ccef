"""A vault in memory that knows where a reader looked, and whether that was written since."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from datavault.adapters.memory.catalog import MemoryCatalog, _Held
from datavault.adapters.memory.objects import MemoryObjects
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.rows import Key, Row, RowPage, Table

type Partition = tuple[Table, str]
type Looked = dict[Partition | None, int]
"""How often each partition that was read had been written; under ``None``, how many objects had
been removed. Objects do not change, so what they hold stays as it was read."""


class WatchedVault(MemoryVault):
    """Its catalog is read by one thread at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = self._rows = _WatchedCatalog()
        self.objects = self._blobs = _WatchedObjects()

    @contextmanager
    def looking(self) -> Iterator[Looked]:
        """Gathers where is read meanwhile."""
        looked: Looked = {}
        self._rows.read = set()
        try:
            yield looked
        finally:
            looked |= {each: self._rows.writes[each] for each in self._rows.read}
            looked[None] = self._blobs.removed
            self._rows.read = None

    def is_as(self, looked: Looked) -> bool:
        """Whether nothing was written there since: who looks again sees the same."""
        return self._blobs.removed == looked[None] and all(
            self._rows.writes[each] == count for each, count in looked.items() if each is not None
        )


class _WatchedCatalog(MemoryCatalog):
    def __init__(self) -> None:
        super().__init__()
        self.writes: Counter[Partition] = Counter()
        self.read: set[Partition] | None = None

    def get(self, key: Key) -> Row | None:
        self._note(key.table, key.partition)
        return super().get(key)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        for key in keys:
            self._note(key.table, key.partition)
        return super().get_many(keys)

    def page(
        self,
        table: Table,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> RowPage:
        self._note(table, partition)
        return super().page(
            table, partition, prefix=prefix, after=after, limit=limit, newest_first=newest_first
        )

    def _note(self, table: Table, partition: str) -> None:
        if self.read is not None:
            self.read.add((table, partition))

    def _store(self, key: Key, held: _Held | None) -> None:
        self.writes[key.table, key.partition] += 1
        super()._store(key, held)


class _WatchedObjects(MemoryObjects):
    def __init__(self) -> None:
        super().__init__()
        self.removed = 0

    def delete(self, key: str) -> None:
        self.removed += 1
        super().delete(key)
