"""A stream of lines becomes a commit, whole or not at all."""

import json
import random
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain.access import Caller, Role
from datavault.domain.datasets import DEFAULT_BRANCH, Dataset
from datavault.domain.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    Malformed,
    TooLarge,
    VaultError,
)
from datavault.domain.ids import DatasetName, RequestId
from datavault.domain.papers import Mode
from datavault.domain.requests import Request
from datavault.domain.staging import NewRecord
from datavault.services import exports, lines, runs
from datavault.services.datasets import create_dataset
from datavault.services.exports import export_lines
from datavault.services.ingest import stream
from datavault.services.ingest.stream import Ingested, ingest_lines
from datavault.services.records.changing import append_records
from datavault.services.records.reading import get_record, list_records
from datavault.services.versions.commits import create_commit, list_commits
from datavault.services.workspaces import create_workspace
from tests.support.builders import OPERATOR

REQUEST = Request(RequestId("again"), b"hash of the stream")


class World:
    """A dataset in a vault of its own."""

    def __init__(self, *, record_key: str | None = "id") -> None:
        self.vault = MemoryVault()
        workspace = create_workspace(self.vault, operator=OPERATOR, name="w", stage="test")
        self.caller = Caller("ada", workspace.id, frozenset({Role.ADMIN}), "test")
        self.dataset: Dataset = create_dataset(
            self.vault,
            caller=self.caller,
            name=DatasetName("corpus"),
            description="",
            labels=(),
            record_key=record_key,
            request=None,
        )

    def ingest(
        self,
        *chunks: bytes,
        mode: Mode = Mode.UPSERT,
        request: Request | None = None,
        workers: int = 2,
    ) -> Ingested:
        return ingest_lines(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            branch=DEFAULT_BRANCH,
            chunks=iter(chunks),
            message="ingest",
            mode=mode,
            request=request,
            workers=workers,
        )

    def lines(self, ref: str = "main") -> list[bytes]:
        exported = export_lines(self.vault, caller=self.caller, dataset_id=self.dataset.id, ref=ref)
        return b"".join(exported).splitlines()

    def history(self) -> list[str]:
        page = list_commits(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            ref="main",
            limit=100,
            cursor=None,
        )
        return [commit.id for commit in page.items]

    def stage(self, line: bytes) -> None:
        append_records(
            self.vault,
            caller=self.caller,
            dataset_id=self.dataset.id,
            branch=DEFAULT_BRANCH,
            records=[NewRecord(line, None, "records/0")],
            request=None,
        )

    def stored_bodies(self) -> int:
        return sum("/packs/" in key for key in self.vault.objects.keys(""))


def record(number: int, text: str = "") -> bytes:
    return json.dumps({"id": f"r{number:05d}", "text": text or f"text {number}"}).encode()


def joined(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)


