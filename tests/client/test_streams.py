"""Streams of lines: order, resuming, full branches, bad lines; on the real handlers."""

import gc
import io
import json
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import anyio
import httpx
import pytest

from datavault.client import NO_RETRIES, AsyncVault, Behaviour, Checkpoint, Progress, Vault, errors
from datavault.client.streams import batches
from datavault.client.streams.batches import Cutter
from datavault.contracts.wire import LIMIT_MAX
from datavault.domain import keyspace, refs, staging
from datavault.domain.datasets import DEFAULT_BRANCH
from datavault.domain.ids import BranchId, WorkspaceId, parse_dataset_id
from datavault.domain.rows import Update
from tests.client.conftest import ENDPOINT
from tests.support.in_process import InProcessApi


def numbered(count: int, *, start: int = 0) -> list[bytes]:
    return [b'{"id":"k%06d","n":%d}\n' % (n, n) for n in range(start, start + count)]


@pytest.fixture
def dataset_id(vault: Vault) -> str:
    return vault.create_dataset(name="chats", record_key="id").id


@pytest.fixture
def keyless_id(vault: Vault) -> str:
    return vault.create_dataset(name="notes").id


class Cut(httpx.BaseTransport):
    """Loses every answer from the ``nth`` request on, as the end of a process does.

    The request that is cut off is carried out and its answer lost; later ones never arrive.
    """

    def __init__(self, api: InProcessApi, *, nth: int) -> None:
        self.api = api
        self.left = nth

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.left -= 1
        if self.left < 0:
            raise httpx.ConnectError("gone")
        answer = self.api.handle_request(request)
        if self.left == 0:
            raise httpx.ReadError("gone")
        return answer


def test_a_batch_is_what_an_append_takes() -> None:
    assert batches.BATCH_RECORDS_MAX == staging.BATCH_RECORDS_MAX == LIMIT_MAX
    assert batches.BATCH_BYTES_MAX == staging.BATCH_BYTES_MAX


def test_a_file_is_appended_whole_and_byte_for_byte(vault: Vault, dataset_id: str) -> None:
    lines = numbered(2500)
    told: list[Progress] = []
    done = vault.append_stream(dataset_id, io.BytesIO(b"".join(lines)), on_progress=told.append)
    assert (done.records, done.batches, done.commits) == (2500, 3, ())
    assert done.checkpoint == Checkpoint(3, 2500, sum(map(len, lines)))
    assert [each + b"\n" for each in vault.iter_records_as_lines(dataset_id)] == lines
    assert [each.batches for each in told] == [1, 2, 3]
    assert told[-1].checkpoint == done.checkpoint
    assert sorted(i for each in told for i in each.reply.ids) == [f"k{n:06}" for n in range(2500)]


def test_blank_lines_and_a_missing_last_line_end_are_no_records(
    vault: Vault, dataset_id: str
) -> None:
    source = io.BytesIO(b'\n{"id":"a"}\r\n \n\n{"id":"b"}')
    done = vault.append_stream(dataset_id, source)
    assert (done.records, done.checkpoint.lines) == (2, 5)
    assert list(vault.iter_records_as_lines(dataset_id)) == [b'{"id":"a"}', b'{"id":"b"}']


def test_nothing_is_a_stream_too(vault: Vault, dataset_id: str) -> None:
    done = vault.append_stream(dataset_id, [])
    assert (done.records, done.batches) == (0, 0)


@pytest.mark.parametrize("in_flight", [1, 4])
def test_of_equal_ids_the_last_line_wins(vault: Vault, dataset_id: str, in_flight: int) -> None:
    # Each id five times: within what would be one batch, and in batches that follow each other.
    lines = [b'{"id":"%d","n":%d}' % (n % 300, n) for n in range(1500)]
    lines += [b'{"id":%d,"n":%d}' % (n % 300, n) for n in range(1500, 2100)]
    vault.append_stream(dataset_id, lines, in_flight=in_flight)
    found = {record.id: record.data["n"] for record in vault.iter_records(dataset_id)}
    assert found == {str(n % 300): n for n in range(2100)}


