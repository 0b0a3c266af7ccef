"""Uploads and waiting, for code that waits."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Unpack

from datavault.client.blocking import Operations
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
from datavault.client.uploads.sources import Files, LocalFile, Part, Pipe, Source
from datavault.client.uploads.tally import Tally, nothing, sent_files
from datavault.client.uploads.waiting import OnJob, require_succeeded, watched

if TYPE_CHECKING:
    from datavault.client.routes import CallOptions
    from datavault.contracts.jobs import JobReply
    from datavault.contracts.uploads import PartReply, SentPart, UploadReply


class Transfers(Operations):
    """Files in, and the jobs that take them in."""

    def upload_file(
        self,
        dataset_id: str,
        path: str | Path,
        *,
        upload_id: str | None = None,
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """Upload a file of up to 5 TiB in parts, straight to S3, and ask for the job that reads it.

        ``in_flight`` parts go at once, each with its SHA-256, which S3 verifies. What the file is,
        its content says, unless ``format`` does; ``name`` is how the file is called. The job that
        comes back goes on by itself: see ``wait_for_job``.

        **To resume** within 24 hours give the ``upload_id`` that ``on_progress`` was told, or that
        the error has: parts that have arrived are compared and not sent again, and an upload that
        is completed gives its job. ``on_progress`` is called first when the upload has begun, then
        after each part, in the calling thread.

        Raises:
            UploadMismatch: parts that have arrived are not those of this file.
            UploadStopped: it could not go on; ``__cause__`` says why, ``upload_id`` resumes it.
        """
        file = LocalFile.at(Path(path), name=wanted.pop("name", None))
        wanted["name"] = file.name
        return self._upload(dataset_id, Files([file]), upload_id, in_flight, on_progress, wanted)

    def upload_files(
        self,
        dataset_id: str,
        files: Sequence[LocalFile],
        *,
        upload_id: str | None = None,
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """``upload_file`` of up to 20,000 files, which one commit takes in.

        They go one behind the other: many small ones are a few parts.
        """
        return self._upload(dataset_id, Files(files), upload_id, in_flight, on_progress, wanted)

    def upload_stream(
        self,
        dataset_id: str,
        stream: BinaryIO,
        *,
        head: bytes = b"",
        in_flight: int = 4,
        on_progress: OnUploadProgress = nothing,
        **wanted: Unpack[Wanted],
    ) -> "JobReply":
        """``upload_file`` of a pipe, behind ``head``; it cannot be resumed.

        Memory holds twice ``in_flight`` parts of ``part_bytes``: 16 MiB, enough for 160 GB,
        unless more is asked for.
        """
        source = Pipe(stream, head=head)
        return self._upload(dataset_id, source, None, in_flight, on_progress, wanted)

    def wait_for_job(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        on_progress: OnJob = nothing,
        **options: "Unpack[CallOptions]",
    ) -> "JobReply":
        """The job when it has succeeded; asked for every five seconds at the least.

        Raises:
            JobFailed, JobCancelled: it ended in another way.
            JobUnfinished: it had not ended after ``timeout_s``.
        """
        steps = watched(job_id, timeout_s, self._behaviour.clock)
        next(steps)
        while True:
            job = self.get_job(job_id, **options)
            on_progress(job)
            pause_s = steps.send(job)
            if pause_s is None:
                return require_succeeded(job)
            self._sleep(pause_s)

    def _upload(
        self,
        dataset_id: str,
        source: Source,
        upload_id: str | None,
        in_flight: int,
        on_progress: OnUploadProgress,
        wanted: Wanted,
    ) -> "JobReply":
        if upload_id is None:
            begun: UploadReply = self.create_upload(
                dataset_id, size=source.size, checksums=(), **wanted
            )
        else:
            begun = self.get_upload(upload_id)
            if begun.job is not None:
                return self.get_job(begun.job)
            require_same(begun, source)
        tally = Tally(begun, source.size, on_progress)
        threads = ThreadPoolExecutor(in_flight, thread_name_prefix="datavault-upload")
        try:
            claims = self._send_all(source, tally, in_flight, threads)
            return self.complete_upload(begun.id, parts=claims, files=sent_files(source))
        except UploadStopped:
            raise
        except (VaultClientError, OSError) as error:
            raise UploadStopped(str(error), upload_id=begun.id) from error
        finally:
            # Nothing is on its way, but after an interruption; then nobody waits for it.
            threads.shutdown(wait=False, cancel_futures=True)

    def _send_all(
        self, source: Source, tally: Tally, in_flight: int, threads: ThreadPoolExecutor
    ) -> "list[SentPart]":
        claims: dict[int, SentPart] = {}
        waiting: dict[Future[SentPart], Part] = {}
        ahead = min(WINDOW_MAX, in_flight * source.ahead_max)

        def take(most: int) -> None:
            """Wait until no more than ``most`` parts are on their way."""
            while len(waiting) > most:
                ended = wait(waiting, return_when=FIRST_COMPLETED).done
                # In order, so that of those that failed meanwhile the first is told.
                for future in sorted(ended, key=lambda each: waiting[each].number):
                    part = waiting.pop(future)
                    claims[part.number] = future.result()
                    tally.sent(part)

        try:
            for parts, places, ask in self._windows(source, tally.upload, ahead):
                for part in parts:
                    place = places[part.number]
                    there = landed(tally.upload.id, part, place)
                    if there is not None:
                        claims[part.number] = there
                        tally.there(part)
                        continue
                    steps = sending(part, place, self._behaviour.retries, self._behaviour.budget)
                    waiting[threads.submit(self._send, steps, ask)] = part
                take(ahead)
            take(0)
        finally:
            for future in waiting:
                future.cancel()
        return [claims[number] for number in sorted(claims)]

    def _windows(
        self, source: Source, upload: "UploadReply", count: int
    ) -> "Iterator[tuple[list[Part], dict[int, PartReply], Callable[[Part], PartReply]]]":
        """Parts that are ready, a window at a time, where each goes, and how to ask that again."""
        cursor: str | None = None
        first = 1
        while True:
            numbers = range(first, min(first + count, PARTS_MAX + 1))
            made = [source.part(number, upload.part_bytes) for number in numbers]
            parts = [part for part in made if part is not None]
            if not parts:
                return
            listed = self.list_upload_parts(
                upload.id, limit=count, cursor=cursor, checksum=checksums_of(parts)
            )
            page = cursor

            def ask(part: Part, page: str | None = page) -> "PartReply":
                again = self.list_upload_parts(
                    upload.id, limit=count, cursor=page, checksum=checksums_of([part])
                )
                return next(each for each in again.data if each.number == part.number)

            yield parts, {each.number: each for each in listed.data}, ask
            cursor = listed.pagination.next_cursor
            if cursor is None or numbers[-1] == PARTS_MAX:
                require_end(upload, source.part(numbers[-1] + 1, upload.part_bytes))
                return
            first += count

    def _send(self, steps: "Sending", ask: "Callable[[Part], PartReply]") -> "SentPart":
        outcome: Answer | Lost | PartReply | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return arrived(done.value)
            match step:
                case Put():
                    outcome = self._put(step)
                case Pause():
                    self._sleep(step.seconds)
                    outcome = None
                case Renew():
                    outcome = ask(step.part)

    def _put(self, put: Put) -> Answer | Lost:
        return self.send_to("PUT", put.place.url or "", headers_of(put), put.part.content.chunks())
