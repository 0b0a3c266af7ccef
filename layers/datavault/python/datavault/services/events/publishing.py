"""The publisher: entries of the ledger as events on the bus, at least once.

An entry comes with the stream of the ledger, in a batch of a shard. It is numbered, told and put on
the bus, in the batch's order. Whatever fails makes it come again, with the same id, number and
text; subscribers drop what they have seen. An entry that can never be told as it is does not stop
those behind it: its key goes to the dead letters, without a number, and an operator has it
published when the cause is mended. So the numbers of a dataset have no gap that stays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from datavault.domain import events
from datavault.domain.access import Caller
from datavault.domain.deliveries import Delivery, Letter, Notice
from datavault.domain.errors import Corrupt, Invalid, KekUnavailable, Unauthenticated
from datavault.domain.events import Event, Told
from datavault.domain.ids import DatasetId, EntryId, WorkspaceId
from datavault.domain.ledger import Entry
from datavault.domain.rows import Row
from datavault.ports import Vault
from datavault.services.events.numbering import number_entries
from datavault.services.keys import open_workspace

# Before the whole batch is given again, which takes longer and makes duplicates.
_PAUSES_S = (0.0, 0.2, 1.0)
_REFUSED = "refused"

type Write = Callable[[Event], str]
"""An event as the bus carries it; the same event is always the same text."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of some rows, by their places: ``later`` ones are to be given again.

    Of what is in neither, the bus took ``taken``, and the rest stays inside.
    """

    taken: int
    later: tuple[int, ...]
    refused: Mapping[int, str]
    """The code of the reason."""


def publish_events(vault: Vault, rows: Sequence[Row], *, write: Write) -> tuple[int, ...]:
    """Publish what the rows of the ledger tell; the places of those that must be given again.

    What does not have to be given again is on the bus, stays inside on purpose, or is among the
    dead letters. If this raises, all are to be given again.

    Raises:
        Unavailable: catalog, keys, bus or dead letters do not answer.
        Throttled: too many publishers of one dataset at once.
    """
    done = deliver(vault, rows, write)
    # What comes again behind the first failure is refused again, and kept then.
    first = min(done.later, default=len(rows))
    letters = [
        Letter(rows[place].key, reason) for place, reason in done.refused.items() if place < first
    ]
    if letters:
        vault.dead_letters.put(letters)
    return done.later


def deliver(vault: Vault, rows: Sequence[Row], write: Write) -> Delivered:
    """Number the entries, tell them and put them on the bus, in order."""
    refused: dict[int, str] = {}
    tellings = _tellings(rows, refused)
    keys = _keys(vault, tellings)
    for place, told in list(tellings.items()):
        key = keys[told.workspace]
        if isinstance(key, str):
            refused[place] = key
            del tellings[place]
    numbers = _numbers(vault, tellings.values())
    notices: list[Notice] = []
    for told in tellings.values():
        key = keys[told.workspace]
        assert isinstance(key, bytes)
        event = events.event(told, numbers[told.entry.id], key)
        notices.append(Notice(event.type, event.at_ms, write(event)))
    outcomes = dict(zip(tellings, _put(vault, notices), strict=True))
    for place, outcome in outcomes.items():
        if outcome is Delivery.NEVER:
            refused[place] = _REFUSED
    later = (place for place, outcome in outcomes.items() if outcome is Delivery.LATER)
    taken = sum(outcome is Delivery.TAKEN for outcome in outcomes.values())
    return Delivered(taken, tuple(later), dict(sorted(refused.items())))


def _tellings(rows: Sequence[Row], refused: dict[int, str]) -> dict[int, Told]:
    """How each row is told, by its place; those that cannot be are put among the ``refused``."""
    tellings: dict[int, Told] = {}
    for place, row in enumerate(rows):
        try:
            told = events.told(Entry.of(row))
        except (Corrupt, Invalid) as error:
            refused[place] = error.code
            continue
        if told is not None:
            tellings[place] = told
    return tellings


def _keys(vault: Vault, tellings: Mapping[int, Told]) -> dict[WorkspaceId, bytes | str]:
    """The key of each workspace's pseudonyms, or the code of why it cannot be had.

    A KEK that its owner withdrew is that workspace's trouble; one that does not answer is ours.
    """
    keys: dict[WorkspaceId, bytes | str] = {}
    for ws in dict.fromkeys(told.workspace for told in tellings.values()):
        try:
            keys[ws] = open_workspace(vault, Caller("", ws, frozenset(), ""))[1]
        except (KekUnavailable, Corrupt, Unauthenticated) as error:
            keys[ws] = error.code
    return keys


def _numbers(vault: Vault, tellings: Iterable[Told]) -> dict[EntryId, int]:
    datasets: dict[tuple[WorkspaceId, DatasetId], list[EntryId]] = defaultdict(list)
    for told in tellings:
        datasets[told.workspace, told.dataset].append(told.entry.id)
    numbers: dict[EntryId, int] = {}
    for (ws, ds), entries in datasets.items():
        numbers |= number_entries(vault, ws, ds, entries)
    return numbers


def _put(vault: Vault, notices: Sequence[Notice]) -> list[Delivery]:
    """What became of each; what was not taken is tried again a few times, in order."""
    outcomes = [Delivery.LATER] * len(notices)
    waiting = list(range(len(notices)))
    for pause_s in _PAUSES_S:
        if not waiting:
            break
        if pause_s:
            vault.clock.sleep(pause_s)
        found = vault.bus.put([notices[index] for index in waiting])
        for index, outcome in zip(waiting, found, strict=True):
            outcomes[index] = outcome
        waiting = [index for index in waiting if outcomes[index] is Delivery.LATER]
    return outcomes