@pytest.mark.parametrize("nth", [2, 3, 4, 5])
def test_a_run_that_was_cut_off_is_resumed_without_doubling(
    vault: Vault, api: InProcessApi, token_of: Callable[..., str], keyless_id: str, nth: int
) -> None:
    lines = [b'{"n":%d}' % n for n in range(3500)]
    behaviour = Behaviour(retries=NO_RETRIES)
    with (
        Vault(
            endpoint=ENDPOINT,
            token=token_of(),
            transport=Cut(api, nth=nth),
            behaviour=behaviour,
        ) as cut,
        pytest.raises(errors.StreamStopped) as raised,
    ):
        cut.append_stream(keyless_id, lines, run="import-1")
    stopped = raised.value
    assert stopped.run == "import-1"
    assert isinstance(stopped.__cause__, errors.ConnectionFailed)
    assert stopped.checkpoint.lines in {0, 1000, 2000, 3000}
    # Somebody commits in between; what is done stays done.
    vault.create_commit(keyless_id)
    done = vault.append_stream(
        keyless_id, lines[stopped.checkpoint.lines :], run="import-1", start=stopped.checkpoint
    )
    assert done.checkpoint.lines == 3500
    vault.append_stream(keyless_id, lines, run="import-1")
    found = Counter(record.data["n"] for record in vault.iter_records(keyless_id))
    assert found == Counter(range(3500))


def test_other_lines_under_the_same_name_are_refused(vault: Vault, keyless_id: str) -> None:
    vault.append_stream(keyless_id, [b'{"n":1}'], run="import-1")
    with pytest.raises(errors.StreamStopped) as raised:
        vault.append_stream(keyless_id, [b'{"n":2}'], run="import-1")
    assert isinstance(raised.value.__cause__, errors.Conflict)


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_bad_line_is_named_by_its_place_in_the_stream(
    vault: Vault, dataset_id: str, in_flight: int
) -> None:
    lines = [b"\n", *numbered(2500)]
    lines[2222] = b'{"id":"secret-7", oops}\n'
    with pytest.raises(errors.BadLine) as raised:
        vault.append_stream(dataset_id, lines, in_flight=in_flight)
    assert raised.value.line == 2223
    assert "secret-7" not in str(raised.value)
    assert raised.value.checkpoint == Checkpoint(2, 2001, sum(map(len, lines[:2001])))
    assert len(list(vault.iter_records_as_lines(dataset_id))) == 2000


def test_a_line_that_no_batch_can_carry_is_named(vault: Vault, dataset_id: str) -> None:
    long = b'{"id":"b","t":"%s"}\n' % (b"x" * batches.BATCH_BYTES_MAX)
    with pytest.raises(errors.BadLine, match=r"line 2: a record has at most") as raised:
        vault.append_stream(dataset_id, io.BytesIO(b'{"id":"a"}\n' + long))
    assert raised.value.line == 2
    with pytest.raises(errors.BadLine, match="one record at a time"):
        vault.append_stream(dataset_id, [b'{"id":"a"}\n{"id":"b"}'])
    with pytest.raises(TypeError, match="binary mode"):
        vault.append_stream(dataset_id, io.StringIO('{"id":"a"}'))  # type: ignore[arg-type]


def leave_room(api: InProcessApi, workspace: WorkspaceId, dataset_id: str, records: int) -> None:
    """Let the branch count all that it can hold until the next commit but for ``records``."""
    catalog = api.vault.catalog
    key = keyspace.branch(workspace, parse_dataset_id(dataset_id), DEFAULT_BRANCH)
    branch = catalog.get_many([key])[key]
    head = refs.head_keys(BranchId(branch.text("id")))[0]
    counted = {"records_0": staging.GENERATION_RECORDS_MAX - records}
    catalog.write([Update(head, add=counted)], token="full")


