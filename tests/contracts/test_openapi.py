"""The OpenAPI document says what the table and the models say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from datavault.contracts import datasets, examples
from datavault.contracts.openapi import PROBLEM_CODES, PROBLEMS, document
from datavault.contracts.operations import NDJSON, OPERATIONS, Operation
from datavault.contracts.version import VERSION
from datavault.contracts.wire import Body
from datavault.domain import dataset_index
from datavault.domain.datasets import DEFAULT_BRANCH, LABELS_MAX, METADATA_FIELDS_MAX

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
# Each has its status among the problems under another code.
UNUSED_CODES = {
    "cancelled",
    "erased",
    "corrupt",
    "staging_full",
    "merge_conflicts",
    "nothing_staged",
    "read_only",
    "kek_unavailable",
}


def described(row: Operation) -> dict[str, Any]:
    operation: dict[str, Any] = document()["paths"][row.path][row.method.lower()]
    return operation


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(json.dumps(document()))).iter_errors()) == []


def test_the_document_has_every_row_once_and_no_more() -> None:
    names = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]
    assert sorted(names) == sorted(row.name for row in OPERATIONS)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_an_operation_is_described_as_its_row_says(row: Operation) -> None:
    operation = described(row)
    assert str(row.status) in operation["responses"]
    parameters = [each for each in operation["parameters"] if "$ref" not in each]
    in_path = {each["name"] for each in parameters if each["in"] == "path"}
    in_query = {each["name"] for each in parameters if each["in"] == "query"}
    assert in_path == set(re.findall(r"{(\w+)}", row.path))
    assert in_query == set(row.query.model_fields if row.query else ())
    assert (operation.get("security") == []) == (row.action is None)
    accepted = operation.get("requestBody", {}).get("content", {})
    assert tuple(accepted) == (row.accepts if row.body else ())
    if row.status != 204:
        assert tuple(operation["responses"][str(row.status)]["content"]) == row.returns


@pytest.mark.parametrize("name", examples.REQUESTS)
def test_an_example_of_a_request_is_one(name: str) -> None:
    (row,) = (row for row in OPERATIONS if row.name == name)
    assert row.body is not None
    assert issubclass(row.body, Body)
    row.body.parse(json.dumps(examples.REQUESTS[name]).encode())


@pytest.mark.parametrize("name", examples.REPLIES)
def test_an_example_of_a_reply_is_one(name: str) -> None:
    (row,) = (row for row in OPERATIONS if row.name == name)
    assert row.reply is not None
    reply = row.reply.model_validate(examples.REPLIES[name])
    assert json.loads(reply.model_dump_json(by_alias=True)) == examples.REPLIES[name]


def test_every_body_and_reply_has_an_example() -> None:
    assert set(examples.REQUESTS) == {row.name for row in OPERATIONS if row.body}
    assert set(examples.REPLIES) == {row.name for row in OPERATIONS if row.reply}


def test_a_link_of_an_example_leads_to_a_route() -> None:
    routes = [re.compile(re.sub(r"{\w+}", "[^/]+", row.path) + r"(\?.*)?") for row in OPERATIONS]
    hrefs = re.findall(r'"href": "([^"]+)"', json.dumps(examples.REPLIES))
    assert hrefs
    assert [href for href in hrefs if not any(route.fullmatch(href) for route in routes)] == []


def test_null_is_no_value_of_a_query_parameter() -> None:
    for row in OPERATIONS:
        for parameter in described(row)["parameters"]:
            assert "null" not in json.dumps(parameter)


def test_records_may_be_lines_both_ways() -> None:
    by_name = {row.name: described(row) for row in OPERATIONS}
    assert NDJSON in by_name["append_records"]["requestBody"]["content"]
    assert NDJSON in by_name["list_records"]["responses"]["200"]["content"]


def test_problem_codes_are_the_vaults() -> None:
    from datavault.domain import errors

    codes = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.VaultError)
    }
    assert codes - UNUSED_CODES == set(PROBLEMS)
    assert codes == PROBLEM_CODES


def test_the_version_is_the_projects() -> None:
    assert f'\nversion = "{VERSION}"\n' in PYPROJECT.read_text()


def test_the_default_branch_is_the_domains() -> None:
    assert datasets.DEFAULT_BRANCH == DEFAULT_BRANCH
    assert datasets.LABELS_MAX == LABELS_MAX
    assert datasets.METADATA_FIELDS_MAX == METADATA_FIELDS_MAX
    assert datasets.FILTERS_MAX == dataset_index.FILTERS_MAX


type Shape = dict[str, Any]


def test_everything_that_can_be_sent_has_a_limit() -> None:
    unlimited = [
        place
        for row in OPERATIONS
        for place, shape in _sent(row)
        if shape.get("type") in LIMITED and not LIMITED[shape["type"]] & set(shape)
    ]
    assert unlimited == []


@pytest.mark.parametrize(
    "row", [row for row in OPERATIONS if row.body is not None], ids=lambda row: row.name
)
def test_a_body_says_how_long_it_may_be(row: Operation) -> None:
    assert str(row.body_bytes_max) in described(row)["requestBody"]["description"]


@pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if row.reply is not None and row.action is not None],
    ids=lambda row: row.name,
)
def test_a_resource_and_each_of_a_list_has_links(row: Operation) -> None:
    content = described(row)["responses"][str(row.status)]["content"]
    reply = _resolved(content["application/json"]["schema"])
    assert "_links" in reply["properties"]
    listed = reply["properties"].get("data", {})
    if listed.get("type") == "array":
        assert "_links" in _resolved(listed["items"])["properties"]


LIMITED = {
    "string": {"maxLength", "enum", "const", "format"},
    "array": {"maxItems"},
}


def _sent(row: Operation) -> Iterator[tuple[str, Shape]]:
    operation = described(row)
    for parameter in operation["parameters"]:
        if "$ref" not in parameter:
            yield from _within(f"{row.name} {parameter['name']}", parameter["schema"])
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        yield from _within(f"{row.name} {media_type}", body["schema"])


def _within(place: str, shape: Shape) -> Iterator[tuple[str, Shape]]:
    shape = _resolved(shape)
    yield place, shape
    for name, inner in shape.get("properties", {}).items():
        yield from _within(f"{place}/{name}", inner)
    for inner in shape.get("anyOf", ()):
        yield from _within(place, inner)
    if isinstance(shape.get("items"), dict):
        yield from _within(f"{place}/*", shape["items"])
    if isinstance(shape.get("additionalProperties"), dict):
        yield from _within(f"{place}/*", shape["additionalProperties"])


def _resolved(shape: Shape) -> Shape:
    while "$ref" in shape:
        shape = document()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return shape
