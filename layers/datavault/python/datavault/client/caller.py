"""Carry out calls: the steps of ``exchange`` over httpx, blocking or awaited.

httpx and pydantic are imported by the first client and its first call, so that a command which
only prints its help does not wait for them.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from datavault.client.agent import USER_AGENT
from datavault.client.credentials import StaticToken
from datavault.client.errors import NotConfigured
from datavault.client.exchange import Exchange, Outcome, Pause, Rules, Send, Step, Token, exchange
from datavault.client.messages import Answer, Lost
from datavault.client.profiles import Connection
from datavault.client.retries import Retries, RetryBudget
from datavault.client.routes import Arguments, ChangeOptions, Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping
    from types import TracebackType

    import httpx


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for each part of a request.

    Reading waits longer than API Gateway does for a function (29 s), so that its answer comes.
    ``pool_s`` is for a connection when all of them are busy.
    """

    connect_s: float = 5.0
    read_s: float = 35.0
    write_s: float = 35.0
    pool_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a client goes about its calls; ``budget`` may be shared between clients."""

    retries: Retries = field(default_factory=Retries)
    budget: RetryBudget = field(default_factory=RetryBudget)
    timeouts: Timeouts = field(default_factory=Timeouts)
    connections_max: int = 20
    clock: Callable[[], float] = time.time


class _Client:
    """What blocking and awaited calls share: where to, as whom, by which rules."""

    def __init__(self, connection: Connection, behaviour: Behaviour) -> None:
        import httpx

        self._connection = connection
        self._behaviour = behaviour
        self._lost: type[Exception] = httpx.TransportError

    @property
    def endpoint(self) -> str:
        """The root URL of the API."""
        return self._connection.endpoint

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def _begin(
        self, route: Route[object], arguments: Arguments, options: ChangeOptions
    ) -> Exchange:
        from datavault.client.encoding import request_of

        rules = Rules(self._behaviour.retries, self._behaviour.budget, self._behaviour.clock)
        return exchange(request_of(route, arguments, options), rules)

    def _settings(self) -> "_HttpSettings":
        import httpx

        timeouts, most = self._behaviour.timeouts, self._behaviour.connections_max
        return {
            "timeout": httpx.Timeout(
                connect=timeouts.connect_s,
                read=timeouts.read_s,
                write=timeouts.write_s,
                pool=timeouts.pool_s,
            ),
            "limits": httpx.Limits(max_connections=most, max_keepalive_connections=most),
            "headers": {"User-Agent": USER_AGENT},
        }

    def _parts(self, step: Send) -> "_RequestParts":
        request, headers = step.request, dict(step.request.headers)
        if step.token is not None:
            headers["Authorization"] = f"Bearer {step.token}"
        return {
            "method": request.method,
            "url": self.endpoint + request.target,
            "headers": headers,
            "content": request.content,
        }

    def _token(self, refused: str | None) -> str | None:
        credentials = self._connection.credentials
        if credentials is None:
            raise NotConfigured(
                "no credentials: give a token or credentials, set DATAVAULT_TOKEN, or write them"
                " into a profile"
            )
        return credentials.token() if refused is None else credentials.replace(refused)


class Caller(_Client):
    """A connection pool, the caller's credentials, and calls that wait. Safe to share by threads.

    ``transport`` and ``sleep`` are for tests.
    """

    def __init__(
        self,
        connection: Connection,
        behaviour: Behaviour,
        *,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        import httpx

        super().__init__(connection, behaviour)
        self._sleep = sleep
        self._http = httpx.Client(transport=transport, **self._settings())

    def call[Reply](
        self, route: Route[Reply], arguments: Arguments, **options: Unpack[ChangeOptions]
    ) -> Reply:
        """Carry out one operation; the methods named after operations are made of this."""
        return _read(route, self._carry_out(self._begin(route, arguments, options)))

    def send_to(
        self, method: str, url: str, headers: "Mapping[str, str]", content: "Iterable[bytes]"
    ) -> Answer | Lost:
        """One attempt of a request to another place than the API, such as a presigned URL, without
        credentials; what came of it."""
        try:
            request = self._http.build_request(method, url, headers=headers, content=content)
            return _answer(self._http.send(request))
        except self._lost as error:
            return Lost(type(error).__name__)

    def close(self) -> None:
        """Close the connections; the client cannot be used after that."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()

    def _carry_out(self, steps: Exchange) -> Answer:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return _answered(done.value)
            outcome = self._do(step)

    def _do(self, step: Step) -> Outcome:
        match step:
            case Send():
                try:
                    return _answer(self._http.request(**self._parts(step)))
                except self._lost as error:
                    return Lost(type(error).__name__)
            case Pause():
                self._sleep(step.seconds)
                return None
            case Token():
                return self._token(step.refused)


class AsyncCaller(_Client):
    """The same for asyncio and trio: calls that are awaited.

    ``transport`` and ``sleep`` are for tests.
    """

    def __init__(
        self,
        connection: Connection,
        behaviour: Behaviour,
        *,
        transport: "httpx.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        import anyio
        import httpx

        super().__init__(connection, behaviour)
        self._sleep = sleep or anyio.sleep
        self._in_thread = anyio.to_thread.run_sync
        self._http = httpx.AsyncClient(transport=transport, **self._settings())

    async def call[Reply](
        self, route: Route[Reply], arguments: Arguments, **options: Unpack[ChangeOptions]
    ) -> Reply:
        """Carry out one operation; the methods named after operations are made of this."""
        return _read(route, await self._carry_out(self._begin(route, arguments, options)))

    async def send_to(
        self, method: str, url: str, headers: "Mapping[str, str]", content: "AsyncIterable[bytes]"
    ) -> Answer | Lost:
        """``Caller.send_to``, awaited."""
        try:
            request = self._http.build_request(method, url, headers=headers, content=content)
            return _answer(await self._http.send(request))
        except self._lost as error:
            return Lost(type(error).__name__)

    async def close(self) -> None:
        """Close the connections; the client cannot be used after that."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        await self.close()

    async def _carry_out(self, steps: Exchange) -> Answer:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return _answered(done.value)
            outcome = await self._do(step)

    async def _do(self, step: Step) -> Outcome:
        match step:
            case Send():
                try:
                    return _answer(await self._http.request(**self._parts(step)))
                except self._lost as error:
                    return Lost(type(error).__name__)
            case Pause():
                await self._sleep(step.seconds)
                return None
            case Token() if isinstance(self._connection.credentials, StaticToken):
                return self._token(step.refused)
            case Token():
                # Credentials may ask an issuer, and wait for it.
                return await self._in_thread(self._token, step.refused)


class _HttpSettings(TypedDict):
    timeout: "httpx.Timeout"
    limits: "httpx.Limits"
    headers: dict[str, str]


class _RequestParts(TypedDict):
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None


def _answer(response: "httpx.Response") -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    answer = Answer(response.status_code, headers, response.content)
    # A response has its stream and the stream its response: the request's content, 4 MiB of a
    # batch, would wait for the garbage collector. It has been read and is not needed any more.
    del response.stream
    return answer


def _answered(value: object) -> Answer:
    assert isinstance(value, Answer), "what an exchange returns"
    return value


def _read[Reply](route: Route[Reply], answer: Answer) -> Reply:
    from datavault.client.replies import reply_of

    return reply_of(route, answer)
