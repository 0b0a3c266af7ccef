"""Uploads: parts come in, become one job, and leave nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.access import Role
from datavault.domain.bundles import BundledFile
from datavault.domain.errors import Conflict, Denied, Invalid, NotFound, TooLarge, Unavailable
from datavault.domain.ids import BranchName, UploadId, new_id
from datavault.domain.jobs import Failure, Job, JobState, Tally
from datavault.domain.landing import PartClaim
from datavault.domain.papers import JobInput
from datavault.domain.rows import Put, Table
from datavault.domain.uploads import (
    PART_BYTES_DEFAULT,
    PART_BYTES_MAX,
    PART_BYTES_MIN,
    UPLOAD_BYTES_MAX,
    UPLOAD_MS,
    Parts,
    UploadPart,
    UploadState,
    plan_parts,
)
from datavault.services.datasets.changes import archive_dataset
from datavault.services.ingest.sweep import RUN_MS_MAX, SweptUploads, sweep_uploads
from datavault.services.ingest.uploads import get_upload, list_upload_parts
from datavault.services.job_steps import end_job
from datavault.services.keys import open_store
from datavault.services.papers import read_paper
from tests.simulation.model import rows_of
from tests.support.builders import MAIN, Shelf, a_request
from tests.support.chaos import ChaosVault, Crash, Fault, Once
from tests.support.uploads import PART, abort, complete, create, send_all, wanted

CONTENT = [b"a" * PART, b"b" * PART, b"c"]
SIZE = 2 * PART + 1


@pytest.fixture
def vault() -> MemoryVault:
    vault = MemoryVault()
    vault.landing.part_bytes_min = PART
    return vault


@pytest.fixture
def shelf(vault: MemoryVault) -> Shelf:
    return Shelf.make(vault)


def the_input(shelf: Shelf, job: Job) -> JobInput:
    keys = open_store(shelf.vault, shelf.dataset)
    return read_paper(shelf.vault, keys, job.id, "input", JobInput)


def size_of(shelf: Shelf, job: Job) -> int:
    (source,) = the_input(shelf, job).sources
    return source.size


def queued(shelf: Shelf) -> int:
    rows = rows_of(shelf.vault.catalog, Table.STAGING)
    return sum(row.key.partition.startswith("landing-due/") for row in rows)


def test_a_file_in_parts_becomes_a_job_that_reads_it(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    job = complete(shelf, offer.upload.id, send_all(shelf, offer, CONTENT))
    assert (job.state, job.branch, job.tally) == (JobState.QUEUED, MAIN, Tally())
    (source,) = the_input(shelf, job).sources
    assert source.name == wanted().sources[0].name
    assert vault.landing.read(vault.landing.head(source.key), 0, SIZE) == b"".join(CONTENT)
    assert vault.landing.head(source.key).etag == source.etag
    (started,) = vault.workflows.started
    assert (started.machine, started.name) == ("ingest_objects", job.id)
    found = get_upload(vault, caller=shelf.caller, upload_id=offer.upload.id)
    assert (found.state, found.job) == (UploadState.COMPLETED, job.id)


def test_the_last_part_is_as_long_as_what_is_left(shelf: Shelf) -> None:
    sizes = [part.size for part in create(shelf, SIZE).first_parts]
    assert sizes == [PART, PART, 1]


def test_an_empty_file_is_one_empty_part(shelf: Shelf) -> None:
    offer = create(shelf, 0)
    assert [part.size for part in offer.first_parts] == [0]
    assert size_of(shelf, complete(shelf, offer.upload.id, send_all(shelf, offer, [b""]))) == 0


def test_nothing_that_names_the_file_is_in_the_clear(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    complete(shelf, offer.upload.id, send_all(shelf, offer, CONTENT))
    rows = [row for table in Table for row in rows_of(vault.catalog, table)]
    assert not [row for row in rows if "jane" in str(row)]
    assert not [key for key in vault.objects.keys("") if b"jane" in vault.objects.get(key)]
    assert "jane" not in str(vault.workflows.started)


def test_completing_again_gives_the_same_job(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    jobs = [
        complete(shelf, offer.upload.id, claims, request=request)
        for request in (a_request("one"), a_request("one"), a_request("two"), None)
    ]
    assert {job.id for job in jobs} == {jobs[0].id}
    assert len(vault.workflows.started) == 1


def test_what_a_crash_left_is_completed_with_the_same_files_only(
    shelf: Shelf, vault: MemoryVault
) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    one, other = (
        [BundledFile("a.txt", first), BundledFile("b.txt", SIZE - first)] for first in (5, 6)
    )
    written: list[str] = []

    def schedule(port: str, method: str) -> Fault:
        if written:
            return Fault.CRASH_BEFORE
        if (port, method) == ("objects", "put"):
            written.append(method)
        return Fault.NONE

    with pytest.raises(Crash):
        complete(
            replace(shelf, vault=ChaosVault(vault, schedule)), offer.upload.id, claims, files=one
        )
    with pytest.raises(Conflict, match="other files"):
        complete(shelf, offer.upload.id, claims, files=other)
    assert vault.workflows.started == []
    job = complete(shelf, offer.upload.id, claims, files=one)
    assert [source.size for source in the_input(shelf, job).sources] == [5, SIZE - 5]


def test_creating_again_under_one_key_gives_the_same_upload(
    shelf: Shelf, vault: MemoryVault
) -> None:
    offers = [create(shelf, SIZE, request=a_request("one")) for _ in range(2)]
    assert offers[0].upload == offers[1].upload
    assert len(vault.landing.uploads) == 1
    assert len(offers[1].first_parts) == 3


def test_an_upload_is_resumed_by_listing_its_parts(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    signed = offer.first_parts[1].signed
    assert signed is not None
    vault.landing.send(signed, CONTENT[1])
    found: list[UploadPart] = []
    cursor = None
    for _ in range(2):
        page = list_upload_parts(
            vault,
            caller=shelf.caller,
            upload_id=offer.upload.id,
            checksums={},
            limit=2,
            cursor=cursor,
        )
        found += page.items
        cursor = page.next_cursor
    assert cursor is None
    assert [(part.number, part.landed is not None) for part in found] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    assert [part.signed is None for part in found] == [False, True, False]


def test_a_file_of_unknown_size_has_parts_up_to_ten_thousand(shelf: Shelf) -> None:
    offer = create(shelf, None)
    assert len(offer.first_parts) == 100
    page = list_upload_parts(
        shelf.vault,
        caller=shelf.caller,
        upload_id=offer.upload.id,
        checksums={},
        limit=1000,
        cursor=None,
    )
    assert len(page.items) == 1000
    assert page.next_cursor is not None
    job = complete(shelf, offer.upload.id, send_all(shelf, offer, CONTENT))
    assert size_of(shelf, job) == SIZE


def test_of_a_checked_upload_only_parts_with_a_checksum_are_signed(shelf: Shelf) -> None:
    digests = [sha256(content).digest() for content in CONTENT]
    offer = create(shelf, SIZE, checksums=digests[:1])
    assert [part.signed is None for part in offer.first_parts] == [False, True, True]
    page = list_upload_parts(
        shelf.vault,
        caller=shelf.caller,
        upload_id=offer.upload.id,
        checksums={2: digests[1], 3: digests[2]},
        limit=10,
        cursor=None,
    )
    parts = (offer.first_parts[0], *page.items[1:])
    claims = send_all(shelf, replace(offer, first_parts=parts), CONTENT)
    with pytest.raises(Invalid, match="checksum"):
        complete(shelf, offer.upload.id, claims)
    with_checksums = [
        replace(claim, sha256=digest) for claim, digest in zip(claims, digests, strict=True)
    ]
    assert size_of(shelf, complete(shelf, offer.upload.id, with_checksums)) == SIZE


def test_parts_that_are_missing_can_be_sent_still(shelf: Shelf) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    for wrong in (claims[:2], [*claims[:2], PartClaim(3, "another")]):
        with pytest.raises(Invalid) as refused:
            complete(shelf, offer.upload.id, wrong)
        assert refused.value.field == "parts"
    assert size_of(shelf, complete(shelf, offer.upload.id, claims)) == SIZE


def test_an_aborted_upload_leaves_nothing_and_takes_nothing(
    shelf: Shelf, vault: MemoryVault
) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    for _ in range(2):
        abort(shelf, offer.upload.id)
    assert vault.landing.uploads == []
    assert get_upload(vault, caller=shelf.caller, upload_id=offer.upload.id).state == "aborted"
    with pytest.raises(Conflict, match="aborted"):
        complete(shelf, offer.upload.id, claims)
    assert ledger_operations(shelf).count("abort_upload") == 1


def test_a_completed_upload_is_not_aborted(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    complete(shelf, offer.upload.id, send_all(shelf, offer, CONTENT))
    with pytest.raises(Conflict, match="cancel its job"):
        abort(shelf, offer.upload.id)
    assert vault.landing.head(offer.upload.key).size == SIZE


@pytest.mark.parametrize("moment", ["creation", "completion"])
@pytest.mark.parametrize("how", ["archived", "protected"])
def test_what_takes_no_changes_takes_no_uploads(shelf: Shelf, moment: str, how: str) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    if how == "archived":
        archive_dataset(shelf.vault, caller=shelf.caller, dataset_id=shelf.dataset.id, request=None)
    else:
        shelf.protect()
    does: dict[str, Callable[[], object]] = {
        "creation": lambda: create(shelf, SIZE),
        "completion": lambda: complete(shelf, offer.upload.id, claims),
    }
    with pytest.raises(Conflict, match=how):
        does[moment]()


def test_a_branch_that_is_not_there_takes_none(shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        create(shelf, SIZE, branch=BranchName("nowhere"))


def test_whoever_only_reads_uploads_nothing(shelf: Shelf) -> None:
    upload_id = create(shelf, SIZE).upload.id
    reader = Shelf(
        shelf.vault, replace(shelf.caller, roles=frozenset({Role.READER})), shelf.dataset
    )
    attempts: tuple[Callable[[], object], ...] = (
        lambda: create(reader, SIZE),
        lambda: complete(reader, upload_id, []),
        lambda: abort(reader, upload_id),
        lambda: get_upload(reader.vault, caller=reader.caller, upload_id=upload_id),
        lambda: list_upload_parts(
            reader.vault,
            caller=reader.caller,
            upload_id=upload_id,
            checksums={},
            limit=1,
            cursor=None,
        ),
    )
    for do in attempts:
        with pytest.raises(Denied):
            do()


def test_another_workspace_has_no_such_upload(shelf: Shelf) -> None:
    upload_id = create(shelf, SIZE).upload.id
    other = Shelf.make(shelf.vault)
    with pytest.raises(NotFound):
        abort(other, upload_id)
    with pytest.raises(NotFound):
        get_upload(shelf.vault, caller=shelf.caller, upload_id=UploadId(new_id("up", 0)))


def test_an_upload_expires_after_a_day_and_is_swept(shelf: Shelf, vault: MemoryVault) -> None:
    offer = create(shelf, SIZE)
    claims = send_all(shelf, offer, CONTENT)
    assert sweep_uploads(vault) == SweptUploads(0, 0)
    vault.clock.advance(UPLOAD_MS / 1000)
    assert get_upload(vault, caller=shelf.caller, upload_id=offer.upload.id).state == "expired"
    with pytest.raises(Conflict, match="expired"):
        complete(shelf, offer.upload.id, claims)
    assert sweep_uploads(vault) == SweptUploads(1, 0)
    assert vault.landing.uploads == []
    assert queued(shelf) == 0
    assert get_upload(vault, caller=shelf.caller, upload_id=offer.upload.id).state == "expired"


@pytest.mark.parametrize("late_s", [0, RUN_MS_MAX / 1000 + 1])
def test_what_cannot_be_swept_is_told_though_the_time_is_up(
    shelf: Shelf, vault: MemoryVault, late_s: float
) -> None:
    for _ in range(3):
        create(shelf, SIZE)
    vault.clock.advance(UPLOAD_MS / 1000)
    late = Once("abort", lambda: vault.clock.advance(late_s))
    with pytest.raises(Unavailable, match="abort"):
        sweep_uploads(ChaosVault(vault, late))
    assert queued(shelf) == (3 if late_s else 1)


def test_what_was_put_together_and_never_asked_for_is_swept(
    shelf: Shelf, vault: MemoryVault
) -> None:
    offer = create(shelf, SIZE)
    upload = offer.upload
    vault.landing.complete(upload.key, upload.token, send_all(shelf, offer, CONTENT))
    vault.clock.advance(UPLOAD_MS / 1000)
    sweep_uploads(vault)
    assert list(vault.landing.list("")) == []


def test_a_file_stays_while_its_job_is_at_work_and_goes_with_its_end(
    shelf: Shelf, vault: MemoryVault
) -> None:
    offer = create(shelf, SIZE)
    job = complete(shelf, offer.upload.id, send_all(shelf, offer, CONTENT))
    assert sweep_uploads(vault) == SweptUploads(0, 0)
    assert vault.landing.head(offer.upload.key).size == SIZE
    end_job(vault, job.workspace, job.id, Failure("invalid", "a test's"), operation="test")
    assert sweep_uploads(vault) == SweptUploads(0, 1)
    assert list(vault.landing.list("")) == []
    assert queued(shelf) == 2  # The upload that would expire, and the job, whose workers may write.
    vault.clock.advance(UPLOAD_MS / 1000)
    assert sweep_uploads(vault) == SweptUploads(0, 0)
    assert queued(shelf) == 0


def test_parts_of_another_size_than_announced_abort_the_upload(
    shelf: Shelf, vault: MemoryVault
) -> None:
    # As on a cloud that does not hold a URL to its Content-Length.
    loose = create(shelf, None)
    upload = loose.upload
    row = vault.catalog.get(keyspace.upload(upload.workspace, upload.id))
    assert row is not None
    vault.catalog.put_many([Put(row.key, {**row.attributes, "size": SIZE})])
    with pytest.raises(Invalid, match="aborted"):
        complete(shelf, upload.id, send_all(shelf, loose, [b"a" * PART, b"b" * PART, b"cc"]))
    assert list(vault.landing.list("")) == []


@pytest.mark.parametrize(
    ("size", "part_bytes", "expected"),
    [
        (None, None, PART_BYTES_DEFAULT),
        (1, None, PART_BYTES_DEFAULT),
        (UPLOAD_BYTES_MAX, None, 525 * 2**20),
        (10**12, 2**30, 2**30),
        (0, PART_BYTES_MIN, PART_BYTES_MIN),
    ],
)
def test_parts_are_as_large_as_they_must_be(
    size: int | None, part_bytes: int | None, expected: int
) -> None:
    parts = plan_parts(size, part_bytes)
    assert parts.part_bytes == expected
    assert parts.count is None or parts.count <= 10_000


@pytest.mark.parametrize(
    ("size", "part_bytes", "error"),
    [
        (1, PART_BYTES_MIN - 1, Invalid),
        (1, PART_BYTES_MAX + 1, Invalid),
        (10_000 * PART_BYTES_MIN + 1, PART_BYTES_MIN, Invalid),
        (UPLOAD_BYTES_MAX + 1, None, TooLarge),
    ],
)
def test_parts_beyond_bounds_are_refused(
    size: int, part_bytes: int | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        plan_parts(size, part_bytes)


def test_the_parts_of_a_file_make_up_the_file() -> None:
    parts = Parts(10, 95)
    sizes = [parts.size_of(number) for number in range(1, (parts.count or 0) + 1)]
    assert sizes == [10] * 9 + [5]


def ledger_operations(shelf: Shelf) -> list[str]:
    return [row.text("operation") for row in rows_of(shelf.vault.catalog, Table.LEDGER)]
