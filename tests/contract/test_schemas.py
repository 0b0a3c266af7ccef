"""What the port promises of JSON schemas, on jsonschema-rs, which is what runs here and there."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.json_schema.checking import CompiledSchemas
from datavault.domain.errors import Invalid
from datavault.domain.record_schema import Mismatch, RecordSchema
from datavault.domain.schema_bounds import parse_record_schema
from datavault.domain.schema_reasons import Reasons
from datavault.schema_ports import RecordChecker, Schemas

SECRET = "jane@example.org"
MIB = 2**20
MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["user", "assistant"]},
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
    },
}
CHAT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "messages"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]+$"},
        "messages": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a~1b"}},
        "people": {"additionalProperties": {"type": "integer"}},
        "one": {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
        "score": {"type": "number", "maximum": 10},
    },
    "additionalProperties": False,
    "$defs": {"a/b": MESSAGE},
}
GOOD = {"id": "a", "messages": [{"role": "user", "content": "x"}]}


def compiled(document: dict[str, Any]) -> RecordChecker:
    schemas: Schemas = CompiledSchemas()
    return schemas.compile("name", parse_record_schema(document))


def mismatch(document: dict[str, Any], record: object) -> Mismatch | None:
    return compiled(document).mismatches([json.dumps(record).encode()]).get(0)


@pytest.mark.parametrize(
    ("change", "keyword", "pointer"),
    [
        ({"id": 1}, "type", "/id"),
        ({"id": "A"}, "pattern", "/id"),
        ({"messages": []}, "minItems", "/messages"),
        ({"messages": [{"role": "user"}]}, "required", "/messages/0/content"),
        ({"messages": [{"role": SECRET, "content": ""}]}, "enum", "/messages/0/role"),
        ({"messages": [{"role": "user", "content": [1, SECRET]}]}, "anyOf", "/messages/0/content"),
        ({"one": 5}, "oneOf", "/one"),
        ({"people": {SECRET: SECRET}}, "type", "/people/*"),
        ({SECRET: 1}, "additionalProperties", ""),
        ({"score": 11}, "maximum", "/score"),
    ],
)
def test_a_record_that_does_not_match_is_told_by_keyword_and_place(
    change: dict[str, object], keyword: str, pointer: str
) -> None:
    found = mismatch(CHAT, GOOD | change)
    assert found == Mismatch(keyword, pointer)
    assert SECRET not in str(found.error("line 1"))
    assert found.error("line 1").field == f"line 1{pointer}"


def test_of_many_records_those_that_do_not_match_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datavault.adapters.json_schema.checking.PIECE_BYTES", 100)
    bodies = [b'{"n":%d}' % number for number in range(200)]
    found = compiled({"properties": {"n": {"not": {"enum": [0, 7, 150, 199]}}}}).mismatches(bodies)
    assert found == dict.fromkeys((0, 7, 150, 199), Mismatch("not", "/n"))
    assert compiled({}).mismatches([]) == {}


@pytest.mark.parametrize(
    ("number", "maximum"), [(b"1e400", False), (b"-1e400", True), (b"1" + b"0" * 400, False)]
)
def test_a_number_that_is_no_double_is_compared(number: bytes, maximum: bool) -> None:
    bodies = [b'{"n":1}', b'{"n":%b}' % number]
    found = compiled({"properties": {"n": {"type": "number", "maximum": 2}}}).mismatches(bodies)
    assert found == ({} if maximum else {1: Mismatch("maximum", "/n")})


def test_an_integer_may_be_written_as_a_float() -> None:
    checker = compiled({"properties": {"n": {"type": "integer"}}})
    assert checker.mismatches([b'{"n":1.0}', b'{"n":1.5}']) == {1: Mismatch("type", "/n")}


def test_formats_refuse_nothing() -> None:
    assert mismatch({"properties": {"a": {"format": "email"}}}, {"a": "nobody"}) is None


@pytest.mark.parametrize("unevaluated", ["unevaluatedProperties", "unevaluatedItems"])
def test_what_is_unevaluated_is_told_where_nothing_else_is_wrong(unevaluated: str) -> None:
    record: dict[str, object] = {"a": [1], "b": 2}
    within = {"anyOf": [{"prefixItems": [{"const": 1}]}], "unevaluatedItems": False}
    schema = {"anyOf": [{"properties": {"a": True}}], unevaluated: False, "properties": {}}
    if unevaluated == "unevaluatedItems":
        schema, record = {"properties": {"a": within}}, {"a": [1, 2]}
    assert mismatch(schema, record) == Mismatch(unevaluated, "")
    assert mismatch(schema, {"a": [1]}) is None


def test_a_schema_whose_branches_are_referred_to_is_checked() -> None:
    schema = {
        "properties": {"a": {"anyOf": [{"const": 1}]}, "b": {"$ref": "#/properties/a/anyOf/0"}}
    }
    assert mismatch(schema, {"a": 1, "b": 1}) is None
    assert mismatch(schema, {"a": 1, "b": 2}) == Mismatch("", "")


def test_no_reason_is_given_that_might_be_none() -> None:
    unsure = {
        "if": {"properties": {}, "unevaluatedProperties": False},
        "then": {"minProperties": 1},
    }
    found = mismatch(
        {"properties": {"a": unsure, "b": {"type": "string"}}}, {"a": {"c": 1}, "b": 1}
    )
    assert found == Mismatch("", "")
    assert str(found.error("line 1")) == "does not match the dataset's schema"


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"properties": {"a": {"type": "sting"}}}, "/properties/a/type"),
        ({"required": "id"}, "/required"),
        ({"properties": []}, "/properties"),
        ({"properties": {"a/b": {"minLength": -1}}}, "/properties/a~1b/minLength"),
        ({"pattern": "(?=a)b"}, "/pattern"),
        ({"pattern": r"(a)\1"}, "/pattern"),
        ({"pattern": "("}, "/pattern"),
        ({"pattern": "(a{1000}){1000}"}, "/pattern"),
        ({"items": {"pattern": r"\p{L}{200}"}}, "/items/pattern"),
        ({"patternProperties": {"(?<!a)b": {}}}, "/patternProperties/(?<!a)b"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        compiled(document)
    assert refused.value.field == f"schema{place}"
    assert refused.value.__context__ is None


@pytest.mark.parametrize("anchor", ["#", ""])
def test_nothing_is_fetched(tmp_path: Path, anchor: str) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}")
    for reference in (file.as_uri(), "http://127.0.0.1:1/other.json"):
        document = {"$ref": reference + anchor}
        with pytest.raises(Invalid):
            parse_record_schema(document)
        # And if it came that far:
        with pytest.raises(Invalid):
            CompiledSchemas().compile("name", RecordSchema(json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 300_000 + "b"),
        ({"pattern": "(x+x+)+y"}, "x" * 300_000),
        ({"anyOf": [{"type": "string"}, {"items": {"type": "integer"}}]}, ["x"] * 300_000),
        ({"oneOf": [{"items": {"type": "integer"}}] * 2}, ["x"] * 300_000),
        ({"uniqueItems": True, "items": {"enum": ["x"]}}, [*map(str, range(100_000))]),
        ({"enum": [*map(str, range(5000))]}, "x"),
        ({"propertyNames": {"maxLength": 1}}, {f"key {at}": 0 for at in range(100_000)}),
    ],
    ids=["pattern", "pattern 2", "anyOf", "oneOf", "uniqueItems", "enum", "propertyNames"],
)
def test_a_hostile_schema_and_record_take_no_age(schema: Any, value: object) -> None:
    """Collecting what is wrong with 300,000 items by branch takes 20 s, backtracking for ever."""
    body = json.dumps({"a": value}).encode()
    began = time.thread_time()
    assert compiled({"properties": {"a": schema}}).mismatches([body]).keys() == {0}
    assert time.thread_time() - began < 5


def test_the_deepest_record_does_not_exhaust_the_stack_of_a_thread() -> None:
    """Of the schemas that are taken, one that goes down in nearly as many steps as may be."""
    chain = {f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}]} for at in range(3)}
    last = {"a3": {"$ref": "#/$defs/a4"}, "a4": {"properties": {"c": {"$ref": "#/$defs/a0"}}}}
    schema = {"$defs": chain | last, "$ref": "#/$defs/a0"}
    record: object = {"c": "x"}
    for _ in range(99):
        record = {"c": record}
    found: list[Mismatch | None] = []
    before = threading.stack_size(MIB)
    try:
        thread = threading.Thread(
            target=lambda: found.extend(
                (mismatch(schema, record), mismatch(schema | {"maxProperties": 0}, record))
            )
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found == [None, Mismatch("maxProperties", "")]


def test_a_recursive_schema_tells_of_the_deepest_member() -> None:
    schema = {"type": ["object", "string"], "properties": {"c": {"$ref": "#"}}}
    record: object = 1
    for _ in range(99):
        record = {"c": record}
    assert mismatch(schema, record) == Mismatch("type", "/c" * 99)


def test_a_schema_is_held_by_name_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datavault.adapters.json_schema.checking.HELD_BYTES_MAX", 100)
    schemas = CompiledSchemas()
    assert schemas.held("a") is None
    first = schemas.compile("a", RecordSchema(b"{}"))
    assert schemas.held("a") is first
    for name in "bcd":
        schemas.compile(name, RecordSchema(b"{}"))
    assert schemas.held("a") is None
    assert schemas.held("d") is not None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "ab"]))
VALUES = st.recursive(
    SCALARS,
    lambda held: (
        st.lists(held, max_size=3) | st.dictionaries(st.sampled_from("abc"), held, max_size=3)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
SIMPLE = st.one_of(
    st.builds(lambda kind: {"type": kind}, KINDS),
    st.builds(lambda options: {"enum": options}, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, VALUES),
    st.builds(lambda most: {"maxLength": most, "maxItems": most}, st.integers(0, 2)),
    st.builds(lambda name: {"required": [name]}, st.sampled_from("abc")),
    st.sampled_from([{"pattern": "^a"}, {"uniqueItems": True}, {"$ref": "#/$defs/d"}, True]),
)


def _grown(held: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(held, min_size=1, max_size=2)
    return st.one_of(
        st.builds(
            lambda name, each: {name: each},
            st.sampled_from(["not", "items", "additionalProperties", "contains", "propertyNames"]),
            held,
        ),
        st.builds(
            lambda name, each: {name: each}, st.sampled_from(["allOf", "anyOf", "oneOf"]), some
        ),
        st.builds(
            lambda each, name: {"properties": each, name: False},
            st.dictionaries(st.sampled_from("abc"), held, max_size=2),
            st.sampled_from(["unevaluatedProperties", "additionalProperties", "unevaluatedItems"]),
        ),
        st.builds(lambda one, two: {"if": one, "then": two}, held, held),
        st.builds(lambda one, two: {"prefixItems": [one], "items": two}, held, held),
    )


@given(st.recursive(SIMPLE, _grown, max_leaves=8), SIMPLE, st.lists(VALUES, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_another_validator(root: Any, other: Any, values: list[Any]) -> None:
    """And the schema that reasons are found with refuses no other records."""
    document = {
        "properties": {"a": root},
        "$defs": {"d": {"items": {"type": "string"}}},
        "x": other,
    }
    theirs = jsonschema.Draft202012Validator(document)
    records = [{"a": value} for value in values]
    expected = {at for at, record in enumerate(records) if not theirs.is_valid(record)}
    checker = compiled(document)
    found = checker.mismatches([json.dumps(record).encode() for record in records])
    assert found.keys() == expected
    reasons = Reasons.of(parse_record_schema(document))
    if reasons.document is None:
        return
    explaining = jsonschema.Draft202012Validator(reasons.document)
    for at, record in enumerate(records):
        if at not in expected:
            assert explaining.is_valid(record)
        elif not reasons.left_out:
            assert not explaining.is_valid(record)
