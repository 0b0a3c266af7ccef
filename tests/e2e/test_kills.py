"""Functions that are killed under load: what was acknowledged is there, and there once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from tests.e2e.deployment import Deployment, Elsewhere, Person, Shelf
from tests.e2e.processes import functions_of, kill
from tests.support.http import Reply

WRITERS, BATCHES, BATCH = 4, 6, 5
COMMITTERS = 2
KILLS_MAX, BETWEEN_KILLS_S = 20, 0.2
VICTIMS = ("append_records", "create_commit")
ATTEMPTS_MAX = 60
# What a caller may try again: a killed function (the gateway's own 503), and what the vault says.
AGAIN = {429, 503}


@pytest.mark.parametrize("seed", [1])
def test_no_acknowledged_write_is_lost_or_doubled_when_functions_are_killed(
    seed: int, deployed: Deployment, shelf: Shelf
) -> None:
    admin = shelf.person
    done = threading.Event()
    with _killing(deployed, seed, done) as killed, ThreadPoolExecutor(8) as threads:
        committers = [threads.submit(_commit, shelf, each, done) for each in range(COMMITTERS)]
        writers = [threads.submit(_append, admin, shelf, each) for each in range(WRITERS)]
        for writer in writers:
            writer.result()
        done.set()
        commits = [commit for each in committers for commit in each.result()]
    _settle(shelf)
    written = Counter(shelf.lines())
    assert written == {
        b'{"w":%d,"b":%d,"n":%d}' % (writer, batch, number): 1
        for writer in range(WRITERS)
        for batch in range(BATCHES)
        for number in range(BATCH)
    }
    history = [commit["id"] for commit in shelf.log()]
    assert len(history) == len(set(history))
    assert set(commits) <= set(history)
    assert sum(commit["added"] for commit in shelf.log()) == len(written)
    # Somebody else's cloud does not show its processes; then this is a test of load alone.
    assert killed or isinstance(deployed.cloud, Elsewhere)


def _append(admin: Person, shelf: Shelf, writer: int) -> None:
    """Batches without ids, so that one staged twice would be two; each until acknowledged."""
    for batch in range(BATCHES):
        records = [{"data": {"w": writer, "b": batch, "n": number}} for number in range(BATCH)]
        append = partial(
            admin.post,
            f"{shelf.path}/records",
            {"records": records},
            Idempotency_Key=f"{writer}-{batch}",
        )
        reply = _until_answered(append)
        assert reply.status == 201, reply.content
        assert reply.json()["count"] == BATCH


def _commit(shelf: Shelf, committer: int, done: threading.Event) -> list[str]:
    """The ids of commits that were acknowledged."""
    acknowledged = []
    for number in range(1000):
        key = f"commit-{committer}-{number}"
        commit = partial(shelf.person.post, f"{shelf.path}/commits", {}, Idempotency_Key=key)
        reply = _until_answered(commit)
        if reply.status == 201:
            acknowledged.append(reply.json()["id"])
        else:
            # There was nothing to commit, or another commit came first.
            assert reply.status == 409, reply.content
        if done.wait(0.2):
            break
    return acknowledged


def _until_answered(ask: Callable[[], Reply]) -> Reply:
    for _ in range(ATTEMPTS_MAX):
        reply = ask()
        if reply.status not in AGAIN:
            return reply
        time.sleep(0.05)
    raise AssertionError(f"no answer in {ATTEMPTS_MAX} attempts: {reply.content!r}")


def _settle(shelf: Shelf) -> None:
    """Commit until nothing is staged: what a crash left pending is finished."""
    for _ in range(10):
        if shelf.person.post(f"{shelf.path}/commits", {}).status == 409:
            return
    raise AssertionError("there is always something to commit")


@contextmanager
def _killing(deployed: Deployment, seed: int, done: threading.Event) -> Iterator[list[int]]:
    """Meanwhile, kill functions of this cloud at random; gives the killed."""
    killed: list[int] = []
    chance = random.Random(seed)

    def kill_some() -> None:
        while len(killed) < KILLS_MAX and not done.wait(BETWEEN_KILLS_S):
            if found := functions_of(deployed.cloud, *VICTIMS):
                victim = chance.choice(found)
                kill(victim)
                killed.append(victim)

    thread = threading.Thread(target=kill_some)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()