def test_a_full_branch_stops_a_stream(
    vault: Vault, dataset_id: str, api: InProcessApi, workspace: WorkspaceId
) -> None:
    leave_room(api, workspace, dataset_id, 2000)
    with pytest.raises(errors.StreamStopped) as raised:
        vault.append_stream(dataset_id, numbered(5000), in_flight=1)
    assert isinstance(raised.value.__cause__, errors.StagingFull)
    assert 1000 < raised.value.checkpoint.lines < 5000


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_full_branch_is_committed_when_asked(
    vault: Vault, dataset_id: str, api: InProcessApi, workspace: WorkspaceId, in_flight: int
) -> None:
    leave_room(api, workspace, dataset_id, 2000)
    lines = numbered(5000)
    done = vault.append_stream(
        dataset_id, lines, in_flight=in_flight, commit_when_full="A part of it"
    )
    assert done.records == 5000
    assert len(done.commits) >= 1
    assert [each + b"\n" for each in vault.iter_records_as_lines(dataset_id)] == lines
    messages = [commit.message for commit in vault.iter_commits(dataset_id)]
    assert messages[: len(done.commits)] == ["A part of it"] * len(done.commits)


def test_the_same_lines_after_the_same_place_make_the_same_batches() -> None:
    def cut(lines: list[bytes], start: Checkpoint) -> list[batches.Batch]:
        cutter = Cutter("id", start)
        return [batch for line in lines for batch in cutter.add(line)] + list(cutter.rest())

    lines = [b'{"id":"%d"}\n' % (n % 700) for n in range(5000)]
    lines[100:150] = [b'{"id":"big%d","t":"%s"}\n' % (n, b"x" * 300_000) for n in range(50)]
    whole = cut(lines, Checkpoint())
    assert max(len(each.content) for each in whole) <= batches.BATCH_BYTES_MAX + 1000
    assert len(whole) >= 10
    for index, batch in enumerate(whole):
        assert cut(lines[batch.end.lines :], batch.end) == whole[index + 1 :]
        assert batch.end.size_bytes == sum(map(len, lines[: batch.end.lines]))


class Endless(io.RawIOBase):
    """A pipe that goes on for ever, without a line end."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_a_line_without_end_is_not_read_to_its_end(vault: Vault, dataset_id: str) -> None:
    with pytest.raises(errors.BadLine):
        vault.append_stream(dataset_id, io.BufferedReader(Endless()))


def test_a_stream_is_read_no_faster_than_it_is_appended(vault: Vault, dataset_id: str) -> None:
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        for line in numbered(20_000):
            read += 1
            yield line

    ahead: list[int] = []

    def watch(progress: Progress) -> None:
        ahead.append(read - progress.records)

    vault.append_stream(dataset_id, lines(), in_flight=2, on_progress=watch)
    assert max(ahead) <= 5 * batches.BATCH_RECORDS_MAX


def test_memory_holds_a_few_batches_however_long_the_stream(
    vault: Vault, api: InProcessApi, dataset_id: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return api.handle_request(request)
        reply = {"branch": "main", "count": 1, "ids": ["k"], "_links": {}}
        return httpx.Response(201, json=reply)

    token = api.requests[0].headers["Authorization"].removeprefix("Bearer ")
    lines = (b'{"id":"%d","t":"%s"}\n' % (n, b"x" * 2**20) for n in range(200))
    # Without the collector: what is done with is to be gone at once.
    gc.disable()
    tracemalloc.start()
    try:
        with Vault(
            endpoint=ENDPOINT, token=token, transport=httpx.MockTransport(answer)
        ) as streaming:
            done = streaming.append_stream(dataset_id, lines, in_flight=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert done.checkpoint.size_bytes > 200 * 2**20
    assert peak < 60 * 2**20


@pytest.mark.parametrize("asynchronous", [False, True])
def test_streams_are_awaited_too(
    api: InProcessApi, vault: Vault, token_of: Callable[..., str], asynchronous: bool
) -> None:
    dataset_id = vault.create_dataset(name="chats", record_key="id").id
    lines = numbered(2500)

    async def later() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    async def main() -> None:
        async with AsyncVault(endpoint=ENDPOINT, token=token_of(), transport=api) as awaited:
            source = later() if asynchronous else io.BytesIO(b"".join(lines))
            done = await awaited.append_stream(dataset_id, source)
            assert (done.records, done.batches) == (2500, 3)
            with pytest.raises(errors.BadLine) as raised:
                await awaited.append_stream(dataset_id, [b'{"id":"a"}', b"{}"])
            assert raised.value.line == 2
            found = [line async for line in awaited.iter_records_as_lines(dataset_id)]
            assert [json.loads(line) for line in found] == [json.loads(line) for line in lines]

    anyio.run(main)
