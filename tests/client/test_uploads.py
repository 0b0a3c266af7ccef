"""Uploads by the client: straight to the landing, resumable, and waited for."""

import io
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from datavault.client import AsyncVault, LocalFile, UploadProgress, Vault
from datavault.client.errors import (
    JobCancelled,
    JobFailed,
    JobUnfinished,
    UploadMismatch,
    UploadStopped,
)
from datavault.client.uploads import parts as sending
from tests.client.conftest import ENDPOINT
from tests.support.in_process import InProcessApi
from tests.support.jobs import run_started

MIB = 2**20
LINE = b'{"id":"%06d","text":"%s"}\n'


def text(count: int) -> bytes:
    return b"".join(LINE % (at, b"x" * 1000) for at in range(count))


class Landing(InProcessApi):
    """Lets ``fault`` answer a PUT of a part, by its number, instead of the landing."""

    def __init__(self, api: InProcessApi) -> None:
        super().__init__(api.vault)
        self.fault: Callable[[int], httpx.Response | None] = lambda _: None
        self.puts = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.puts += 1
            assert "authorization" not in request.headers
            answer = self.fault(self.puts)
            if answer is not None:
                return answer
        return super()._answer(request)


@pytest.fixture
def landing(api: InProcessApi) -> Landing:
    return Landing(api)


@pytest.fixture
def vault(landing: Landing, token_of: Callable[..., str]) -> Vault:
    def sleep(_: float) -> None:
        run_started(landing.vault)

    return Vault(endpoint=ENDPOINT, token=token_of(lifetime_s=9000), transport=landing, sleep=sleep)


@pytest.fixture
def dataset(vault: Vault) -> str:
    return vault.create_dataset(name="chats", record_key="id").id


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "may.ndjson"
    path.write_bytes(text(12_000))
    return path


def lines(vault: Vault, dataset: str) -> bytes:
    return b"".join(record.text + b"\n" for record in vault.iter_records(dataset))


def test_a_file_goes_in_parts_and_becomes_a_commit(vault: Vault, dataset: str, file: Path) -> None:
    told: list[UploadProgress] = []
    asked = vault.upload_file(
        dataset, file, part_bytes=5 * MIB, message="May", on_progress=told.append
    )
    size = file.stat().st_size
    assert (told[0].parts, told[0].sent) == (0, 0)
    assert (told[-1].parts, told[-1].sent, told[-1].size) == (3, size, size)
    done = vault.wait_for_job(asked.id)
    assert done.progress.records == 12_000
    assert done.commit is not None
    assert vault.get_commit(dataset, done.commit).message == "May"
    assert lines(vault, dataset) == file.read_bytes()


