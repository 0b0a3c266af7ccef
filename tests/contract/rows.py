"""Words of the catalog's tests."""

from collections.abc import Callable

from datavault.domain.rows import Attributes, Key, Row, Table
from datavault.ports import Catalog

type Write = Callable[..., None]


def key(partition: str, sort: str = "a", table: Table = Table.CATALOG) -> Key:
    return Key(table, partition, sort)


def sorts(rows: tuple[Row, ...]) -> list[str]:
    return [row.key.sort for row in rows]


def stands(catalog: Catalog, at: Key) -> Attributes | None:
    row = catalog.get(at)
    return None if row is None else dict(row.attributes)
