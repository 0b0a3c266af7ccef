"""What operators do when events did not get out: with AWS credentials, not with a token.

Everything here may be repeated, and be cut short: what is published again has the id and the
number it had, and a letter is given up when all that it is about is out. The ledger says that it
began and, unless it was cut short, how it ended.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from datavault.domain import keyspace
from datavault.domain.access import Operator
from datavault.domain.deliveries import Taken
from datavault.domain.errors import Invalid
from datavault.domain.ids import WorkspaceId
from datavault.domain.rows import Row, Table
from datavault.event_ports import EventArchive
from datavault.ports import Vault
from datavault.services.events.publishing import Write, deliver
from datavault.services.operators import Undertaking, begin, end, require_workspace
from datavault.services.staging import all_rows

_LETTERS_AT_ONCE = 10
_ROWS_AT_ONCE = 100
# 16 queries a minute: a day takes 23,000, some minutes.
SPAN_MS_MAX = 24 * 3600 * 1000
# EventBridge's words for a replay that is over, however it went.
_OVER = frozenset({"COMPLETED", "CANCELLED", "FAILED"})
_POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many letters are done with, and how many stay and why."""

    done: int = 0
    refused: int = 0
    """Their entries cannot be told yet: the cause is not mended."""
    unknown: int = 0
    """Nobody can say any more which entries they are about: republish their time."""


def redrive_events(vault: Vault, *, operator: Operator, write: Write, letters_max: int) -> Redriven:
    """Publish what the dead letters are about. Those that stay can be taken again in five minutes.

    Raises:
        Unavailable: something does not answer; what was done stays done.
    """
    begun = begin(vault, operator, "redrive_events", keyspace.STAGE, workspace=None)
    found = _redrive_letters(vault, write, letters_max)
    counts = {"done": found.done, "refused": found.refused, "unknown": found.unknown}
    end(vault, begun, **counts)
    return found


def _redrive_letters(vault: Vault, write: Write, letters_max: int) -> Redriven:
    found = Redriven()
    seen = 0
    while seen < letters_max:
        letters = vault.dead_letters.take(min(_LETTERS_AT_ONCE, letters_max - seen))
        if not letters:
            break
        seen += len(letters)
        for letter in letters:
            found = _redrive(vault, letter, write, found)
    return found


def _redrive(vault: Vault, letter: Taken, write: Write, found: Redriven) -> Redriven:
    if letter.keys is None:
        return replace(found, unknown=found.unknown + 1)
    rows = vault.catalog.get_many(letter.keys)
    done = deliver(vault, [rows[key] for key in letter.keys if key in rows], write)
    if done.later or done.refused:
        return replace(found, refused=found.refused + 1)
    vault.dead_letters.remove(letter)
    return replace(found, done=found.done + 1)


def republish_events(
    vault: Vault, ws: WorkspaceId, *, operator: Operator, start_ms: int, end_ms: int, write: Write
) -> tuple[int, int]:
    """Publish all that a workspace's ledger says of a time, once more.

    How many events the bus took, and how many entries could not be told. From the ledger itself,
    however long ago: for what neither stream nor archive has any more.

    Raises:
        Invalid: the time is longer than a day, or ends before it begins.
        NotFound: there is no such workspace.
    """
    if not 0 < end_ms - start_ms <= SPAN_MS_MAX:
        raise Invalid("a time of more than nothing and at most 24 hours is republished at once")
    require_workspace(vault, ws)
    begun = begin(
        vault, operator, "republish_events", ws, workspace=ws, start_ms=start_ms, end_ms=end_ms
    )
    published, failed = _republish(vault, ws, start_ms, end_ms, write)
    end(vault, begun, published=published, failed=failed)
    return published, failed


def begin_replay(
    vault: Vault,
    *,
    operator: Operator,
    archive: EventArchive,
    name: str,
    start_ms: int,
    end_ms: int,
    rules: Sequence[str],
) -> Undertaking:
    """Have the archived events of a time, of all workspaces, sent to some rules again.

    Raises:
        Conflict: there has been a replay of that name.
        Invalid: the time ends before it begins.
        NotFound: there is no archive.
    """
    if not start_ms < end_ms:
        raise Invalid("a time of more than nothing is replayed")
    begun = begin(
        vault,
        operator,
        "replay_events",
        name,
        workspace=None,
        start_ms=start_ms,
        end_ms=end_ms,
        rules=tuple(rules),
    )
    archive.replay(name, start_ms, end_ms, rules)
    return begun


def await_replay(vault: Vault, archive: EventArchive, begun: Undertaking) -> str:
    """Wait until a replay is over; how it went, in the archive's word."""
    while (state := archive.state(begun.resource)) not in _OVER:
        vault.clock.sleep(_POLL_S)
    end(vault, begun, state=state.lower())
    return state


def _republish(
    vault: Vault, ws: WorkspaceId, start_ms: int, end_ms: int, write: Write
) -> tuple[int, int]:
    published, failed = 0, 0
    for rows in batched(_entries(vault, ws, start_ms, end_ms), _ROWS_AT_ONCE, strict=False):
        done = deliver(vault, rows, write)
        failed += len(done.later) + len(done.refused)
        published += done.taken
    return published, failed


def _entries(vault: Vault, ws: WorkspaceId, start_ms: int, end_ms: int) -> Iterator[Row]:
    """The entries of the minutes that the time touches, in order of time within each minute."""
    minute_ms = keyspace.MINUTE_MS
    for minute in range(start_ms // minute_ms, (end_ms - 1) // minute_ms + 1):
        partitions = (
            keyspace.ledger_partition(ws, minute, shard) for shard in range(keyspace.LEDGER_SHARDS)
        )
        found = [row for each in partitions for row in all_rows(vault, Table.LEDGER, each)]
        yield from sorted(found, key=lambda row: row.key.sort)