def test_an_empty_file_is_one_empty_part(
    vault: Vault, landing: Landing, dataset: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    done = vault.wait_for_job(vault.upload_file(dataset, tmp_path / "empty").id)
    assert (landing.puts, done.progress.records) == (1, 0)


def test_many_files_are_one_upload_and_one_commit(
    vault: Vault, landing: Landing, dataset: str, tmp_path: Path
) -> None:
    contents = {"a.jsonl": b'{"id":"a"}', "b.csv": b"id,n\nb,1\n", "c.json": b'[{"id":"c"}]'}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [LocalFile.at(tmp_path / name) for name in contents]
    done = vault.wait_for_job(vault.upload_files(dataset, files).id)
    assert lines(vault, dataset) == b'{"id":"a"}\n{"id":"b","n":"1"}\n{"id":"c"}\n'
    assert landing.puts == 1
    assert done.progress.bytes == sum(map(len, contents.values()))
    assert list(landing.vault.landing.list("")) == []


def test_a_pipe_is_held_a_few_parts_at_a_time(vault: Vault, dataset: str, file: Path) -> None:
    content = file.read_bytes()
    pipe = io.BytesIO(content[5:])
    asked = vault.upload_stream(
        dataset, pipe, head=content[:5], in_flight=1, part_bytes=5 * MIB, name="may.ndjson"
    )
    vault.wait_for_job(asked.id)
    assert lines(vault, dataset) == content


def test_a_pipe_that_is_too_long_for_its_parts_is_not_cut(
    vault: Vault, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datavault.client.uploads.blocking.PARTS_MAX", 2)
    pipe = io.BytesIO(bytes(10 * MIB + 1))
    with pytest.raises(UploadStopped, match=f"part_bytes: more than .* parts of {5 * MIB} bytes"):
        vault.upload_stream(dataset, pipe, in_flight=1, part_bytes=5 * MIB)


def test_an_upload_goes_on_with_the_parts_that_have_not_arrived(
    vault: Vault, landing: Landing, dataset: str, file: Path
) -> None:
    def refuse(number: int) -> httpx.Response | None:
        return httpx.Response(403) if number > 1 else None

    landing.fault = refuse
    with pytest.raises(UploadStopped, match="S3 refused part 2: 403") as stopped:
        vault.upload_file(dataset, file, part_bytes=5 * MIB, in_flight=1)
    landing.fault, landing.puts = lambda _: None, 0
    upload_id = stopped.value.upload_id
    told: list[UploadProgress] = []
    asked = vault.upload_file(dataset, file, upload_id=upload_id, on_progress=told.append)
    # The last part may have been on its way when the one before was refused.
    assert landing.puts in {1, 2}
    assert told[-1].there >= 5 * MIB
    assert told[-1].there + told[-1].sent == file.stat().st_size
    assert told[-1].upload_id == upload_id
    assert vault.upload_file(dataset, file, upload_id=upload_id).id == asked.id
    vault.wait_for_job(asked.id)
    assert lines(vault, dataset) == file.read_bytes()


@pytest.mark.parametrize("change", ["content", "size"])
def test_an_upload_does_not_go_on_with_another_file(
    vault: Vault, landing: Landing, dataset: str, file: Path, change: str
) -> None:
    landing.fault = lambda number: httpx.Response(403) if number > 1 else None
    with pytest.raises(UploadStopped) as stopped:
        vault.upload_file(dataset, file, part_bytes=5 * MIB, in_flight=1)
    landing.fault = lambda _: None
    content = file.read_bytes()
    file.write_bytes(b"[" + content[1:] if change == "content" else content + b"\n")
    with pytest.raises(UploadMismatch, match="part 1" if change == "content" else "bytes"):
        vault.upload_file(dataset, file, upload_id=stopped.value.upload_id)


@pytest.mark.parametrize("status", [500, 503, 400])
def test_a_part_is_sent_again(
    vault: Vault, landing: Landing, dataset: str, file: Path, status: int
) -> None:
    landing.fault = lambda number: httpx.Response(status) if number % 2 else None
    asked = vault.upload_file(dataset, file, in_flight=1)
    assert landing.puts == 2
    vault.wait_for_job(asked.id)


def test_a_part_whose_url_has_expired_gets_another(
    vault: Vault, landing: Landing, dataset: str, file: Path
) -> None:
    def expire(number: int) -> httpx.Response | None:
        if number == 1:
            landing.vault.clock.advance(3601)
        return None

    landing.fault = expire
    vault.upload_file(dataset, file)
    assert landing.puts == 2


def test_a_part_that_is_never_taken_ends_the_upload(
    vault: Vault, landing: Landing, dataset: str, file: Path
) -> None:
    landing.fault = lambda _: httpx.Response(503, content=b"<Code>SlowDown</Code>")
    with pytest.raises(UploadStopped, match="S3 refused part 1: 503 SlowDown"):
        vault.upload_file(dataset, file)
    assert landing.puts == 6


def test_a_file_that_shrinks_meanwhile_is_told(
    vault: Vault, landing: Landing, dataset: str, file: Path
) -> None:
    known = LocalFile("may", file, file.stat().st_size + 1)
    with pytest.raises(UploadStopped, match="is shorter now"):
        vault.upload_files(dataset, [known])


def test_a_window_has_no_more_checksums_than_a_list_of_parts_takes() -> None:
    from datavault.contracts.uploads import CHECKSUMS_IN_QUERY_MAX, FILES_MAX, PARTS_MAX
    from datavault.domain import bundles

    assert (sending.WINDOW_MAX, sending.PARTS_MAX) == (CHECKSUMS_IN_QUERY_MAX, PARTS_MAX)
    assert bundles.FILES_MAX == FILES_MAX


def test_how_a_job_ends_is_an_exception_unless_well(
    vault: Vault, landing: Landing, dataset: str, tmp_path: Path
) -> None:
    (tmp_path / "torn.ndjson").write_bytes(b'{"id":"a"}\n{torn\n')
    failed = vault.upload_file(dataset, tmp_path / "torn.ndjson")
    with pytest.raises(JobFailed, match="more than 0 records are bad") as ended:
        vault.wait_for_job(failed.id)
    assert (ended.value.job_id, ended.value.code) == (failed.id, "invalid")
    cancelled = vault.upload_file(dataset, tmp_path / "torn.ndjson")
    vault.cancel_job(cancelled.id)
    with pytest.raises(JobCancelled):
        vault.wait_for_job(cancelled.id)
    waiting = vault.upload_file(dataset, tmp_path / "torn.ndjson")
    with pytest.raises(JobUnfinished, match="queued still, after 0 s"):
        vault.wait_for_job(waiting.id, timeout_s=0)


def test_the_same_awaited(
    landing: Landing, vault: Vault, token_of: Callable[..., str], dataset: str, file: Path
) -> None:
    async def sleep(_: float) -> None:
        run_started(landing.vault)

    async def run() -> None:
        async with AsyncVault(
            endpoint=ENDPOINT, token=token_of(), transport=landing, sleep=sleep
        ) as there:
            landing.fault = lambda number: httpx.Response(403) if number > 1 else None
            with pytest.raises(UploadStopped, match="S3 refused part") as stopped:
                await there.upload_file(dataset, file, part_bytes=5 * MIB, in_flight=1)
            landing.fault = lambda number: httpx.Response(503) if number == 4 else None
            asked = await there.upload_file(dataset, file, upload_id=stopped.value.upload_id)
            await there.wait_for_job(asked.id)
            with file.open("rb") as pipe:
                again = await there.upload_stream(dataset, pipe, part_bytes=5 * MIB, in_flight=1)
            assert (await there.wait_for_job(again.id)).progress.stored == 0

    anyio.run(run)
    assert lines(vault, dataset) == file.read_bytes()