@pytest.fixture
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and indexes so small that a few hundred records make many of them."""
    monkeypatch.setattr(stream, "BATCH_BYTES", 2000)
    monkeypatch.setattr(lines, "PIECE_BYTES", 300)
    monkeypatch.setattr(runs, "HELD_BYTES_MAX", 5000)
    monkeypatch.setattr(runs, "PART_ENTRIES", 50)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 10**6])
@pytest.mark.usefixtures("small_runs")
def test_what_goes_in_comes_out_whatever_the_chunks(chunk_bytes: int) -> None:
    world = World()
    lines = [record(number) for number in range(150)]
    random.Random(1).shuffle(lines)
    stream = joined(*lines)
    chunks = [stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes)]
    done = world.ingest(*chunks)
    assert world.lines() == sorted(lines)
    assert (done.records, done.stored, done.commit.counts.added) == (150, 150, 150)


def test_lines_may_end_in_crlf_be_blank_or_lack_their_end() -> None:
    world = World()
    world.ingest(record(1) + b"\r\n\r\n  \n" + b" " + record(2) + b" \n\n" + record(3))
    assert world.lines() == [record(1), record(2), record(3)]


@pytest.mark.usefixtures("small_runs")
def test_of_lines_with_one_id_the_last_counts() -> None:
    world = World()
    stream = [record(number % 40, f"version {number}") for number in range(400)]
    world.ingest(joined(*stream), workers=3)
    assert world.lines() == [record(number, f"version {360 + number}") for number in range(40)]


@pytest.mark.usefixtures("small_runs")
def test_the_same_stream_again_stores_nothing_and_makes_no_commit() -> None:
    world = World()
    lines = [record(number) for number in range(200)]
    first = world.ingest(joined(*lines))
    objects = set(world.vault.objects.keys(""))
    random.Random(2).shuffle(lines)
    again = world.ingest(joined(*lines))
    assert (again.commit.id, again.stored) == (first.commit.id, 0)
    assert set(world.vault.objects.keys("")) == objects
    assert len(world.history()) == 2


@pytest.mark.usefixtures("small_runs")
def test_a_changed_corpus_stores_only_what_changed() -> None:
    world = World()
    world.ingest(joined(*(record(number) for number in range(200))))
    edited = [record(number, "edited" if number % 50 == 0 else "") for number in range(205)]
    done = world.ingest(joined(*edited))
    counts = done.commit.counts
    assert (counts.added, counts.changed, counts.removed, done.stored) == (5, 4, 0, 9)
    assert world.lines() == edited


@pytest.mark.usefixtures("small_runs")
def test_equal_bodies_of_one_job_are_stored_once() -> None:
    world = World(record_key=None)
    done = world.ingest(joined(*[b'{"text": "the same"}'] * 500), workers=1)
    assert done.stored == 1
    assert len(world.lines()) == 500


@pytest.mark.usefixtures("small_runs")
def test_records_without_ids_get_the_same_ones_each_time() -> None:
    lines = [b'{"n": %d}' % (number % 70) for number in range(200)]
    worlds = World(record_key=None)
    first = worlds.ingest(joined(*lines))
    random.Random(3).shuffle(lines)
    again = worlds.ingest(joined(*lines))
    assert again.commit.id == first.commit.id
    assert sorted(worlds.lines()) == sorted(lines)
    more = worlds.ingest(joined(*lines, b'{"n": 0}'))
    assert more.commit.counts.added == 1


@pytest.mark.usefixtures("small_runs")
def test_replacing_removes_what_the_stream_lacks() -> None:
    world = World()
    world.ingest(joined(*(record(number) for number in range(300))))
    kept = [record(number) for number in range(100, 150)]
    done = world.ingest(joined(*kept, record(900)), mode=Mode.REPLACE)
    counts = done.commit.counts
    assert (counts.records, counts.added, counts.removed) == (51, 1, 250)
    assert world.lines() == [*kept, record(900)]


def test_an_empty_stream_replaces_nothing() -> None:
    world = World()
    world.ingest(joined(record(1), record(2)))
    with pytest.raises(Invalid):
        world.ingest(b"\n", mode=Mode.REPLACE)
    assert len(world.lines()) == 2


def test_a_repeated_request_that_changed_nothing_changes_nothing_later() -> None:
    world = World()
    world.ingest(joined(record(1, "a")))
    nothing = world.ingest(joined(record(1, "a")), request=REQUEST)
    world.ingest(joined(record(1, "b")))
    again = world.ingest(joined(record(1, "a")), request=REQUEST)
    assert again == nothing
    assert world.lines() == [record(1, "b")]


def test_pieces_stay_small_when_one_body_is_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PIECE_BYTES", 100_000)
    world = World(record_key=None)
    body = b'{"text": "%s"}' % (b"x" * 1000)
    world.ingest(joined(*[body] * 5000))
    pieces = list(
        export_lines(world.vault, caller=world.caller, dataset_id=world.dataset.id, ref="main")
    )
    assert sum(map(len, pieces)) == 5000 * (len(body) + 1)
    assert max(map(len, pieces)) <= 100_000


@pytest.mark.parametrize("wide", [200, 30_000])
def test_pieces_stay_small_where_records_become_large(
    wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where each is of a block of its own, whose other records are not asked for."""
    monkeypatch.setattr(exports, "PIECE_BYTES", 50_000)
    monkeypatch.setattr(exports, "PIECE_BYTES_MAX", 100_000)
    world = World()
    small = [record(number) for number in range(3000)]
    large = [record(5000 + number, chr(97 + number % 26) * wide) for number in range(60)]
    world.ingest(joined(*small, *large))
    world.ingest(joined(*(record(number, "x") for number in range(0, 3000, 300))))
    pieces = list(
        export_lines(world.vault, caller=world.caller, dataset_id=world.dataset.id, ref="main")
    )
    expected = [record(number, *(["x"] if number % 300 == 0 else [])) for number in range(3000)]
    assert b"".join(pieces) == joined(*expected, *large)
    assert max(map(len, pieces)) <= 100_000


