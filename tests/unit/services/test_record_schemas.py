"""A dataset's schema: kept sealed, and held against what comes in, whatever the way."""

from collections.abc import Mapping
from typing import Any

import pytest

from datavault.adapters.memory.vault import MemoryVault
from datavault.domain import keyspace
from datavault.domain.datasets import Dataset
from datavault.domain.errors import Conflict, Corrupt, Invalid
from datavault.domain.ids import DatasetName
from datavault.domain.jobs import Failure, JobState
from datavault.domain.merging import ConflictKind, Strategy
from datavault.domain.papers import Mode
from datavault.domain.preconditions import ANY
from datavault.domain.record_schema import RecordSchema
from datavault.domain.rows import Put
from datavault.domain.schema_bounds import parse_record_schema
from datavault.ports import Vault
from datavault.schema_ports import RecordChecker
from datavault.services import datasets
from datavault.services.datasets.changes import Edit, update_dataset
from datavault.services.datasets.clones import clone_dataset
from datavault.services.ingest.stream import ingest_lines
from datavault.services.jobs.quarantine import list_quarantined
from tests.simulation.ingest_jobs import Pipeline, lines
from tests.support import merging
from tests.support.builders import MAIN, Process, Shelf, a_request

SCHEMA: dict[str, Any] = {
    "required": ["n"],
    "properties": {"n": {"type": "integer", "title": "what nobody else is to read"}},
}
GOOD, BAD = b'{"id":"a","n":1}', b'{"id":"a","n":"jane"}'


def described(shelf: Shelf, dataset: Dataset | None = None) -> datasets.Described:
    found = dataset or shelf.dataset
    return datasets.describe_dataset(shelf.vault, caller=shelf.caller, dataset_id=found.id)


def updated(shelf: Shelf, schema: Mapping[str, object] | None, **edit: Any) -> Dataset:
    return update_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        edit=Edit(**edit),
        precondition=ANY,
        request=None,
        schema=None if schema is None else parse_record_schema(schema),
    )


def refusal(shelf: Shelf, bodies: dict[str, bytes]) -> Invalid:
    with pytest.raises(Invalid) as refused:
        shelf.append(bodies)
    return refused.value


def test_a_schema_is_given_shown_changed_and_taken_away() -> None:
    shelf = Shelf.make(schema=SCHEMA)
    first = described(shelf)
    assert first.schema is not None
    assert first.schema.document == SCHEMA
    same = updated(shelf, SCHEMA)
    assert (same.version, same.schema) == (1, first.dataset.schema)
    other = updated(shelf, {"required": ["m"]}, description="other")
    assert (other.version, other.description) == (2, "other")
    assert other.schema != first.dataset.schema
    kept = updated(shelf, None, description="still")
    assert kept.schema == other.schema
    assert described(shelf).schema == RecordSchema(b'{"required":["m"]}')
    assert updated(shelf, SCHEMA).schema == first.dataset.schema
    none = updated(shelf, {})
    assert (none.version, none.schema) == (5, "")
    assert described(shelf).schema is None
    assert Shelf.make(schema={}).dataset.schema == ""


def test_a_schema_is_sealed_and_its_hash_is_the_workspaces_own() -> None:
    vault = MemoryVault()
    shelf, other = Shelf.make(vault, schema=SCHEMA), Shelf.make(vault, schema=SCHEMA)
    dataset = shelf.dataset
    assert len(dataset.schema) == 32
    assert dataset.schema != other.dataset.schema
    key = keyspace.record_schema(dataset.workspace, dataset.store, dataset.schema)
    row = vault.catalog.get(key)
    assert row is not None
    assert b"nobody" not in row.binary("sealed")
    # Another schema in its place does not open.
    updated(shelf, {"required": ["m"]})
    changed = described(shelf).dataset
    wrong = keyspace.record_schema(changed.workspace, changed.store, changed.schema)
    vault.catalog.put_many([Put(wrong, row.attributes)])
    with pytest.raises(Corrupt):
        described(shelf)


def test_what_is_no_schema_makes_no_dataset() -> None:
    vault = MemoryVault()
    with pytest.raises(Invalid):
        Shelf.make(vault, schema={"type": "sting"})
    shelf = Shelf.make(vault)
    with pytest.raises(Invalid):
        updated(shelf, {"type": "sting"})
    assert described(shelf).dataset.version == 1


