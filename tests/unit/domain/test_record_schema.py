"""What a schema may say and cost, and how a place in a record is told."""

import json
from typing import Any

import pytest

from datavault.domain.errors import Invalid, TooLarge
from datavault.domain.record_schema import (
    NAME_CHARS_MAX,
    POINTER_CHARS_MAX,
    RecordSchema,
    pointer_of,
)
from datavault.domain.schema_bounds import (
    DIALECT,
    PATTERNS_MAX,
    SCHEMA_BYTES_MAX,
    SCHEMA_NESTING_MAX,
    parse_record_schema,
)
from datavault.domain.schema_reasons import Reasons
from datavault.domain.schema_tree import SchemaTree


def nested(levels: int) -> dict[str, Any]:
    """A schema of so many objects, one in the other."""
    found: dict[str, Any] = {}
    for _ in range(levels - 1):
        found = {"not": found}
    return found


def chained(count: int, link: Any, last: Any) -> dict[str, Any]:
    """Definitions, of which each is ``link`` of the next."""
    links = {f"a{at}": link({"$ref": f"#/$defs/a{at + 1}"}) for at in range(count)}
    return {"$defs": {**links, f"a{count}": last}, "$ref": "#/$defs/a0"}


def twice(reference: Any) -> Any:
    return {"allOf": [reference, reference]}