def test_a_record_larger_than_a_piece_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PIECE_BYTES_MAX", 100)
    world = World()
    lines = [record(number, "x" * 200) for number in range(5)]
    world.ingest(joined(*lines))
    pieces = export_lines(world.vault, caller=world.caller, dataset_id=world.dataset.id, ref="main")
    assert list(pieces) == [line + b"\n" for line in lines]


def test_an_empty_stream_changes_nothing() -> None:
    world = World()
    before = world.history()
    assert world.ingest(b"\n\n").commit.id == before[0]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'{"id": "x", "canary": }', Malformed),
        (b'{"id": "x", "canary": 1, "canary": 2}', Invalid),
        (b'{"canary": 1}', Invalid),
        (b'["canary"]', Invalid),
        (b'{"id": "x", "text": "canary \\ud800"}', Malformed),
        (b'{"id": "x", "text": "canary \xff"}', Malformed),
        (b'{"id": "x", "text": "canary ' + b"x" * (4 * 2**20) + b'"}', TooLarge),
    ],
)
@pytest.mark.usefixtures("small_runs")
def test_a_bad_line_refuses_the_stream_and_names_itself(
    line: bytes, kind: type[VaultError]
) -> None:
    world = World()
    lines = [record(number) for number in range(100)]
    before = world.history()
    with pytest.raises(kind, match=r"line 78\b") as caught:
        world.ingest(joined(*lines[:77], line, *lines[77:]))
    assert "canary" not in str(caught.value)
    assert world.history() == before
    assert world.lines() == []


