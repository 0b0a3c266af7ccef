"""What keeps failing is left alone for a while, and found again when it is back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import Credentials, FixedCredentials
from datavault.adapters.aws.errors import AwsError
from datavault.adapters.aws.keyring import KmsKeyring
from datavault.adapters.aws.objects import Bucket, S3Objects
from datavault.adapters.breaker import (
    FAILURES_MAX,
    OPEN_S,
    OPEN_S_MAX,
    PROBE_S_MAX,
    SLOW_S,
    Breaker,
)
from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.errors import NotFound, Unavailable
from datavault.services.keys import HELD_MS
from tests.support.builders import Process, Shelf, a_body
from tests.unit.adapters.scripted import Answer, Reset, ScriptedServer, Silence

KEYS = FixedCredentials(Credentials("AKID", "SECRET", "TOKEN"))


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("it", clock=clock, jitter=lambda _, longest: longest)


def fail(breaker: Breaker) -> None:
    with pytest.raises(Unavailable, match="broken"), breaker.guard():
        raise Unavailable("broken")


def succeed(breaker: Breaker) -> None:
    with breaker.guard():
        pass


def is_refused(breaker: Breaker) -> bool:
    try:
        succeed(breaker)
    except Unavailable:
        return True
    return False


def test_it_opens_after_failures_in_a_row_and_lets_a_probe_through_in_time(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(FAILURES_MAX):
        assert not breaker.is_open
        fail(breaker)
    clock.now_s += OPEN_S - 0.01
    assert is_refused(breaker)
    clock.now_s += 0.01
    succeed(breaker)
    for _ in range(FAILURES_MAX - 1):
        fail(breaker)
    assert not breaker.is_open


def test_failures_with_an_answer_between_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(FAILURES_MAX - 1):
            fail(breaker)
        with pytest.raises(NotFound), breaker.guard():
            raise NotFound("an answer all the same")
    assert not breaker.is_open


def test_one_that_takes_long_to_fail_opens_it_at_once(breaker: Breaker, clock: Clock) -> None:
    def time_out() -> None:
        clock.now_s += SLOW_S
        raise Unavailable("at last")

    with pytest.raises(Unavailable), breaker.guard():
        time_out()
    assert is_refused(breaker)


def test_it_stays_open_for_longer_each_time_within_bounds(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES_MAX):
        fail(breaker)
    for open_s in (OPEN_S, 2 * OPEN_S, 4 * OPEN_S, *[OPEN_S_MAX] * 20):
        open_s = min(open_s, OPEN_S_MAX)
        clock.now_s += open_s - 0.01
        assert is_refused(breaker)
        clock.now_s += 0.01
        fail(breaker)


def test_processes_do_not_come_back_together() -> None:
    asked: list[tuple[float, float]] = []
    clock = Clock()

    def half(least: float, longest: float) -> float:
        asked.append((least, longest))
        return least

    breaker = Breaker("it", clock=clock, jitter=half)
    for _ in range(FAILURES_MAX):
        fail(breaker)
    assert asked == [(OPEN_S / 2, OPEN_S)]
    clock.now_s += OPEN_S / 2
    assert not is_refused(breaker)


def test_of_many_threads_one_is_the_probe(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES_MAX):
        fail(breaker)
    clock.now_s += OPEN_S
    threads = 8
    ready, done = Barrier(threads), Barrier(threads)

    def ask(_: int) -> bool:
        ready.wait()
        try:
            with breaker.guard():
                done.wait()  # The probe is under way until all others have been refused.
        except Unavailable:
            done.wait()
            return True
        return False

    with ThreadPoolExecutor(threads) as pool:
        refused = list(pool.map(ask, range(threads)))
    assert refused.count(False) == 1
    assert not breaker.is_open


def test_a_probe_that_never_comes_back_is_followed_by_another(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(FAILURES_MAX):
        fail(breaker)
    clock.now_s += OPEN_S
    with pytest.raises(KeyboardInterrupt), breaker.guard():
        raise KeyboardInterrupt
    assert is_refused(breaker)
    clock.now_s += PROBE_S_MAX
    assert not is_refused(breaker)


def test_a_clock_that_is_set_back_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES_MAX):
        fail(breaker)
    clock.now_s -= 1e6
    assert not is_refused(breaker)


def json_client(server: ScriptedServer, breaker: Breaker, service: str = "kms") -> JsonClient:
    return JsonClient(
        service=service,
        region="eu-west-1",
        endpoint=server.url,
        target="TrentService",
        json_version="1.1",
        credentials=KEYS,
        timeouts=Timeouts(read_s=0.2, call_s=0.3),
        sleep=lambda _: None,
        breaker=breaker,
    )


@pytest.fixture
def client(server: ScriptedServer, breaker: Breaker) -> Iterator[JsonClient]:
    made = json_client(server, breaker)
    yield made
    made.close()


@pytest.mark.parametrize("step", [Answer(500), Silence(0.4), Reset()])
def test_a_service_that_fails_or_hangs_is_asked_no_more_until_it_is_back(
    client: JsonClient,
    server: ScriptedServer,
    clock: Clock,
    step: Answer | Silence | Reset,
) -> None:
    server.script(step)
    for _ in range(FAILURES_MAX):
        with pytest.raises(Unavailable):
            client.call("Decrypt", {}, dict)
    asked, started_s = len(server.requests), time.perf_counter()
    for _ in range(100):
        with pytest.raises(Unavailable, match="not asked again yet"):
            client.call("Decrypt", {}, dict)
    assert time.perf_counter() - started_s < 0.2
    assert len(server.requests) == asked
    server.script(Answer())
    clock.now_s += OPEN_S
    assert client.call("Decrypt", {}, dict) == {}
    assert client.call("Decrypt", {}, dict) == {}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (b"ThrottlingException", Unavailable),
        (b"DisabledException", AwsError),
        (b"AccessDeniedException", AwsError),
    ],
)
def test_an_answer_of_4xx_is_one_caller_s_trouble_and_no_outage(
    client: JsonClient, server: ScriptedServer, code: bytes, error: type[Exception]
) -> None:
    server.script(Answer(400, b'{"__type": "%b"}' % code))
    for _ in range(2 * FAILURES_MAX):
        with pytest.raises(error):
            client.call("Decrypt", {}, dict)
    server.script(Answer())
    assert client.call("Decrypt", {}, dict) == {}


def test_a_bucket_that_fails_is_asked_no_more_until_it_is_back(
    server: ScriptedServer, breaker: Breaker, clock: Clock
) -> None:
    objects = S3Objects(
        Bucket("bucket", "eu-west-1", server.url),
        credentials=KEYS,
        timeouts=Timeouts(read_s=0.2, call_s=0.3),
        sleep=lambda _: None,
        breaker=breaker,
    )
    server.script(Answer(500))
    for _ in range(FAILURES_MAX):
        with pytest.raises(Unavailable):
            objects.get("a/key")
    asked = len(server.requests)
    for call in (
        lambda: objects.get("a/key"),
        lambda: objects.get_ranges("a/key", [(0, 1)]),
        lambda: objects.put("a/key", [b"x"]),
        lambda: objects.delete("a/key"),
        objects.ping,
    ):
        with pytest.raises(Unavailable, match="not asked again yet"):
            call()
    assert len(server.requests) == asked
    server.script(Answer(404, b"<Error><Code>NoSuchKey</Code></Error>"))
    clock.now_s += OPEN_S
    with pytest.raises(NotFound):
        objects.get("a/key")
    assert not breaker.is_open


def test_while_kms_is_down_reads_go_on_whose_keys_are_held(
    client: JsonClient, server: ScriptedServer
) -> None:
    shelf = Shelf.make(MemoryVault())
    shelf.append({"a": a_body("a")})
    process = Process(shelf.vault)
    reader = shelf.on(process)
    assert reader.get("a") == a_body("a")
    process.keyring = KmsKeyring(client)
    server.script(Silence(0.4))
    for _ in range(5):
        assert reader.get("a") == a_body("a")
    assert server.requests == []
    # Afterwards they do not: a KEK that is revoked must stop reads.
    shelf.vault.clock.sleep(HELD_MS / 1000)
    with pytest.raises(Unavailable):
        reader.get("a")
