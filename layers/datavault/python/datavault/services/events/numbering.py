"""Sequence numbers: each dataset's events are counted from 1, without gaps, each entry once.

A number is given by the publisher, in one transaction that moves the dataset's counter and keeps,
under the entry's id and for good, which number it got. So an entry that comes again, in whatever
batch, at whatever time, from the stream, a dead letter or an operator, finds the number it has; two
publishers of one dataset collide on the counter, and one of them starts over. A crash between
numbering and publishing leaves a number that the next attempt publishes.

The order is the publisher's: of one shard of the ledger's stream that of the changes. Entries of a
dataset are spread over shards (``keyspace.ledger``), so two changes within seconds of each other
may be numbered the other way round; ``time`` tells when each was made.

An event costs two writes in a transaction if it comes alone, and one and a bit if many come
together; its row has some 150 bytes. Rejected: a number given in the transaction of the change
itself, which would make the writers of a dataset queue on one row, against all that heads and
ledger are spread for; the stream's own numbers, which count a shard and not a dataset; numbers
remembered for some weeks only, after which a repeated entry would get another one.
"""

from collections.abc import Sequence
from itertools import batched

from datavault.domain import keyspace
from datavault.domain.ids import DatasetId, EntryId, WorkspaceId
from datavault.domain.rows import TRANSACTION_CHANGES_MAX, Absent, Change, If, Key, Put, Row
from datavault.ports import Vault
from datavault.services.attempts import attempt, attempts

_NUMBER = "sequence"
# The counter is a change of the same transaction.
NUMBERED_MAX = TRANSACTION_CHANGES_MAX - 1


def number_entries(
    vault: Vault, ws: WorkspaceId, ds: DatasetId, entries: Sequence[EntryId]
) -> dict[EntryId, int]:
    """The number of each entry of a dataset; those that have none get the next ones, in order."""
    numbers: dict[EntryId, int] = {}
    for batch in batched(dict.fromkeys(entries), NUMBERED_MAX, strict=False):
        numbers |= _numbered(vault, ws, ds, batch)
    return numbers


def _numbered(
    vault: Vault, ws: WorkspaceId, ds: DatasetId, entries: Sequence[EntryId]
) -> dict[EntryId, int]:
    counter = keyspace.last_number(ws, ds)
    keys = {entry: keyspace.event_number(ws, entry) for entry in entries}
    for token in attempts(vault, "the dataset's event counter"):
        rows = vault.catalog.get_many([counter, *keys.values()])
        known = {entry: rows[key].number(_NUMBER) for entry, key in keys.items() if key in rows}
        last = rows.get(counter)
        begin = 1 if last is None else last.number(_NUMBER) + 1
        fresh = [entry for entry in entries if entry not in known]
        given = {entry: begin + index for index, entry in enumerate(fresh)}
        if not fresh or attempt(vault, _changes(counter, last, keys, given), token):
            return known | given
    raise AssertionError("attempts ends by raising")


def _changes(
    counter: Key, last: Row | None, keys: dict[EntryId, Key], given: dict[EntryId, int]
) -> list[Change]:
    unmoved = Absent() if last is None else (If(_NUMBER, "=", last.number(_NUMBER)),)
    return [
        Put(counter, {_NUMBER: max(given.values())}, unmoved),
        *(Put(keys[entry], {_NUMBER: number}, Absent()) for entry, number in given.items()),
    ]