@pytest.mark.parametrize("batch_bytes", [20, 60, 10_000])
@pytest.mark.parametrize(
    "line",
    [b'{"id":"a","x":canary}', b'{"id":"a","x":1,"x":2}', b'{"id":"a","x":"\xff"}', b'{"id":"a"'],
)
def test_a_bad_line_is_refused_although_a_later_one_has_its_id(
    line: bytes, batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BATCH_BYTES", batch_bytes)
    world = World()
    with pytest.raises(VaultError, match="line 2:"):
        world.ingest(joined(b'{"id":"b"}', line, b'{"id":"a","x":1}', b'{"id":"b","x":2}'))
    assert world.lines() == []


def test_tiny_pieces_of_a_stream_are_not_held_one_by_one() -> None:
    world = World(record_key=None)
    text = joined(*(b'{"n":%d}' % number for number in range(20_000)))
    world.ingest(*(text[at : at + 2**16] for at in range(0, len(text), 2**16)))
    tracemalloc.start()
    ingest_lines(
        world.vault,
        caller=world.caller,
        dataset_id=world.dataset.id,
        branch=DEFAULT_BRANCH,
        chunks=(text[at : at + 1] for at in range(len(text))),
        message="",
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(world.history()) == 2
    # Of each byte alone a list would take eight.
    assert peak < 40 * len(text)


def test_a_line_of_any_length_is_refused_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "BATCH_BYTES", 1000)
    world = World()
    piece = b"x" * 2**20
    tracemalloc.start()
    with pytest.raises(TooLarge, match=f"this has {200 * len(piece)}"):
        ingest_lines(
            world.vault,
            caller=world.caller,
            dataset_id=world.dataset.id,
            branch=DEFAULT_BRANCH,
            chunks=(bytes(piece) for _ in range(200)),
            message="",
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * len(piece)


def test_a_repeated_request_is_answered_with_its_commit() -> None:
    world = World()
    first = world.ingest(joined(record(1)), request=REQUEST)
    world.ingest(joined(record(2)))
    again = world.ingest(joined(record(1)), request=REQUEST)
    assert again.commit.id == first.commit.id
    assert len(world.history()) == 3


def test_what_is_staged_stays_staged_on_top() -> None:
    world = World()
    world.stage(record(1, "staged"))
    world.ingest(joined(record(1, "ingested"), record(2)))
    assert world.lines() == [record(1, "ingested"), record(2)]
    page = list_records(
        world.vault,
        caller=world.caller,
        dataset_id=world.dataset.id,
        ref="main",
        limit=10,
        cursor=None,
    )
    assert [(item.body, item.staged) for item in page.items] == [
        (record(1, "staged"), True),
        (record(2), False),
    ]
    create_commit(
        world.vault,
        caller=world.caller,
        dataset_id=world.dataset.id,
        branch=DEFAULT_BRANCH,
        message="",
        request=None,
    )
    assert world.lines() == [record(1, "staged"), record(2)]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.usefixtures("small_runs")
def test_a_commit_that_comes_between_is_built_upon(mode: Mode) -> None:
    world = World()
    world.ingest(joined(*(record(number) for number in range(100))))

    def interrupted() -> Iterator[bytes]:
        yield joined(*(record(number) for number in range(60)))
        world.ingest(joined(record(3, "between"), record(500)))
        yield joined(*(record(number) for number in range(60, 101)))

    def ingested() -> Ingested:
        return ingest_lines(
            world.vault,
            caller=world.caller,
            dataset_id=world.dataset.id,
            branch=DEFAULT_BRANCH,
            chunks=interrupted(),
            message="",
            mode=mode,
        )

    if mode is Mode.APPEND_ONLY:
        # Record 3 is another one by now.
        with pytest.raises(Conflict, match="1 records are on the branch with other contents"):
            ingested()
        return
    done = ingested()
    expected = [record(number) for number in range(101)]
    assert world.lines() == (expected if mode is Mode.REPLACE else [*expected, record(500)])
    assert done.commit.parents[0] == world.history()[1]


@pytest.mark.usefixtures("small_runs")
def test_stored_indexes_of_runs_do_not_outlive_the_ingest() -> None:
    world = World()
    world.ingest(joined(*(record(number) for number in range(400))))
    nodes = [key for key in world.vault.objects.keys("") if "/nodes/" in key]
    version = world.history()
    # A pack of nodes for the empty tree, and one for each part of the changes; no run is left.
    assert len(version) == 2
    assert len(nodes) <= 1 + -(-400 // 50)


def test_only_who_may_append_and_commit_may_ingest() -> None:
    world = World()
    world.caller = Caller("eve", world.caller.workspace, frozenset({Role.READER}), "test")
    with pytest.raises(Denied):
        world.ingest(joined(record(1)))


def test_an_export_stops_at_the_first_record_that_is_not_what_it_was() -> None:
    world = World()
    world.ingest(joined(*(record(number) for number in range(50))))
    name = next(key for key in world.vault.objects.keys("") if "/packs/" in key)
    content = bytearray(world.vault.objects.get(name))
    content[len(content) // 3] ^= 1
    world.vault.objects.delete(name)
    world.vault.objects.put(name, [bytes(content)])
    with pytest.raises(Corrupt):
        world.lines()


@settings(max_examples=60, deadline=None)
@given(
    versions=st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=40),
        min_size=1,
        max_size=4,
    ),
    mode=st.sampled_from(Mode),
)
def test_ingests_equal_a_dict(versions: list[list[tuple[int, str]]], mode: Mode) -> None:
    world = World()
    model: dict[int, bytes] = {}
    for version in filter(None, versions):
        said = {number: record(number, text) for number, text in version}
        lines = joined(*(record(number, text) for number, text in version))
        if mode is Mode.APPEND_ONLY and any(
            model.get(number, body) != body for number, body in said.items()
        ):
            with pytest.raises(Conflict):
                world.ingest(lines, mode=mode)
        else:
            world.ingest(lines, mode=mode)
            model = said if mode is Mode.REPLACE else model | said
        assert world.lines() == [model[number] for number in sorted(model)]
    for number, body in model.items():
        view = get_record(
            world.vault,
            caller=world.caller,
            dataset_id=world.dataset.id,
            ref="main",
            record_id=json.loads(record(number))["id"],
        )
        assert view.body == body
