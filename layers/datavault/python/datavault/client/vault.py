"""``Vault`` and ``AsyncVault``: every operation as a method, and streams on top of them."""

import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Unpack

from datavault.client.caller import Behaviour
from datavault.client.checkpoint import Checkpoint
from datavault.client.credentials import Credentials, StaticToken
from datavault.client.profiles import connection
from datavault.client.routes import CallOptions
from datavault.client.streams.plan import BEGINNING, OnProgress, checked_plan, nothing
from datavault.client.streams.report import Appended
from datavault.client.uploads.awaiting import AsyncTransfers
from datavault.client.uploads.blocking import Transfers

if TYPE_CHECKING:
    import httpx


class Vault(Transfers):
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

    def append_stream(
        self,
        dataset_id: str,
        lines: Iterable[bytes],
        *,
        branch: str = "main",
        run: str | None = None,
        start: Checkpoint = BEGINNING,
        in_flight: int = 4,
        commit_when_full: str | None = None,
        on_progress: OnProgress = nothing,
        **options: Unpack[CallOptions],
    ) -> Appended:
        """Append a binary file, or any iterable of lines, of any length: NDJSON, one record a line.

        Lines go in batches of at most 1000 records and 4 MiB, ``in_flight`` at once; memory holds
        those and one more. Each line is kept byte for byte; blank ones are passed over. The branch
        ends as if the lines had been appended one by one: of equal ids the last line wins.

        **To resume** after a crash, give the stream a name of your own as ``run`` (1 to 100
        visible characters) and repeat it with that: batches are cut in the same places and named
        by run and number, so that for 24 hours none is stored twice, also where ids are assigned.
        ``start`` leaves out what is done: a ``checkpoint`` of a progress, report or error, with
        ``lines`` going on behind it (``file.seek(checkpoint.size_bytes)``). If other lines come
        under the same name, the first batch that differs is refused as a ``Conflict``.

        **A full branch** (50,000 records or 128 MiB staged) stops the stream, unless
        ``commit_when_full`` is the message of commits to be made then. They take in whatever is
        staged on the branch, also by others, and of two streams that find it full one commits for
        both. What is left at the end is yours to commit.

        ``on_progress`` is called after each batch, in the calling thread.

        Raises:
            BadLine: a line is no record; nothing of its batch is stored.
            StreamStopped: it could not go on; ``__cause__`` says why, ``checkpoint`` where.
        """
        from datavault.client.streams.running import run_with_threads

        plan = checked_plan(
            run=run,
            record_key=self.describe_dataset(dataset_id, **options).record_key,
            start=start,
            in_flight=in_flight,
            commits=commit_when_full is not None,
        )
        return run_with_threads(
            plan,
            lines,
            append=lambda content, key: self.append_records_as_lines(
                dataset_id, content, branch=branch, idempotency_key=key, **options
            ),
            commit=lambda: (
                self.create_commit(
                    dataset_id, branch=branch, message=commit_when_full or "", **options
                ).id
            ),
            on_progress=on_progress,
        )


class AsyncVault(AsyncTransfers):
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

    async def append_stream(
        self,
        dataset_id: str,
        lines: Iterable[bytes] | AsyncIterable[bytes],
        *,
        branch: str = "main",
        run: str | None = None,
        start: Checkpoint = BEGINNING,
        in_flight: int = 4,
        commit_when_full: str | None = None,
        on_progress: OnProgress = nothing,
        **options: Unpack[CallOptions],
    ) -> Appended:
        """``Vault.append_stream``; lines may come from an asynchronous iterable too.

        Files and other iterables are read in a thread.
        """
        from datavault.client.streams.running import run_with_tasks

        described = await self.describe_dataset(dataset_id, **options)
        plan = checked_plan(
            run=run,
            record_key=described.record_key,
            start=start,
            in_flight=in_flight,
            commits=commit_when_full is not None,
        )

        async def commit() -> str:
            made = await self.create_commit(
                dataset_id, branch=branch, message=commit_when_full or "", **options
            )
            return made.id

        return await run_with_tasks(
            plan,
            lines,
            append=lambda content, key: self.append_records_as_lines(
                dataset_id, content, branch=branch, idempotency_key=key, **options
            ),
            commit=commit,
            on_progress=on_progress,
        )


def _who(token: str | None, credentials: Credentials | None) -> Credentials | None:
    if token is not None and credentials is not None:
        raise ValueError("give a token or credentials, not both")
    return credentials if token is None else StaticToken(token)