def test_a_repeated_request_gives_the_same_schema() -> None:
    shelf = Shelf.make()
    made = [
        datasets.create_dataset(
            shelf.vault,
            caller=shelf.caller,
            name=DatasetName("checked"),
            description="",
            labels=(),
            record_key=None,
            request=a_request("create"),
            schema=parse_record_schema(SCHEMA),
        )
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert made[0].schema


def test_an_append_is_refused_whole_for_one_record() -> None:
    shelf = Shelf.make(schema=SCHEMA)
    shelf.append({"a": b'{"n":1}'})
    error = refusal(shelf, {"b": b'{"n":2}', "c": b'{"n":"jane"}', "d": b"{}"})
    assert str(error) == "does not match the dataset's schema at /n: type"
    assert error.field == "records/1/n"
    assert list(shelf.all()) == ["a"]


def test_what_is_there_stays_and_comes_back() -> None:
    """Staged and committed records of before the schema: in commits, and when they are restored."""
    shelf = Shelf.make()
    shelf.append({"a": b'{"n":"old"}'})
    first = shelf.commit("first")
    shelf.append({"b": b'{"n":"staged"}'})
    updated(shelf, SCHEMA)
    shelf.commit("second")
    assert list(shelf.all()) == ["a", "b"]
    refusal(shelf, {"a": b'{"n":"old"}'})
    shelf.delete("a")
    merging.restore(shelf, "a", first.id)
    shelf.append({"c": b'{"n":1}'})
    assert list(shelf.all()) == ["a", "b", "c"]


def test_a_clone_has_the_schema_of_its_origin_and_then_its_own() -> None:
    shelf = Shelf.make(schema=SCHEMA)
    clone = clone_dataset(
        shelf.vault,
        caller=shelf.caller,
        dataset_id=shelf.dataset.id,
        ref=MAIN,
        name=DatasetName("clone"),
        request=None,
    )
    there = Shelf(shelf.vault, shelf.caller, clone)
    assert described(there) == datasets.Described(clone, described(shelf).schema)
    refusal(there.on(Process(shelf.vault)), {"a": b"{}"})
    updated(there, {})
    there.append({"a": b"{}"})
    refusal(shelf, {"a": b"{}"})


def test_a_repeated_append_is_answered_though_the_schema_has_changed() -> None:
    shelf = Shelf.make()
    first = shelf.append({"a": b"{}"}, request=a_request("append"))
    updated(shelf, SCHEMA)
    assert shelf.append({"a": b"{}"}, request=a_request("append")) == first


class Counting:
    """Schemas that count what is compiled."""

    def __init__(self, vault: Vault) -> None:
        self._schemas = vault.schemas
        self.compiled: list[str] = []

    def held(self, name: str) -> RecordChecker | None:
        return self._schemas.held(name)

    def compile(self, name: str, schema: RecordSchema) -> RecordChecker:
        self.compiled.append(name)
        return self._schemas.compile(name, schema)


def test_a_schema_is_opened_and_compiled_once_a_process() -> None:
    vault = MemoryVault()
    shelf = Shelf.make(vault, schema=SCHEMA)
    del vault.schemas  # Another process.
    process = Process(vault)
    counting = Counting(vault)
    process.schemas = counting
    there = shelf.on(process)
    for number in range(3):
        there.append({f"{number}": b'{"n":1}'})
    assert counting.compiled == [shelf.dataset.schema]


def test_a_dataset_without_a_schema_asks_for_no_validator() -> None:
    vault = MemoryVault()
    shelf = Shelf.make(vault, record_key="id")
    Shelf.make(vault).append({"b": b"{}"})
    pipeline = Pipeline(shelf, lambda: vault)
    job = pipeline.run(pipeline.ask(GOOD))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert "schemas" not in vars(vault)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.make(record_key="id", schema=SCHEMA)


@pytest.fixture
def pipeline(shelf: Shelf) -> Pipeline:
    return Pipeline(shelf, lambda: Process(shelf.vault))


MIXED = b'{"id":"a","n":1}\nno record\n\n{"id":"b","n":"jane"}\n{"id":"c"}\n{"id":"d","n":4}\n'


def test_records_that_do_not_match_are_quarantined(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(MIXED, max_bad_records=3))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["a", "d"]
    assert (job.tally.records, job.tally.quarantined) == (2, 3)
    page = list_quarantined(shelf.vault, caller=shelf.caller, job_id=job.id, cursor=None)
    found = {each.line: each for each in page.items}
    assert found.keys() == {2, 4, 5}
    assert all(each.offset == MIXED.index(each.raw) for each in page.items)
    assert (found[4].code, found[4].raw) == ("invalid", b'{"id":"b","n":"jane"}')
    assert found[4].reason == "does not match the dataset's schema at /n: type"
    assert found[5].reason == "does not match the dataset's schema at /n: required"


@pytest.mark.parametrize("mode", list(Mode))
def test_more_that_do_not_match_than_may_be_fail_a_job(
    pipeline: Pipeline, shelf: Shelf, mode: Mode
) -> None:
    before = pipeline.run(pipeline.ask(GOOD))
    job = pipeline.run(pipeline.ask(MIXED, max_bad_records=2, mode=mode))
    assert (job.state, job.commit) == (JobState.FAILED, None)
    assert job.failure is not None
    assert "jane" not in job.failure.message
    assert shelf.history()[0].id == before.commit


def test_of_equal_ids_the_last_that_matches_counts(pipeline: Pipeline, shelf: Shelf) -> None:
    content = GOOD + b'\n{"id":"a","n":2}\n' + BAD + b"\n"
    job = pipeline.run(pipeline.ask(content, max_bad_records=1))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert shelf.all() == {"a": b'{"id":"a","n":2}'}


def test_a_record_that_the_branch_has_already_is_not_checked(
    pipeline: Pipeline, shelf: Shelf
) -> None:
    updated(shelf, {})
    pipeline.run(pipeline.ask(BAD))
    updated(shelf, SCHEMA)
    job = pipeline.run(pipeline.ask(BAD + b'\n{"id":"b","n":1}\n', mode=Mode.REPLACE))
    assert job.state is JobState.SUCCEEDED, job.failure
    assert list(shelf.all()) == ["a", "b"]


def test_rows_of_a_table_are_checked_too(pipeline: Pipeline, shelf: Shelf) -> None:
    job = pipeline.run(pipeline.ask(b"id,n\na,1\n", names=("a.csv",)))
    assert job.failure is not None
    assert "does not match the dataset's schema at /n: type" in job.failure.message


@pytest.mark.parametrize("when", ["IngestPart", "PublishIngest"])
def test_a_job_fails_whose_dataset_gets_another_schema(
    pipeline: Pipeline, shelf: Shelf, when: str
) -> None:
    def change(name: str) -> None:
        if name == when:
            updated(shelf, {"required": ["m"]})

    job = pipeline.run(pipeline.ask(GOOD), between=change)
    assert (job.state, job.commit) == (JobState.FAILED, None)
    said = "the dataset's schema has changed since the job was planned: ask for it anew"
    assert job.failure == Failure("conflict", said)
    assert shelf.all() == {}


def test_a_job_is_not_published_if_the_schema_changes_at_that_moment(
    pipeline: Pipeline, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = shelf.vault.catalog
    write = catalog.write

    def late(changes: Any, *, token: str) -> None:
        if any(each.key.partition.startswith("commits/") for each in changes):
            monkeypatch.undo()
            updated(shelf, {"required": ["m"]})
        write(changes, token=token)

    monkeypatch.setattr(catalog, "write", late)
    job = pipeline.run(pipeline.ask(GOOD))
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "conflict"
    assert shelf.all() == {}


def test_a_change_that_is_none_of_the_schema_lets_a_job_go_on(
    pipeline: Pipeline, shelf: Shelf
) -> None:
    def change(name: str) -> None:
        if name == "PublishIngest":
            updated(shelf, None, description="other")

    job = pipeline.run(pipeline.ask(GOOD), between=change)
    assert job.state is JobState.SUCCEEDED, job.failure


def test_a_stream_is_refused_whole_for_one_line(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="line 2: does not match the dataset's schema at /n: type"):
        ingest_lines(
            shelf.vault,
            caller=shelf.caller,
            dataset_id=shelf.dataset.id,
            branch=MAIN,
            chunks=[GOOD + b"\n" + BAD + b"\n"],
            message="",
        )
    assert shelf.all() == {}


def test_keyless_records_are_checked(shelf: Shelf) -> None:
    keyless = Shelf.make(schema=SCHEMA)
    pipeline = Pipeline(keyless, lambda: Process(keyless.vault))
    job = pipeline.run(pipeline.ask(lines({"a": 1, "b": 2}) + b"{}\n", max_bad_records=1))
    assert (job.state, job.tally.quarantined) == (JobState.SUCCEEDED, 1)
    assert len(keyless.all()) == 2


AND: dict[str, Any] = {"not": {"required": ["x", "y"]}}
BASE, OURS, THEIRS = b'{"n":1}', b'{"n":1,"x":1}', b'{"n":1,"y":2}'


@pytest.fixture
def forked() -> Shelf:
    """Two branches that changed a record, each so that it matches, both together not."""
    shelf = Shelf.make(schema=AND)
    merging.write(shelf, {"a": BASE})
    shelf.create_branch("dev")
    merging.write(shelf, {"a": OURS})
    merging.write(shelf, {"a": THEIRS}, branch=merging.DEV)
    return shelf


def test_what_fields_are_merged_to_is_a_conflict_if_it_does_not_match(forked: Shelf) -> None:
    question = merging.question("dev")
    assert merging.previewed(forked, question).conflicts == {ConflictKind.EDIT_EDIT: 1}
    (conflict,) = merging.conflicts(forked, question)
    assert conflict.fields == ("",)
    with pytest.raises(Conflict, match="1 records conflict"):
        merging.merge(forked)
    updated(forked, {})
    merging.merge(forked)
    assert forked.all() == {"a": b'{"n":1,"x":1,"y":2}'}


def test_a_text_that_settles_a_conflict_has_to_match(forked: Shelf) -> None:
    both = merging.Settling(takes=[("a", b'{"x":1,"y":2}')])
    with pytest.raises(Invalid, match="does not match the dataset's schema: not") as refused:
        merging.merge(forked, settling=both)
    assert refused.value.field == "resolutions/0/data"
    merging.merge(forked, settling=merging.Settling(takes=[("a", b'{"x":3}')]))
    assert forked.all() == {"a": b'{"x":3}'}


def test_a_side_that_does_not_match_is_taken_as_it_is(forked: Shelf) -> None:
    """It was there before the schema."""
    updated(forked, {"maxProperties": 0})
    merging.merge(forked, settling=merging.Settling(Strategy.THEIRS))
    assert forked.all() == {"a": THEIRS}
