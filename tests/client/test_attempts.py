"""What a call does when the answer is late, refused or missing: what no real server can be
made to do on request, so here the transport is scripted."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import anyio
import httpx
import pytest

from datavault.client import (
    AsyncVault,
    Behaviour,
    Retries,
    RetryBudget,
    StaticToken,
    Vault,
    errors,
)
from datavault.client.retries import RETRIED_STATUSES
from tests.client.conftest import ENDPOINT

TOKEN = "token-canary-1f"
NOW_S = 1_780_000_000.0
DATASETS = {"data": [], "pagination": {"next_cursor": None, "has_more": False}, "_links": {}}

type Reaction = httpx.Response | Exception


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"status": status, "code": code, "detail": "told", "correlation_id": "c-1"}
    document |= {"type": "about:blank", "title": "t", "errors": []}
    typed = {"Content-Type": "application/problem+json", **headers}
    return httpx.Response(status, headers=typed, json=document)


def good(document: object = DATASETS) -> httpx.Response:
    return httpx.Response(200, json=document)


class Script:
    """Gives these reactions one after another, the last for ever; and keeps what came."""

    def __init__(self, *reactions: Reaction) -> None:
        self.reactions = list(reactions)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reaction = self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]
        if isinstance(reaction, Exception):
            raise reaction
        # Each use of a response needs a fresh one.
        headers = {"Content-Type": reaction.headers["Content-Type"]}
        headers |= {k: v for k, v in reaction.headers.items() if k == "retry-after"}
        return httpx.Response(reaction.status_code, headers=headers, content=reaction.content)

    @contextmanager
    def vault(
        self, *, budget: RetryBudget | None = None, attempts_max: int = 6, jitter: float = 1.0
    ) -> Iterator[Vault]:
        behaviour = Behaviour(
            retries=Retries(attempts_max=attempts_max, jitter=lambda: jitter),
            budget=budget or RetryBudget(),
            clock=lambda: NOW_S,
        )
        with Vault(
            endpoint=ENDPOINT,
            token=TOKEN,
            behaviour=behaviour,
            transport=httpx.MockTransport(self),
            sleep=self.pauses.append,
        ) as made:
            yield made


@pytest.mark.parametrize("status", sorted(RETRIED_STATUSES))
def test_a_read_is_repeated_until_it_is_answered(status: int) -> None:
    script = Script(problem(status, "any"), problem(status, "any"), good())
    with script.vault() as vault:
        assert vault.list_datasets().data == []
    assert len(script.requests) == 3
    assert len({request.headers["X-Correlation-ID"] for request in script.requests}) == 1


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
    ],
)
def test_a_change_is_repeated_with_its_key_when_the_answer_is_lost(lost: Exception) -> None:
    script = Script(lost, httpx.Response(201, json={}), good())
    with script.vault() as vault, pytest.raises(errors.ForeignReply):
        vault.create_dataset(name="chats")
    first, second = script.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.content == second.content == b'{"name":"chats","description":""}'


def test_each_change_has_a_key_of_its_own_and_a_read_has_none() -> None:
    script = Script(problem(409, "conflict"))
    with script.vault() as vault:
        for _ in range(2):
            with pytest.raises(errors.Conflict):
                vault.delete_record("ds_1", "a")
        with pytest.raises(errors.Conflict):
            vault.list_datasets()
    first, second, read = script.requests
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert "Idempotency-Key" not in read.headers


@pytest.mark.parametrize(
    ("status", "code"), [(400, "malformed"), (409, "conflict"), (422, "invalid"), (500, "corrupt")]
)
def test_what_would_be_refused_again_is_not_repeated(status: int, code: str) -> None:
    script = Script(problem(status, code))
    with script.vault() as vault, pytest.raises(errors.BY_CODE[code]):
        vault.list_datasets()
    assert len(script.requests) == 1


def test_pauses_double_from_one_second_and_attempts_end() -> None:
    script = Script(problem(503, "unavailable"))
    with script.vault(attempts_max=8) as vault, pytest.raises(errors.Unavailable) as raised:
        vault.list_datasets()
    assert script.pauses == [1, 2, 4, 8, 16, 32, 32]
    assert (raised.value.correlation_id, raised.value.detail) == ("c-1", "told")


def test_jitter_takes_any_part_of_a_pause() -> None:
    script = Script(problem(503, "unavailable"))
    with script.vault(attempts_max=3, jitter=0.25) as vault, pytest.raises(errors.Unavailable):
        vault.list_datasets()
    assert script.pauses == [0.25, 0.5]


@pytest.mark.parametrize("form", ["7", formatdate(NOW_S + 7, usegmt=True)])
def test_retry_after_is_waited_out_with_jitter_on_top(form: str) -> None:
    script = Script(problem(429, "throttled", **{"Retry-After": form}), good())
    with script.vault(jitter=0.5) as vault:
        vault.list_datasets()
    assert script.pauses == [7.5]


def test_a_retry_after_beyond_patience_fails_at_once_and_is_told() -> None:
    script = Script(problem(429, "throttled", **{"Retry-After": "120"}))
    with script.vault() as vault, pytest.raises(errors.Throttled) as raised:
        vault.list_datasets()
    assert raised.value.retry_after_s == 120
    assert (len(script.requests), script.pauses) == (1, [])


@pytest.mark.parametrize("form", ["", "soon", "-1", "1e3"])
def test_a_retry_after_that_says_nothing_is_as_none(form: str) -> None:
    script = Script(problem(503, "unavailable", **{"Retry-After": form}), good())
    with script.vault() as vault:
        vault.list_datasets()
    assert script.pauses == [1]


def test_an_outage_does_not_multiply_a_clients_load() -> None:
    script = Script(problem(503, "unavailable"))
    with script.vault(budget=RetryBudget(10)) as vault:
        for _ in range(50):
            with pytest.raises(errors.Unavailable):
                vault.list_datasets()
    assert len(script.requests) == 50 + 10


def test_successes_give_retries_back() -> None:
    budget = RetryBudget(2, refund=0.25)
    assert [budget.take() for _ in range(3)] == [True, True, False]
    for _ in range(4):
        budget.succeeded()
    assert [budget.take() for _ in range(2)] == [True, False]
    for _ in range(100):
        budget.succeeded()
    assert [budget.take() for _ in range(3)] == [True, True, False]


class Renewing:
    """Credentials that have another token once."""

    def __init__(self, *others: str) -> None:
        self.others = list(others)
        self.refused: list[str] = []

    def token(self) -> str:
        return TOKEN

    def replace(self, refused: str) -> str | None:
        self.refused.append(refused)
        return self.others.pop(0) if self.others else None


@pytest.mark.parametrize(("others", "sent"), [((), 1), (("second",), 2), (("second", "third"), 2)])
def test_a_refused_token_is_replaced_once(others: tuple[str, ...], sent: int) -> None:
    script = Script(problem(401, "unauthenticated"))
    credentials = Renewing(*others)
    with (
        Vault(
            endpoint=ENDPOINT, credentials=credentials, transport=httpx.MockTransport(script)
        ) as vault,
        pytest.raises(errors.Unauthenticated),
    ):
        vault.list_datasets()
    tokens = [request.headers["Authorization"] for request in script.requests]
    assert tokens == [f"Bearer {token}" for token in (TOKEN, *others)][:sent]
    assert credentials.refused == [TOKEN]


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (502, b"<html>Bad gateway secret-canary</html>", errors.Unavailable),
        (503, b"", errors.Unavailable),
        (504, b'{"message": "secret-canary"}', errors.Unavailable),
        (429, b"slow down", errors.Throttled),
        (404, b"<html>secret-canary</html>", errors.ForeignReply),
        (403, b'{"message":"secret-canary"}', errors.ForeignReply),
        (500, b"{", errors.ForeignReply),
        (302, b"", errors.ForeignReply),
        (200, b"<html>Sign in secret-canary</html>", errors.ForeignReply),
        (200, b'{"data": "secret-canary"}', errors.ForeignReply),
    ],
)
@pytest.mark.parametrize("media_type", ["text/html", "application/json"])
def test_an_answer_of_something_else_is_told_apart(
    status: int, content: bytes, kind: type[Exception], media_type: str
) -> None:
    script = Script(httpx.Response(status, headers={"Content-Type": media_type}, content=content))
    with script.vault(attempts_max=2) as vault, pytest.raises(kind) as raised:
        vault.list_datasets()
    assert "secret-canary" not in repr(raised.value)
    assert str(status) in str(raised.value)


def test_a_problem_with_a_code_of_tomorrow_keeps_it() -> None:
    script = Script(problem(409, "merge_conflict"))
    with script.vault() as vault, pytest.raises(errors.Conflict) as raised:
        vault.list_datasets()
    assert raised.value.code == "merge_conflict"


def test_nothing_tells_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(httpx.ConnectError(f"for {TOKEN}"))
    with script.vault(attempts_max=2) as vault:
        with pytest.raises(errors.ConnectionFailed) as raised:
            vault.create_dataset(name="body-canary")
        texts = [repr(vault), str(raised.value), repr(raised.value), repr(StaticToken(TOKEN))]
    assert script.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert raised.value.idempotency_key == script.requests[0].headers["Idempotency-Key"]
    chain = raised.value.__cause__ or raised.value.__context__
    for text in [*texts, caplog.text, repr(chain)]:
        assert TOKEN not in text
        assert "body-canary" not in text


def test_the_client_names_itself() -> None:
    script = Script(good())
    with script.vault() as vault:
        vault.list_datasets(correlation_id="mine-1")
    (request,) = script.requests
    assert request.headers["User-Agent"].startswith("datavault-python/0.1.0 python/3.")
    assert request.headers["X-Correlation-ID"] == "mine-1"
    for other in ("two words", "ada@example.com", ""):
        with script.vault() as vault, pytest.raises(ValueError, match="128 letters") as raised:
            vault.list_datasets(correlation_id=other)
        assert not other or other not in str(raised.value)


def test_threads_share_a_client() -> None:
    script = Script(good())
    failures: list[BaseException] = []
    with script.vault() as vault:

        def call() -> None:
            try:
                for _ in range(20):
                    vault.list_datasets()
            except BaseException as error:  # noqa: BLE001  # Told below.
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (failures, len(script.requests)) == ([], 160)


def test_awaited_calls_keep_the_same_rules() -> None:
    script = Script(problem(401, "unauthenticated"), problem(503, "unavailable"), good())
    credentials = Renewing("second")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def main() -> None:
        behaviour = Behaviour(retries=Retries(jitter=lambda: 1.0))
        async with AsyncVault(
            endpoint=ENDPOINT,
            credentials=credentials,
            behaviour=behaviour,
            transport=httpx.MockTransport(script),
            sleep=sleep,
        ) as vault:
            assert (await vault.list_datasets()).data == []
            script.reactions = [httpx.ReadError("reset")]
            with pytest.raises(errors.ConnectionFailed, match="ReadError"):
                await vault.list_datasets()

    anyio.run(main)
    assert pauses == [1, 1, 2, 4, 8, 16]
    assert script.requests[1].headers["Authorization"] == "Bearer second"
