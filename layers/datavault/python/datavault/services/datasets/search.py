"""Searching datasets: complete, page by page, along an index (``domain.dataset_index``)."""

from collections.abc import Sequence

from datavault.domain import keyspace
from datavault.domain.access import Action, Caller, require
from datavault.domain.dataset_index import Criteria
from datavault.domain.datasets import Dataset
from datavault.domain.ids import DatasetId
from datavault.domain.pages import Page
from datavault.domain.rows import RowPage, Table
from datavault.ports import Vault
from datavault.services.cursors import open_cursor, seal_cursor
from datavault.services.keys import open_workspace

# Of what an index has, so many datasets are compared with the criteria for one page.
LOOKED_AT_MAX = 1000
# Replies go through a function, which returns 6 MB.
PAGE_BYTES_MAX = 4 * 1024 * 1024
_AHEAD_MIN = 100

ACTIVE = Criteria()


def list_datasets(
    vault: Vault, *, caller: Caller, limit: int, cursor: str | None, criteria: Criteria = ACTIVE
) -> Page[Dataset]:
    """The workspace's datasets of which all the criteria hold, oldest first.

    Of the criteria that have an index, each part of the list follows the one that has the fewest
    datasets there; the others are checked on the datasets themselves. A page ends at ``limit``, at
    4 MB, or at 1000 datasets looked at; so it may be short or empty with more to follow. A dataset
    of which the criteria hold all the while is listed once, whatever else changes meanwhile.
    """
    require(caller, Action.DESCRIBE_DATASET)
    key = open_workspace(vault, caller)[1]
    scope = f"list_datasets/{criteria.scope()}"
    position = open_cursor(vault, caller, scope, cursor)
    after = position if position is not None else criteria.first_after()
    partitions = criteria.partitions(caller.workspace, key)
    found: list[Dataset] = []
    looked = size = 0
    while True:
        # One page may be all that is needed. What follows it, or is compared with another index,
        # must not cost a round trip for every few datasets, however small the limit is.
        ahead = limit if not looked and len(partitions) < 2 else max(limit, _AHEAD_MIN)
        ids, more = _candidates(vault, caller, partitions, after, ahead)
        inside = [dataset_id for dataset_id in ids if not criteria.is_beyond(dataset_id)]
        more = more and len(inside) == len(ids)
        for number, dataset in enumerate(_read(vault, caller, inside), start=1):
            looked += 1
            after = inside[number - 1]
            if dataset is not None and criteria.admits(dataset):
                found.append(dataset)
                size += len(dataset.encode())
            if len(found) == limit or size >= PAGE_BYTES_MAX or looked == LOOKED_AT_MAX:
                last = after if more or number < len(inside) else None
                return Page(tuple(found), seal_cursor(vault, caller, scope, last))
        if not more:
            return Page(tuple(found), None)


def _candidates(
    vault: Vault, caller: Caller, partitions: Sequence[str], after: str | None, ahead: int
) -> tuple[list[DatasetId], bool]:
    """The next ids of the index that goes furthest with a page, and whether it has more."""
    if not partitions:
        prefix = keyspace.DATASET_PREFIX
        page = vault.catalog.page(
            Table.CATALOG,
            keyspace.workspace(caller.workspace).partition,
            prefix=prefix,
            after=None if after is None else f"{prefix}{after}",
            limit=ahead,
        )
        return [DatasetId(row.key.sort.removeprefix(prefix)) for row in page.rows], page.more
    pages: list[RowPage] = []
    for partition in partitions:
        page = vault.catalog.page(Table.CATALOG, partition, after=after, limit=ahead)
        pages.append(page)
        if not page.rows:
            break  # Of nothing further can all of them hold.
    sparsest = max(pages, key=_reach)
    return [DatasetId(row.key.sort) for row in sparsest.rows], sparsest.more


def _reach(page: RowPage) -> tuple[bool, str, int]:
    """How far a page covers its index: to its end (best with few rows), or to its last row."""
    if not page.more:
        return (True, "", -len(page.rows))
    return (False, page.rows[-1].key.sort if page.rows else "", 0)


def _read(vault: Vault, caller: Caller, ids: Sequence[DatasetId]) -> list[Dataset | None]:
    keys = [keyspace.dataset(caller.workspace, dataset_id) for dataset_id in ids]
    rows = vault.catalog.get_many(keys)
    return [Dataset.of(rows[key]) if key in rows else None for key in keys]