TREE = {
    "$defs": {
        "tree": {
            "properties": {
                "value": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            }
        }
    },
    "$ref": "#/$defs/tree",
}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"$schema": DIALECT, "$id": "https://example.org/chats", "title": "Chats"},
        {"x-notes": "is an annotation"},
        TREE,
        {"properties": {"next": {"$ref": "#"}}},
        {"$ref": "#/$defs/a~1b%20c/0", "$defs": {"a/b c": [{"type": "object"}]}},
        {"enum": [f"option {number}" for number in range(4000)]},
        {"enum": list(range(4000))},
        chained(7, twice, {"type": "integer"}),
        nested(SCHEMA_NESTING_MAX),
        {"allOf": [{"pattern": "a"}] * PATTERNS_MAX},
    ],
)
def test_a_schema_within_bounds_is_kept_compactly(document: dict[str, Any]) -> None:
    schema = parse_record_schema(document)
    assert schema.document == document
    assert b'": ' not in schema.text
    assert schema.takes_all == (document == {})


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "2020-12"),
        ({"$ref": "https://example.org/a"}, "/$ref", "JSON pointer"),
        ({"$ref": "other.json#/a"}, "/$ref", "JSON pointer"),
        ({"$ref": "#anchor"}, "/$ref", "JSON pointer"),
        ({"properties": {"a/b": {"$ref": "#/$defs/x"}}}, "/properties/a~1b/$ref", "nothing"),
        ({"$ref": "#/enum/7", "enum": [{}]}, "/$ref", "nothing"),
        ({"items": {"$dynamicRef": "#a"}}, "/items/$dynamicRef", "not taken"),
        ({"not": {"dependencies": {}}}, "/not/dependencies", "not taken"),
        ({"items": {"$id": "urn:x"}}, "/items/$id", "only the schema itself"),
        (
            {"$ref": "#/$defs/a/items", "$defs": {"a": {"$id": "urn:x", "items": {}}}},
            "/$defs/a",
            "only the schema itself",
        ),
        (nested(SCHEMA_NESTING_MAX + 1), "", "nested at most 64 deep, this is 65"),
        (nested(5000), "", "nested at most 64 deep"),
        ({"allOf": [{"pattern": "a"}] * (PATTERNS_MAX + 1)}, "", "at most 100 patterns"),
        ({"patternProperties": {f"{number}": {} for number in range(101)}}, "", "100 patterns"),
        ({"maximum": float("inf")}, "", "doubles"),
        ({"title": "\ud800"}, "", "whole characters"),
    ],
)
def test_a_schema_beyond_bounds_is_refused_with_its_place(
    document: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        parse_record_schema(document)
    assert refused.value.field == f"schema{field}"
    assert refused.value.__context__ is None


def test_a_large_schema_is_refused() -> None:
    room = SCHEMA_BYTES_MAX - len(json.dumps({"title": ""}, separators=(",", ":")))
    parse_record_schema({"title": "x" * room})
    with pytest.raises(TooLarge, match="65536 bytes"):
        parse_record_schema({"title": "x" * (room + 1)})


@pytest.mark.parametrize(
    ("document", "depth"),
    [
        # 2**60 looks at one number.
        (chained(60, twice, {"type": "integer"}), 0),
        (chained(12, lambda each: {"oneOf": [each] * 2}, {"type": "integer"}), 0),
        # Twice as many with each level of the record.
        ({"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}}, 9),
        ({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}, 9),
        ({"patternProperties": {"a": {"$ref": "#"}, "^": {"$ref": "#"}}}, 9),
        ({"allOf": [{}] * 1000}, 0),
        # Objects are compared one by one, and scalars of several kinds.
        ({"items": {"enum": [{"a": number} for number in range(500)]}}, 1),
        ({"enum": [*map(str, range(1000)), 1]}, 0),
        ({"const": [0] * 1000}, 0),
        # Each asks again what the others have looked at.
        (chained(7, lambda each: {**each, "unevaluatedProperties": False}, {}), 0),
    ],
)
def test_a_schema_that_looks_at_a_value_too_often_is_refused(
    document: dict[str, Any], depth: int
) -> None:
    with pytest.raises(Invalid, match=f"one value, {depth} levels deep .* more than 1000 times"):
        parse_record_schema(document)


@pytest.mark.parametrize(
    "document",
    [
        {"$ref": "#"},
        {"allOf": [{"not": {"$ref": "#"}}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_a_schema_that_applies_itself_to_the_same_value_is_refused(
    document: dict[str, Any],
) -> None:
    with pytest.raises(Invalid, match="itself"):
        parse_record_schema(document)


def test_a_schema_that_goes_down_in_too_many_steps_is_refused() -> None:
    links = {f"a{at}": {"$ref": f"#/$defs/a{at + 1}"} for at in range(20)}
    last = {"a20": {"properties": {"c": {"$ref": "#/$defs/a0"}}}}
    with pytest.raises(Invalid, match="in more than 1000 steps"):
        parse_record_schema({"$defs": links | last, "$ref": "#/$defs/a0"})


def test_what_is_no_schema_is_passed_over_until_it_is_compiled() -> None:
    document: dict[str, Any] = {
        "properties": [1],
        "allOf": {"a": 1},
        "items": True,
        "$ref": 5,
        "enum": 7,
        "required": "a",
        "patternProperties": 3,
    }
    assert len(SchemaTree.of(parse_record_schema(document).document).nodes) == 1


def test_a_place_is_told_with_the_names_that_the_schema_has() -> None:
    long = "x" * (NAME_CHARS_MAX + 1)
    known = frozenset({"a/b", "c~d", long})
    assert pointer_of(["a/b", 0, "c~d", "jane", long], known) == "/a~1b/0/c~0d/*/*"
    assert pointer_of([], known) == ""
    deep = pointer_of(["a/b"] * 1000, known)
    assert len(deep) == POINTER_CHARS_MAX + len("...")


def test_the_names_are_those_of_members() -> None:
    schema = parse_record_schema(
        {
            "properties": {"a": {"items": {"required": ["b"]}}},
            "enum": [{"properties": {"no": 1}}],
            "$defs": {"unused": {"properties": {"neither": True}}},
        }
    )
    assert SchemaTree.of(schema.document).names == {"a", "b"}


def test_reasons_are_found_without_collecting_errors_of_branches() -> None:
    schema = RecordSchema(
        b'{"anyOf":[{"type":"object"}],"allOf":[{"minProperties":1}],"unevaluatedProperties":false,'
        b'"properties":{"anyOf":{"anyOf":[true]}}}'
    )
    reasons = Reasons.of(schema)
    assert reasons.document == {
        "allOf": [{"minProperties": 1}, {"not": {"not": {"anyOf": [{"type": "object"}]}}}],
        "properties": {"anyOf": {"allOf": [{"not": {"not": {"anyOf": [True]}}}]}},
    }
    assert reasons.left_out == "unevaluatedProperties"
