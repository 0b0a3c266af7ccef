"""``Vault`` and ``AsyncVault``: every operation as a method, and streams on top of them."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from datavault.client.awaiting import AsyncOperations
from datavault.client.blocking import Operations
from datavault.client.caller import Behaviour
from datavault.client.credentials import Credentials, StaticToken
from datavault.client.profiles import connection

if TYPE_CHECKING:
    import httpx


class Vault(Operations):
    """A vault, for code that waits. Safe to share between threads; one pool of connections.

    ::

        with Vault(endpoint="https://vault.example", token=token) as vault:
            dataset = vault.create_dataset(name="chats", record_key="id")
            vault.append_records_as_lines(dataset.id, b'{"id":"a","text":"hello"}')
            commit = vault.create_commit(dataset.id, message="First")
            for record in vault.iter_records(dataset.id, ref=commit.id):
                print(record.id, record.data, record.text)

    Values of the path come first, everything else by name. Without arguments, endpoint and
    credentials come from the environment or a profile file (``datavault.client.profiles``).
    What went wrong is an exception of ``datavault.client.errors``.

    ``behaviour`` sets retries, timeouts and connections; ``transport`` and ``sleep`` are for
    tests.

    Raises:
        NotConfigured: nothing says where the vault is.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        credentials: Credentials | None = None,
        profile: str | None = None,
        behaviour: Behaviour | None = None,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        found = connection(endpoint=endpoint, credentials=_who(token, credentials), profile=profile)
        super().__init__(found, behaviour or Behaviour(), transport=transport, sleep=sleep)


class AsyncVault(AsyncOperations):
    """The same for asyncio and trio: calls are awaited, iterators are asynchronous.

    ::

        async with AsyncVault() as vault:
            async for record in vault.iter_records(dataset_id, ref="main"):
                print(record.id)
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        credentials: Credentials | None = None,
        profile: str | None = None,
        behaviour: Behaviour | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        found = connection(endpoint=endpoint, credentials=_who(token, credentials), profile=profile)
        super().__init__(found, behaviour or Behaviour(), transport=transport, sleep=sleep)


def _who(token: str | None, credentials: Credentials | None) -> Credentials | None:
    if token is not None and credentials is not None:
        raise ValueError("give a token or credentials, not both")
    return credentials if token is None else StaticToken(token)
