"""Writers and committers on one branch at the same time, on any vault."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Event

from datavault.domain import keyspace
from datavault.domain.errors import Conflict, Throttled, Unavailable
from datavault.domain.ids import EntryId
from datavault.domain.refs import agreed, head_keys
from datavault.domain.rows import Row
from datavault.ports import Vault
from datavault.services.refs import find_branch
from datavault.services.staging import all_rows
from tests.support.builders import MAIN, Process, Shelf, a_body, a_request

# Ids that all writers write to, so that their batches overlap.
SHARED = 3
TRIES_MAX = 50


@dataclass(frozen=True)
class Raced:
    """What a race came to: acknowledged batches, commits made, and how often one was busy."""

    batches: int
    commits: int
    busy: int


def race(
    vault: Vault,
    *,
    writers: int = 8,
    committers: int = 2,
    batches: int = 12,
    sizes: tuple[int, ...] = (1, 4, 95),
) -> Raced:
    """Let ``writers`` append ``batches`` batches each while ``committers`` commit what they find.

    Afterwards everything acknowledged is there once, in its last state; history adds up; the
    ledger has one entry for each batch and two for each commit. Raises ``AssertionError`` if not.
    """
    began_ms = vault.clock.now_ms()
    shelf = Shelf.make(vault)
    busy: Counter[str] = Counter()
    done = Event()

    def write(writer: int) -> int:
        own = shelf.on(Process(vault))
        for number in range(batches):
            size = sizes[number % len(sizes)]
            bodies = {f"w{writer}/{number}/{at}": a_body(f"{number}") for at in range(size)}
            # Over 4 kB now and then, so that objects take part.
            width = 5000 if number % 4 == 0 else 0
            bodies[f"counter/{writer}"] = a_body(f"{number}", width)
            bodies[f"shared/{number % SHARED}"] = a_body(f"{writer} {number}")
            request = a_request(f"w{writer}-{number}")
            _insist(partial(own.append, bodies, request=request), busy)
        return batches

    def commit(committer: int) -> int:
        own = shelf.on(Process(vault))
        made = 0
        while not done.is_set():
            try:
                own.commit(f"by {committer}")
                made += 1
            except Conflict as refusal:
                busy["nothing" if "nothing" in str(refusal) else "busy"] += 1
            except (Unavailable, Throttled):
                busy["unavailable"] += 1
        return made

    with ThreadPoolExecutor(writers + committers) as threads:
        committing = [threads.submit(commit, number) for number in range(committers)]
        writing = [threads.submit(write, number) for number in range(writers)]
        try:
            staged = sum(each.result() for each in writing)
        finally:
            done.set()
        for each in committing:
            each.result()
    eyes = shelf.on(Process(vault))
    _check_content(eyes, eyes.all(), writers, batches, sizes)
    if _records_staged(eyes):
        _insist(lambda: eyes.commit("the rest"), busy)
    found = eyes.all(ref=eyes.history(limit=1)[0].id)
    _check_content(eyes, found, writers, batches, sizes)
    commits = _check_history(eyes, len(found))
    _check_ledger(eyes, began_ms, staged, commits)
    return Raced(staged, commits, busy["busy"])


def _insist[T](do: Callable[[], T], busy: Counter[str]) -> T:
    """What a client does: the same request again until it is answered."""
    for _ in range(TRIES_MAX):
        try:
            return do()
        except Conflict as refusal:
            if "is busy" not in str(refusal):
                raise
            busy["busy"] += 1
        except (Unavailable, Throttled):
            busy["unavailable"] += 1
    raise AssertionError(f"not done in {TRIES_MAX} tries")


def _check_content(
    shelf: Shelf, found: dict[str, bytes], writers: int, batches: int, sizes: tuple[int, ...]
) -> None:
    expected = {
        f"w{writer}/{number}/{at}": a_body(f"{number}")
        for writer in range(writers)
        for number in range(batches)
        for at in range(sizes[number % len(sizes)])
    }
    width = 5000 if (batches - 1) % 4 == 0 else 0
    expected |= {f"counter/{writer}": a_body(f"{batches - 1}", width) for writer in range(writers)}
    shared = {key: body for key, body in found.items() if key.startswith("shared/")}
    rest = {key: body for key, body in found.items() if key not in shared}
    assert rest.keys() == expected.keys(), "lost or doubled"
    assert rest == expected, "an older state came back"
    for at in range(min(SHARED, batches)):
        last = max(number for number in range(batches) if number % SHARED == at)
        # Whoever won, it is with their last word on it.
        assert shared[f"shared/{at}"] in [a_body(f"{each} {last}") for each in range(writers)]
    assert len(shared) == min(SHARED, batches)


def _check_history(shelf: Shelf, records: int) -> int:
    history = shelf.history(limit=7)
    assert history[0].counts.records == records
    assert sum(commit.counts.added for commit in history) == records, "a record added twice"
    assert not any(commit.counts.removed for commit in history)
    for child, parent in pairwise(history):
        assert child.parents == (parent.id,)
        assert child.counts.records == parent.counts.records + child.counts.added
    return len(history) - 1


def _check_ledger(shelf: Shelf, began_ms: int, staged: int, commits: int) -> None:
    counted: Counter[str] = Counter()
    for row in _ledger(shelf, began_ms):
        counted[row.text("operation")] += 1
    assert counted == {
        "create_workspace": 1,
        "create_dataset": 1,
        "append_records": staged,
        "create_commit": 2 * commits,
    }


def _ledger(shelf: Shelf, began_ms: int) -> list[Row]:
    """The workspace's entries since then, minute by minute and shard by shard."""
    now_ms = shelf.vault.clock.now_ms()
    found: list[Row] = []
    for minute in range(began_ms // 60_000, now_ms // 60_000 + 1):
        for shard in range(keyspace.LEDGER_SHARDS):
            any_entry = EntryId(f"{shard:x}")
            key = keyspace.ledger(shelf.caller.workspace, minute * 60_000, any_entry)
            found += all_rows(shelf.vault, key.table, key.partition)
    return found


def _records_staged(shelf: Shelf) -> int:
    row = find_branch(shelf.vault, shelf.dataset, MAIN)
    branch = row.text("id")
    head = agreed(shelf.vault.catalog.get_many(head_keys(branch)), branch)  # type: ignore[arg-type]
    assert head is not None
    return head.records + (1 if head.pending else 0)
