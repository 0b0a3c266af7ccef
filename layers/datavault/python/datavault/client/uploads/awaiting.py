"""Uploads and waiting, for asyncio and trio."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Unpack

from datavault.client.awaiting import AsyncOperations
from datavault.client.errors import UploadStopped, VaultClientError
from datavault.client.exchange import Pause
from datavault.client.messages import Answer, Lost
from datavault.client.uploads.parts import (
    PARTS_MAX,
    WINDOW_MAX,
    OnUploadProgress,
    Put,
    Renew,
    Sending,
    Wanted,
    arrived,
    checksums_of,
    headers_of,
    landed,
    require_end,
    require_same,
    sending,
)
from datavault.client.uploads.sources import Content, Files, LocalFile, Part, Pipe, Source
from datavault.client.uploads.tally import Tally, nothing, sent_files
from datavault.client.uploads.waiting import OnJob, require_succeeded, watched

if TYPE_CHECKING:
    from datavault.client.routes import CallOptions
    from datavault.contracts.jobs import JobReply
    from datavault.contracts.uploads import PartReply, SentPart, UploadReply


class AsyncTransfers(AsyncOperations):
    """``datavault.client.uploads.blocking.Transfers``, awaited; files are read in threads."""

    async def upload_file(
        self,
        dataset_id: str,
        path: str | Path,
        *,
        upload_id: str | None = None,
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """``Vault.upload_file``."""
        file = LocalFile.at(Path(path), name=wanted.pop("name", None))
        wanted["name"] = file.name
        source = Files([file])
        return await self._upload(dataset_id, source, upload_id, in_flight, on_progress, wanted)

    async def upload_files(
        self,
        dataset_id: str,
        files: Sequence[LocalFile],
        *,
        upload_id: str | None = None,
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """``Vault.upload_files``."""
        source = Files(files)
        return await self._upload(dataset_id, source, upload_id, in_flight, on_progress, wanted)

    async def upload_stream(
        self,
        dataset_id: str,
        stream: BinaryIO,
        *,
        head: bytes = b"",
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """``Vault.upload_stream``."""
        source = Pipe(stream, head=head)
        return await self._upload(dataset_id, source, None, in_flight, on_progress, wanted)

    async def wait_for_job(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        on_progress: OnJob = nothing,
        **options: "Unpack[CallOptions]",
    ) -> "JobReply":
        """``Vault.wait_for_job``."""
        steps = watched(job_id, timeout_s, self._behaviour.clock)
        next(steps)
        while True:
            job = await self.get_job(job_id, **options)
            on_progress(job)
            pause_s = steps.send(job)
            if pause_s is None:
                return require_succeeded(job)
            await self._sleep(pause_s)

    async def _upload(
        self,
        dataset_id: str,
        source: Source,
        upload_id: str | None,
        in_flight: int,
        on_progress: OnUploadProgress,
        wanted: Wanted,
    ) -> "JobReply":
        if upload_id is None:
            begun: UploadReply = await self.create_upload(
                dataset_id, size=source.size, checksums=(), **wanted
            )
        else:
            begun = await self.get_upload(upload_id)
            if begun.job is not None:
                return await self.get_job(begun.job)
            require_same(begun, source)
        tally = Tally(begun, source.size, on_progress)
        try:
            claims = await self._send_all(source, tally, in_flight)
            return await self.complete_upload(begun.id, parts=claims, files=sent_files(source))
        except UploadStopped:
            raise
        except (VaultClientError, OSError) as error:
            raise UploadStopped(str(error), upload_id=begun.id) from error

    async def _send_all(self, source: Source, tally: Tally, in_flight: int) -> "list[SentPart]":
        import anyio

        claims: dict[int, SentPart] = {}
        failures: list[VaultClientError | OSError] = []
        ahead = min(WINDOW_MAX, in_flight * source.ahead_max)
        # Twice what one window holds: the next is made ready while it is on its way.
        room, lanes = anyio.Semaphore(2 * ahead), anyio.Semaphore(in_flight)

        async def carry(
            part: Part, place: "PartReply", ask: "Callable[[Part], Awaitable[PartReply]]"
        ) -> None:
            try:
                async with lanes:
                    steps = sending(part, place, self._behaviour.retries, self._behaviour.budget)
                    claims[part.number] = await self._send(steps, ask)
                tally.sent(part)
            except (VaultClientError, OSError) as error:
                failures.append(error)  # Raised below: not as one of a group.
                tasks.cancel_scope.cancel()
            finally:
                room.release()

        async with anyio.create_task_group() as tasks:
            try:
                async for parts, places, ask in self._windows(source, tally.upload, ahead):
                    for part in parts:
                        place = places[part.number]
                        there = landed(tally.upload.id, part, place)
                        if there is not None:
                            claims[part.number] = there
                            tally.there(part)
                            continue
                        await room.acquire()
                        tasks.start_soon(carry, part, place, ask)
            except (VaultClientError, OSError) as error:
                failures.append(error)
                tasks.cancel_scope.cancel()
        if failures:
            raise failures[0]
        return [claims[number] for number in sorted(claims)]

    async def _windows(
        self, source: Source, upload: "UploadReply", count: int
    ) -> "AsyncIterator[tuple[list[Part], dict[int, PartReply], _Ask]]":
        """Parts that are ready, a window at a time, where each goes, and how to ask that again."""
        cursor: str | None = None
        first = 1
        while True:
            numbers = range(first, min(first + count, PARTS_MAX + 1))
            made = [
                await self._in_thread(source.part, number, upload.part_bytes) for number in numbers
            ]
            parts = [part for part in made if part is not None]
            if not parts:
                return
            listed = await self.list_upload_parts(
                upload.id, limit=count, cursor=cursor, checksum=checksums_of(parts)
            )
            page = cursor

            async def ask(part: Part, page: str | None = page) -> "PartReply":
                again = await self.list_upload_parts(
                    upload.id, limit=count, cursor=page, checksum=checksums_of([part])
                )
                return next(each for each in again.data if each.number == part.number)

            yield parts, {each.number: each for each in listed.data}, ask
            cursor = listed.pagination.next_cursor
            if cursor is None or numbers[-1] == PARTS_MAX:
                rest = await self._in_thread(source.part, numbers[-1] + 1, upload.part_bytes)
                require_end(upload, rest)
                return
            first += count

    async def _send(
        self, steps: "Sending", ask: "Callable[[Part], Awaitable[PartReply]]"
    ) -> "SentPart":
        outcome: Answer | Lost | PartReply | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return arrived(done.value)
            match step:
                case Put():
                    chunks = self._chunks(step.part.content)
                    outcome = await self.send_to(
                        "PUT", step.place.url or "", headers_of(step), chunks
                    )
                case Pause():
                    await self._sleep(step.seconds)
                    outcome = None
                case Renew():
                    outcome = await ask(step.part)

    async def _chunks(self, content: Content) -> AsyncIterator[bytes]:
        chunks = content.chunks()
        while piece := await self._in_thread(next, chunks, b""):
            yield piece


type _Ask = Callable[[Part], Awaitable[PartReply]]
