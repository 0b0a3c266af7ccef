"""Published events keep their promises to those who read them: schemas, samples, names."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from datavault.contracts import event_schemas
from datavault.contracts.events import VERSIONS, Data, read, write
from datavault.contracts.operations import OPERATIONS
from datavault.domain import events
from datavault.domain.access import Action
from datavault.domain.events import PUBLICATIONS, UNPUBLISHED
from datavault.domain.ids import EntryId, WorkspaceId
from datavault.domain.ledger import Entry

ROOT = Path(__file__).parents[2]
SCHEMAS, SAMPLES = ROOT / "events/schemas", ROOT / "events/samples"
SERVICES = ROOT / "layers/datavault/python/datavault/services"
KINDS = {row.kind for row in PUBLICATIONS}
by_version = pytest.mark.parametrize(("kind", "version", "data"), VERSIONS)
# Where an operation's name stands in a call that writes its entry: by position, or by this word.
OPERATION_AT = {"ledger.entry": 2, "Why": 0, "ledger.operator_entry": 1, "begin": 2, "_changed": 2}
OPERATION = "operation"


def document(folder: Path, kind: str, version: int) -> Any:
    return json.loads((folder / event_schemas.file_name(kind, version)).read_text())


def test_the_schemas_are_those_of_the_models() -> None:
    kept = {path.name: path.read_text() for path in SCHEMAS.iterdir()}
    assert kept == event_schemas.texts(), "python -m datavault.contracts.event_schemas events"


def test_every_version_has_a_sample_and_no_sample_is_of_another() -> None:
    names = {event_schemas.file_name(kind, version) for kind, version, _ in VERSIONS}
    assert {path.name for path in SAMPLES.iterdir()} == names


@by_version
def test_a_kept_sample_still_parses_and_fits_its_schema(
    kind: str, version: int, data: type[Data]
) -> None:
    sample = document(SAMPLES, kind, version)
    schema = document(SCHEMAS, kind, version)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        sample
    )
    parsed = read(json.dumps(sample))
    assert isinstance(parsed.data, data)
    assert json.loads(parsed.model_dump_json()) == sample


@by_version
def test_a_schema_refuses_an_event_that_lacks_anything(
    kind: str, version: int, data: type[Data]
) -> None:
    validator = Draft202012Validator(document(SCHEMAS, kind, version))
    sample = document(SAMPLES, kind, version)
    for name in sample:
        with pytest.raises(ValidationError):
            validator.validate({key: value for key, value in sample.items() if key != name})
    for name in data.model_fields:
        less = {key: value for key, value in sample["data"].items() if key != name}
        with pytest.raises(ValidationError):
            validator.validate({**sample, "data": less})


def test_what_is_added_to_an_event_does_not_trouble_those_who_read_it() -> None:
    kind, version, _ = VERSIONS[0]
    sample = document(SAMPLES, kind, version)
    more = {**sample, "later": 1, "data": {**sample["data"], "later": 1}}
    Draft202012Validator(document(SCHEMAS, kind, version)).validate(more)
    assert read(json.dumps(more)).id == sample["id"]


@pytest.mark.parametrize("text", ["{}", '{"dataschema": "urn:elsewhere"}', "[]", ""])
def test_what_is_no_event_of_the_vault_is_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


@pytest.mark.parametrize("row", PUBLICATIONS, ids=lambda row: f"{row.operation}-{row.kind}")
def test_an_entry_of_every_operation_becomes_an_event_of_its_schema(
    row: events.Publication,
) -> None:
    kind, version, data = next(each for each in reversed(VERSIONS) if each[0] == row.kind)
    example = document(SAMPLES, kind, version)["data"]
    details = {name: example[name] for name in row.facts} | dict.fromkeys(row.hidden, "name")
    if row.where is not None and row.where[1] is not None:
        details[row.where[0]] = row.where[1]
    entry = Entry(
        EntryId("le_019b76da-a804-7e4f-90a1-8293a4b5c6d7"),
        WorkspaceId("ws_019b76da-a800-726a-9e3a-53ce41d29686"),
        1_767_225_600_123,
        "ada@example.com",
        Action.COMMIT,
        row.operation,
        "ds_019b76da-a800-7a0b-8c6d-4e5f60718293",
        "ada's run",
        details,
    )
    told = events.told(entry)
    assert told is not None
    assert told.publication is row
    text = write(events.event(told, 7, bytes(32)))
    Draft202012Validator(document(SCHEMAS, kind, version)).validate(json.loads(text))
    assert "ada" not in text
    assert set(json.loads(text)["data"]) == set(data.model_fields)


def written_operations() -> Iterator[str]:
    """The operations that services write entries of, as far as they are words in the code."""
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            place = OPERATION_AT.get(ast.unparse(node.func))
            given = [node.args[place]] if place is not None and len(node.args) > place else []
            given += [each.value for each in node.keywords if each.arg == OPERATION]
            for each in given:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.value


def test_every_operation_that_writes_an_entry_is_published_or_kept_inside_on_purpose() -> None:
    written = {row.name for row in OPERATIONS if row.changes_something} | set(written_operations())
    assert len(written) > 12, "the walk finds them"
    assert written - events.operations() == set()


def test_kinds_and_versions_name_each_other() -> None:
    assert {kind for kind, _, _ in VERSIONS} == KINDS
    assert len({(kind, version) for kind, version, _ in VERSIONS}) == len(VERSIONS)
    capabilities = {row.capability for row in OPERATIONS} | {"ingest"}
    assert {kind.partition(".")[0] for kind in KINDS} <= capabilities
    assert all(UNPUBLISHED.values()), "each with its reason"
